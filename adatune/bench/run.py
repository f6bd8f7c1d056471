"""A whole benchmark: the machine, its ceilings, then each subject; as plain values for JSON or a table."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from adatune.bench.augmentation import AugmentationResult, bench_augmentation
from adatune.bench.ceilings import Ceilings, measure_ceilings
from adatune.bench.config import BenchConfig, Setting, resolve, train_config
from adatune.bench.count import Counts
from adatune.bench.generation import GenerationResult, bench_generation
from adatune.bench.machine import load, machine
from adatune.bench.training import TrainingResult, bench_training, count_training, interval_of
from adatune.device import pick_device
from adatune.kernels import disabled, ops_mode
from adatune.training.acceleration import prepare_device

if TYPE_CHECKING:
    from adatune.bench.preparation import PreparationResult


@dataclass(frozen=True)
class BenchResult:
    """Everything that was measured; None or empty what was not asked for."""

    machine: dict[str, Any]
    setting: Setting
    ops: str
    load_before: float | None
    load_after: float | None
    notices: list[str]  # what could not be used, and why
    ceilings: Ceilings | None = None
    training: TrainingResult | None = None
    generation: list[GenerationResult] | None = None
    augmentation: list[AugmentationResult] | None = None
    preparation: "PreparationResult | None" = None

    def as_json(self) -> dict[str, Any]:
        """Plain values; what follows from others is spelled out."""
        values = asdict(self)
        if self.training is not None:
            for phase, row in zip(self.training.phases, values["training"]["phases"], strict=True):
                row["counts"].update(bytes_moved=phase.counts.bytes_moved, all_flops=phase.counts.all_flops)
            for name in ("seconds_per_kimg", "roofline_seconds_per_kimg", "roofline_fraction"):
                values["training"][name] = getattr(self.training, name)
        for name in ("generation", "augmentation"):
            for result, row in zip(getattr(self, name) or [], values[name] or [], strict=True):
                row["images_per_second"] = result.images_per_second
        if self.preparation is not None:
            values["preparation"]["photos_per_second"] = self.preparation.photos_per_second
        return values


@dataclass(frozen=True)
class CountResult:
    """What training consists of."""

    setting: Setting
    ops: str
    is_card: bool  # counted as on a card, not as on a CPU
    phases: dict[str, Counts]
    intervals: dict[str, int]  # a phase runs in every so many iterations

    def average(self, count: Callable[[Counts], float]) -> float:
        """COUNT of an average iteration: of each phase, divided by its interval."""
        return sum(count(counts) / self.intervals[name] for name, counts in self.phases.items())

    def largest(self, number: int) -> list[tuple[str, float, float]]:
        """Operations that move the most memory: name, launches and bytes of an average iteration."""
        sums: dict[str, tuple[float, float]] = {}
        for name, counts in self.phases.items():
            for operation, row in counts.operations.items():
                launches, size = sums.get(operation, (0.0, 0.0))
                share = 1 / self.intervals[name]
                sums[operation] = launches + share * row[0], size + share * row[1]
        rows = [(operation, *found) for operation, found in sums.items()]
        return sorted(rows, key=lambda row: row[2], reverse=True)[:number]

    def as_json(self) -> dict[str, Any]:
        """Plain values; what follows from others is spelled out."""
        values = asdict(self)
        for name, counts in self.phases.items():
            values["phases"][name].update(bytes_moved=counts.bytes_moved, all_flops=counts.all_flops)
        return values


def count(config: BenchConfig) -> CountResult:
    """Count what training does without computing anything: any size, on any machine, in seconds.

    As on a card, unless CONFIG says that the device is a CPU. With Triton installed and `ops` not torch,
    the kernels are counted too.
    """
    is_card = config.device != "cpu"
    setting = resolve(config, "cuda" if is_card else "cpu")
    if is_card and setting.precision == "auto":
        setting = replace(setting, precision="fp16")
    with ops_mode("fused" if is_card and config.ops == "auto" else config.ops):
        phases = count_training(setting, is_card)
    training = train_config(setting, "meta")
    intervals = {name: interval_of(name, training) for name in phases}
    return CountResult(setting, config.ops, is_card, phases, intervals)


def bench(config: BenchConfig, say: Callable[[str], object] = lambda _: None) -> BenchResult:
    """Measure what CONFIG names, on a machine that should have nothing else to do.

    Args:
        config: what to measure; None fields follow the device.
        say: told what is being measured.

    Raises:
        UsageError: the device does not exist, or a value cannot be.
        PhotosError: the photos for `prep` cannot be used.
    """
    device = pick_device(config.device)
    setting, before, found = resolve(config, device.type), load(), dict[str, Any]()
    with ops_mode(config.ops):
        prepare_device(train_config(setting, device, config.ops), device, say)
        if "training" in config.subjects:
            say("Measuring the machine")
            found["ceilings"] = measure_ceilings(device)
            say("Training")
            found["training"] = bench_training(setting, device, found["ceilings"], config.graphs)
        if "generation" in config.subjects:
            say("Generation")
            found["generation"] = bench_generation(setting, device)
        if "augmentation" in config.subjects:
            say("Augmentation")
            found["augmentation"] = bench_augmentation(setting, device)
    if "prep" in config.subjects and config.photos is not None:
        from adatune.bench.preparation import bench_preparation  # loads face detection

        say("Preparation")
        found["preparation"] = bench_preparation(config.photos, max(setting.resolution, 16))
    return BenchResult(
        machine=machine(device),
        setting=setting,
        ops=config.ops,
        load_before=before,
        load_after=load(),
        notices=[f"The kernel {name} is not used: {reason}" for name, reason in disabled().items()],
        **found,
    )
