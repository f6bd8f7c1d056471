"""What a run will do, how long it will take and what it needs: said before anything is written."""

import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from rich.console import Group
from rich.table import Table
from rich.text import Text

from adatune.augment.edits import make_edit
from adatune.data.dataset import Dataset
from adatune.device import check_precision, cpu_has_bf16, describe_device
from adatune.home import runs_folder
from adatune.training import cost
from adatune.training.config import TrainConfig
from adatune.training.freeze import discriminator_layers
from adatune.training.memory import memory_bytes
from adatune.training.progress import duration
from adatune.training.trained_walk import reach_of

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Plan:
    """A run in numbers and in words. Speed, hours, memory and disk are estimates."""

    rows: dict[str, str]  # what is said about the run, by heading, in order
    notices: tuple[str, ...]  # what the user should know before starting
    seconds_per_kimg: float
    hours: float
    memory_bytes: float
    disk_bytes: int
    images: int
    images_with_mirrored: int

    def lines(self) -> list[str]:
        """The plan where there is no terminal: one line for each heading and notice."""
        width = max(len(heading) for heading in self.rows) + 3
        said = [f"{heading:{width}}{words}" for heading, words in self.rows.items()]
        return said + [f"Note: {notice}" for notice in self.notices]

    def as_json(self) -> dict[str, object]:
        """Plain values for `--json`."""
        return {
            "plan": self.rows,
            "notices": list(self.notices),
            "estimated_seconds_per_kimg": round(self.seconds_per_kimg, 3),
            "estimated_hours": round(self.hours, 3),
            "estimated_memory_bytes": round(self.memory_bytes),
            "estimated_disk_bytes": self.disk_bytes,
            "images": self.images,
            "images_with_mirrored": self.images_with_mirrored,
        }


def make_plan(config: TrainConfig, dataset: Dataset, device: "torch.device") -> Plan:
    """Work out what CONFIG means for DATASET on DEVICE. Trains and writes nothing.

    Raises:
        UsageError: DEVICE does not compute in the precision that CONFIG asks for.
    """
    speed = cost.seconds_per_kimg(config, device)
    seconds = config.length_images / 1000 * speed
    memory = memory_bytes(config.network, config.micro_batch, device.type, config.precision)
    disk = cost.disk_bytes(config)
    shown = len(dataset) * (1 + config.mirror) * (1 + config.mirror_y)
    hours = seconds / 3600 if config.hours is None else min(seconds / 3600, config.hours)
    rows = {
        "Dataset": _dataset_words(config, dataset, shown),
        "Network": _network_words(config),
        "Device": _device_words(config, device),
        "Batch": _batch_words(config),
        "Augmentation": _augmentation_words(config),
        **({"Slider": _slider_words(config)} if config.steer else {}),
        "Frozen": _frozen_words(config),
        "Length": f"{config.length_kimg:g} kimg, each image {config.length_images / len(dataset):,.0f} times",
        "Time": _time_words(config, speed, seconds),
        "Memory": f"about {_size(memory)} (estimate)",
        "Disk": f"up to {_size(disk)} in {runs_folder()}; {_size(cost.snapshot_bytes(config))} a snapshot",
        "Saved": _saving_words(config),
    }
    return Plan(
        rows, _notices(config, dataset, device, disk), speed, hours, memory, disk, len(dataset), shown
    )


def render_plan(plan: Plan) -> Group:
    """The plan for a rich console: two columns, plain text off a terminal."""
    table = Table.grid(padding=(0, 3))
    table.add_column(style="bold cyan", no_wrap=True)
    table.add_column(overflow="fold")
    for heading, words in plan.rows.items():
        table.add_row(heading, Text(words))
    notices = [Text(f"Note: {notice}", style="yellow") for notice in plan.notices]
    return Group(table, *notices)


def _dataset_words(config: TrainConfig, dataset: Dataset, shown: int) -> str:
    ways = [way for way, on in (("left to right", config.mirror), ("top to bottom", config.mirror_y)) if on]
    mirrored = f", {shown:,} with mirrored copies ({' and '.join(ways)})" if ways else ", no mirrored copies"
    size = f"{dataset.resolution}x{dataset.resolution}{' grey' if dataset.channels == 1 else ''}"
    return f"{dataset.name}: {len(dataset):,} real images{mirrored}, {size}"


def _network_words(config: TrainConfig) -> str:
    generator, discriminator = cost.parameter_counts(config.network)
    start = f"from {config.resume}" if config.resume else f"from scratch, cfg {config.cfg}"
    labels = f", labels of {config.c_dim} numbers" if config.c_dim else ""
    sizes = f"generator {_millions(generator)}, discriminator {_millions(discriminator)} parameters"
    return f"{start}: {sizes}{labels}"


def _device_words(config: TrainConfig, device: "torch.device") -> str:
    precision = check_precision(device, config.precision)
    name = f"{config.gpus} x {describe_device(device)}" if config.gpus > 1 else describe_device(device)
    if precision == "fp32":
        return f"{name}, fp32"
    where = "highest resolutions" if device.type == "cuda" else "operands of the convolutions"
    return f"{name}, {precision} in the {where}"


def _batch_words(config: TrainConfig) -> str:
    own = config.batch // config.gpus
    parts = own // config.micro_batch
    shared = f", {own} on each of {config.gpus} GPUs" if config.gpus > 1 else ""
    split = f" in {parts} micro-batches of {config.micro_batch}" if parts > 1 else ""
    steps = f"learning rate {config.learning_rate:g}, R1 gamma {config.r1_gamma:g}"
    return f"{config.batch} images{shared}{split}; {steps}"


def _augmentation_words(config: TrainConfig) -> str:
    if config.augs == "none":
        return "none"
    if config.aug_p is not None:
        return f"{config.augs}, fixed at p {config.aug_p:g}"
    start = f"p from {config.initial_p:g} to at most {config.p_max:g}"
    return f"{config.augs}, adaptive: {start}, target r_t {config.target:g}"


def _slider_words(config: TrainConfig) -> str:
    edit, reach = make_edit(config.steer, config.resolution, config.channels), reach_of(config.steer)
    low, high = (f"{edit.alpha_of(slider):.3g}" for slider in (-reach, reach))
    return f"{config.steer}, trained with the networks from {low} to {high} ({edit.unit})"


def _frozen_words(config: TrainConfig) -> str:
    generator, discriminator = cost.parameters_by_name(config.network)
    parts: list[str] = []
    if config.freeze_d:
        names = discriminator_layers(config.network)[: config.freeze_d]
        parts.append(f"discriminator {_span(names)} ({_held(discriminator, names)})")
    mapping = [f"mapping.fc{index}" for index in range(config.freeze_m)]
    if config.freeze_m and config.c_dim:
        mapping.append("mapping.embed")
    if config.freeze_g:
        blocks = [f"synthesis.b{resolution}" for resolution in config.network.resolutions[: config.freeze_g]]
        held = _held(generator, ["mapping", *blocks])
        parts.append(
            f"generator mapping and {_span([b.split('.')[1] for b in blocks])} ({held}); path length off"
        )
    elif mapping:
        parts.append(f"{_span(mapping[: config.freeze_m])} ({_held(generator, mapping)})")
    return "; ".join(parts) or "nothing"


def _span(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"


def _held(sizes: dict[str, int], layers: list[str]) -> str:
    prefixes = tuple(f"{layer}." for layer in layers)
    return f"{_millions(sum(size for name, size in sizes.items() if name.startswith(prefixes)))} parameters"


def _time_words(config: TrainConfig, speed: float, seconds: float) -> str:
    words = f"about {duration(seconds)} at {speed:,.{0 if speed >= 100 else 1}f} s/kimg (estimate)"
    if config.hours is not None and config.hours * 3600 < seconds:
        return f"{words}; stops, saved, after {config.hours:g} h of each session"
    return words


def _saving_words(config: TrainConfig) -> str:
    if config.snap_minutes:
        every = f"{config.snap_minutes:g} min"
    elif config.snap_kimg:
        every = f"{config.snap_kimg:g} kimg"
    elif config.snap_ticks:
        every = f"{config.snap_ticks * config.tick_kimg:g} kimg"
    else:
        every = ""
    snapshots = f"a snapshot each {every}" if every else "a snapshot at the end"
    kept = f"kept: the last {config.keep_last} and one each {config.keep_every_kimg:g} kimg"
    return f"{snapshots} ({kept}), the state each {config.save_minutes:g} min"


def _notices(config: TrainConfig, dataset: Dataset, device: "torch.device", disk: int) -> tuple[str, ...]:
    notices: list[str] = []
    if dataset.labels is not None and not config.cond:
        reason = (
            "the source network has none" if config.resume and not config.c_dim else "--cond would use them"
        )
        notices.append(f"the labels of {dataset.name} are not used: {reason}.")
    if dataset.is_validation:
        notices.append(
            f"{dataset.name} is a validation set, kept apart to measure by; training on it spoils that."
        )
    if device.type == "cpu" and config.precision == "bf16" and not cpu_has_bf16():
        notices.append("this CPU has no bfloat16 units: --precision fp32 is faster on it.")
    if len(dataset) < 30:
        notices.append(f"{len(dataset)} images are few; results get varied from about 30.")
    free = _free_disk()
    if free is not None and free < disk:
        notices.append(
            f"only {_size(free)} are free on the disk of {runs_folder()}. Free space before starting."
        )
    return tuple(notices)


def _free_disk() -> int | None:
    folder = runs_folder().resolve()
    while not folder.exists():
        folder = folder.parent
    try:
        return shutil.disk_usage(folder).free
    except OSError:  # some mounted drives do not tell
        return None


def _millions(count: int) -> str:
    return f"{count / 1e6:.1f} M" if count >= 1e6 else f"{count:,}"


def _size(count: float) -> str:
    return (
        f"{count / 1e9:.1f} GB"
        if count >= 1e9
        else f"{max(count / 1e6, 0.1):.{0 if count >= 1e7 else 1}f} MB"
    )
