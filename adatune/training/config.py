"""Everything that decides a training run, complete: a run folder's config.toml holds exactly these values."""

import math
from dataclasses import dataclass

from adatune.augment.edits import NAMES
from adatune.errors import UsageError
from adatune.networks.config import NetworkConfig


@dataclass(frozen=True)
class TrainConfig:
    """One run. Built by `adatune.training.presets.resolve`, saved as TOML, never changed afterwards."""

    # What is trained on, and from what
    data: str  # dataset folder or zip
    resume: str = ""  # source network as the user typed it; empty: from scratch
    cond: bool = False  # use the dataset's labels
    mirror: bool = True  # also show each image mirrored left to right
    mirror_y: bool = False  # also show each image mirrored top to bottom
    seed: int = 0
    # The networks (of the source network when there is one)
    resolution: int = 512  # pixels
    channels: int = 3
    c_dim: int = 0  # label classes that the networks know
    z_dim: int = 512
    w_dim: int = 512
    mapping_layers: int = 8
    channel_base: int = 32768
    channel_max: int = 512
    g_architecture: str = "skip"
    d_architecture: str = "resnet"
    num_fp16_res: int = 4
    conv_clamp: float | None = 256
    mbstd_group: int | None = 4  # images
    d_mapping_layers: int = 8
    mapping_lr_mul: float = 0.01
    d_mapping_lr_mul: float = 0.01
    # How long, how many at a time
    length_kimg: float = 1000.0  # thousands of real images shown to the discriminator
    hours: float | None = None  # stop, saved, after this long
    batch: int = 8  # images per optimiser step
    micro_batch: int = 8  # images per forward pass; divides each GPU's part of the batch
    # Optimisation
    cfg: str = "auto"  # the preset these numbers came from
    learning_rate: float = 0.0025
    r1_gamma: float = 6.5536
    r1_interval: int = 16  # steps
    path_length_weight: float = 2.0  # 0 leaves path-length regularisation out
    path_length_interval: int = 4  # steps
    style_mixing: float = 0.9  # probability
    ema_kimg: float = 2.5  # half-life of the averaged generator
    ema_rampup: float | None = None  # limits the half-life to this share of the images seen
    freeze_d: int = 0  # discriminator layers held, from the image side
    freeze_g: int = 0  # synthesis blocks held, from 4x4 (with mapping and constant)
    freeze_m: int = 0  # mapping layers held
    # A slider that is trained with the networks
    steer: str = ""  # the edit that it does, such as zoom; empty: none
    steer_weight: float = 30.0  # of the edit's mean square beside the generator's loss
    steer_learning_rate: float = 0.01  # of the slider, corrected for the interval as the generator's
    # Augmentation
    augs: str = "bgc"  # a preset, operation names, or none
    aug_p: float | None = None  # fixed strength; None: adaptive
    initial_p: float = 0.0  # strength at the start of an adaptive run
    target: float = 0.6  # of r_t = E[sign D(real)]
    ada_interval: int = 4  # steps between adjustments
    ada_kimg: float = 100.0  # p can rise by 1 in this many kimg
    p_max: float = 0.8  # augmentations leak beyond about 0.8
    # What is written when
    tick_kimg: float = 4.0  # one line of statistics
    snap_ticks: int | None = 4  # one of these three: a snapshot each so many ticks,
    snap_kimg: float | None = None  # kimg,
    snap_minutes: float | None = None  # or minutes
    save_minutes: float = 10.0  # state.pt at least this often
    keep_last: int = 3  # snapshots
    keep_every_kimg: float = 100.0  # snapshots at these multiples are kept for good
    light: bool = False  # leave the discriminator out of snapshots
    # How it is computed: the same run, faster or slower
    device: str = "auto"
    gpus: int = 1  # processes, each with a card of its own
    precision: str = "auto"  # of the highest resolutions: fp16, bf16 or fp32; auto: fp16 on CUDA, else fp32
    ops: str = "auto"  # fused: our kernels; torch: plain operations; auto: kernels where there are any
    graphs: bool = True  # record CUDA graphs
    one_pass: bool = False  # the discriminator sees fakes and reals at once: fewer launches, more memory
    deterministic: bool = False  # the same bits on every repetition on the same machine, more slowly

    def __post_init__(self) -> None:
        for name, option in _POSITIVE.items():
            if not getattr(self, name) > 0:
                raise UsageError(f"{option} is {getattr(self, name)}; it must be above 0.")
        for name, option in _NOT_NEGATIVE.items():
            value = getattr(self, name)
            if value is not None and not value >= 0:
                raise UsageError(f"{option} is {value}; it cannot be negative.")
        for name, option in (_POSITIVE | _NOT_NEGATIVE).items():
            if getattr(self, name) == math.inf:
                raise UsageError(f"{option} is inf; it must be finite. Leave it out for the default.")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise UsageError(f"--{name} is {getattr(self, name)!r}; choose from {', '.join(choices)}.")
        if self.steer and self.steer not in NAMES:
            raise UsageError(f"--steer {self.steer} is not known. Choose from {', '.join(NAMES)}.")
        if self.seed > _LARGEST_SEED:
            raise UsageError(f"--seed is {self.seed}; it goes from 0 to {_LARGEST_SEED}.")
        if self.batch % self.micro_batch:
            raise UsageError(f"--batch {self.batch} is not a multiple of the micro-batch {self.micro_batch}.")
        at_once = self.gpus * self.micro_batch
        if self.batch % at_once:
            raise UsageError(
                f"--batch {self.batch} on --gpus {self.gpus} does not split into micro-batches of "
                f"{self.micro_batch} for each. Use --batch {-(-self.batch // at_once) * at_once}, or fewer "
                "GPUs."
            )
        if self.mbstd_group is not None and self.micro_batch % min(self.mbstd_group, self.micro_batch):
            raise UsageError(
                f"A micro-batch of {self.micro_batch} does not split into minibatch-std groups of "
                f"{self.mbstd_group}. Choose a --batch that is a multiple of it."
            )
        if self.one_pass and (self.mbstd_group is None or self.mbstd_group > self.micro_batch):
            raise UsageError("one_pass needs minibatch-std groups that fit the micro-batch.")
        if self.aug_p is not None and not 0 <= self.aug_p <= 1:
            raise UsageError(f"--aug-p is {self.aug_p}; it is a probability, from 0 to 1.")
        if not 0 <= self.p_max <= 1:
            raise UsageError(f"--p-max is {self.p_max}; it is a probability, from 0 to 1.")
        if not -1 <= self.target <= 1:
            raise UsageError(f"--target is {self.target}; r_t lies between -1 and 1.")

    @property
    def network(self) -> NetworkConfig:
        """The architecture of G and D."""
        return NetworkConfig(**{name: getattr(self, name) for name in NetworkConfig.__dataclass_fields__})

    @property
    def length_images(self) -> int:
        """Images shown in the whole run, rounded up to whole steps."""
        return -(-round(self.length_kimg * 1000) // self.batch) * self.batch


CHOICES = {"precision": ("auto", "fp16", "bf16", "fp32"), "ops": ("auto", "torch", "fused")}
_LARGEST_SEED = 2**63 - 1  # what torch and TOML take
_POSITIVE = {
    "length_kimg": "--kimg",
    "batch": "--batch",
    "gpus": "--gpus",
    "micro_batch": "micro_batch",
    "learning_rate": "--lr",
    "steer_learning_rate": "steer_learning_rate",
    "tick_kimg": "tick_kimg",
    "ada_kimg": "ada_kimg",
    "ada_interval": "ada_interval",
    "r1_interval": "r1_interval",
    "path_length_interval": "path_length_interval",
    "save_minutes": "--save-minutes",
    "keep_last": "keep_last",
    "keep_every_kimg": "keep_every_kimg",
}
_NOT_NEGATIVE = {
    "r1_gamma": "--gamma",
    "freeze_d": "--freezed",
    "freeze_g": "--freezeg",
    "freeze_m": "--freezem",
    "snap_ticks": "--snap",
    "snap_kimg": "--snap-kimg",
    "snap_minutes": "--snap-minutes",
    "hours": "--hours",
    "path_length_weight": "path_length_weight",
    "seed": "--seed",
    "steer_weight": "steer_weight",
    "ema_kimg": "ema_kimg",
    "ema_rampup": "ema_rampup",
}
