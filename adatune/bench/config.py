"""What a benchmark runs: the same few choices for training, generation and augmentation."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from adatune.errors import UsageError
from adatune.kernels import OpsMode

if TYPE_CHECKING:
    import torch

    from adatune.networks.precision import Precision
    from adatune.training.config import TrainConfig

SUBJECTS = ("training", "generation", "augmentation", "prep")
STRENGTH = 0.5  # of the augmentation, fixed: every operation is at work


@dataclass(frozen=True)
class BenchConfig:
    """One benchmark. A None stands for the device's default; `resolve` fills it in."""

    subjects: tuple[str, ...] = SUBJECTS
    resolution: int | None = None  # pixels
    channel_base: int | None = None  # feature maps: channel_base / resolution, at most 512
    batch: int | None = None  # images
    augs: str = "bgc"
    device: str = "auto"
    ops: OpsMode = "auto"
    precision: "Precision" = "auto"  # of the highest resolutions
    graphs: bool | None = None  # None: where they are supported
    repeats: int | None = None  # of each phase
    iterations: int | None = None  # whole ones, by the clock
    photos: Path | None = None  # to measure prep on

    def __post_init__(self) -> None:
        for name in ("resolution", "channel_base", "batch", "repeats", "iterations"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"--{name.replace('_', '-')} is {value}; it must be above 0.")
        if self.resolution is not None and self.resolution not in [2**n for n in range(3, 11)]:
            raise UsageError(f"--resolution is {self.resolution}; it is a power of two from 8 to 1024.")


@dataclass(frozen=True)
class Setting:
    """A benchmark with everything decided."""

    resolution: int
    channel_base: int
    batch: int
    augs: str
    precision: "Precision"
    repeats: int
    iterations: int


def resolve(config: BenchConfig, device_type: str) -> Setting:
    """Fill in what was left open: on a card what people train, elsewhere what takes about a minute."""
    on_card = device_type == "cuda"
    resolution = config.resolution or (512 if on_card else 64)
    base = (32768 if resolution >= 512 else 16384) if on_card or config.resolution else 2048
    return Setting(
        resolution=resolution,
        channel_base=config.channel_base or base,
        batch=config.batch or (4 if resolution == 1024 else 8),
        augs=config.augs,
        precision=config.precision,
        repeats=config.repeats or (20 if on_card else 5),
        iterations=config.iterations or (32 if on_card else 8),
    )


def train_config(setting: Setting, device: "torch.device | str", ops: OpsMode = "auto") -> "TrainConfig":
    """The training run that SETTING stands for, on random pictures; the whole batch in one pass."""
    from adatune.training.config import TrainConfig
    from adatune.training.presets import largest_group

    return TrainConfig(
        data="none",
        resolution=setting.resolution,
        channel_base=setting.channel_base,
        batch=setting.batch,
        micro_batch=setting.batch,
        mbstd_group=largest_group(setting.batch, 4),
        augs=setting.augs,
        aug_p=None if setting.augs == "none" else STRENGTH,
        precision=setting.precision,
        ops=ops,
        device=str(device),
    )
