"""Results of a benchmark as tables for a terminal."""

import sys
from collections.abc import Iterable

from rich import box
from rich.console import Console
from rich.table import Table

from adatune.bench.augmentation import AugmentationResult
from adatune.bench.ceilings import Ceilings
from adatune.bench.config import BenchConfig, Setting
from adatune.bench.count import Counts
from adatune.bench.generation import GenerationResult
from adatune.bench.run import BenchResult, CountResult
from adatune.bench.timing import Times
from adatune.bench.training import Phase, TrainingResult

_WIDTH = 100  # of output that goes to a file or a pipe
_LARGEST = 12  # operations that are listed
_BUSY = 0.5  # of a core: more load than this before the start disturbs what is measured
_NO_PHOTOS = "Preparation was not measured: name a folder with --photos."


def print_result(result: BenchResult, config: BenchConfig) -> None:
    """Everything that was measured."""
    console = _console()
    versions = (f"{name} {result.machine[name]}" for name in ("torch", "triton") if name in result.machine)
    console.print(" · ".join([result.machine["device"], *versions]))
    if set(config.subjects) != {"prep"}:
        console.print(_about(result.setting, result.ops))
    if result.load_before is not None and result.load_before > _BUSY:
        console.print(f"The machine was busy (load {result.load_before:g}); figures will be too slow.")
    for notice in result.notices:
        console.print(notice, markup=False)
    if result.training is not None and result.ceilings is not None:
        _print_training(console, result.training, result.ceilings)
    if result.generation is not None:
        console.print(_rates("Generation", [(f"batch of {row.batch}", row) for row in result.generation]))
    if result.augmentation:
        rows = [(row.name, row) for row in result.augmentation]
        console.print(_rates(f"Augmentation, batch of {result.setting.batch}", rows))
    if result.preparation is not None:
        found = result.preparation
        console.print(
            f"Preparation: {found.photos_per_second:.1f} photos/s "
            f"({found.found} files, {found.kept} kept at {found.size} pixels, {found.seconds:.1f} s)"
        )
    elif "prep" in config.subjects:
        console.print(_NO_PHOTOS)


def print_counts(result: CountResult) -> None:
    """Launches, bytes and FLOPs by phase."""
    console = _console()
    console.print(_about(result.setting, result.ops))
    console.print(f"Counted as on a {'card' if result.is_card else 'CPU'}; nothing was computed.")
    table = _table("Training", "launches", "GB", "GFLOP", "of filters")
    for name, counts in result.phases.items():
        table.add_row(_label(name, result.intervals[name]), *_counted(counts))
    average = result.average
    table.add_section()
    table.add_row(
        "average iteration",
        f"{average(lambda counts: counts.launches):,.0f}",
        f"{average(lambda counts: counts.bytes_moved / 1e9):.2f}",
        f"{average(lambda counts: counts.all_flops / 1e9):,.1f}",
        f"{average(lambda counts: counts.filter_flops / 1e9):,.1f}",
        style="bold",
    )
    console.print(table)
    operations = _table("Most memory traffic", "launches", "GB an iteration")
    for name, launches, size in result.largest(_LARGEST):
        operations.add_row(name, f"{launches:,.1f}", f"{size / 1e9:.2f}")
    console.print(operations)


def _print_training(console: Console, training: TrainingResult, ceilings: Ceilings) -> None:
    table = _table("Training", "ms", "quartiles", "launches", "GB", "GFLOP", "of roofline")
    for phase in training.phases:
        table.add_row(*_phase(phase))
    if training.why_no_graphs:
        console.print(f"CUDA graphs could not be recorded ({training.why_no_graphs}).", markup=False)
    table.add_section()
    table.add_row(
        "average iteration",
        _milliseconds(sum(phase.share_ms for phase in training.phases)),
        "",
        f"{sum(phase.counts.launches / phase.interval for phase in training.phases):,.0f}",
        f"{sum(phase.counts.bytes_moved / phase.interval for phase in training.phases) / 1e9:.2f}",
        f"{sum(phase.counts.all_flops / phase.interval for phase in training.phases) / 1e9:,.1f}",
        f"{training.roofline_fraction:.0%}",
        style="bold",
    )
    console.print(table)
    console.print(
        f"[bold]{training.seconds_per_kimg:.1f} s/kimg[/] by phases, {training.wall_seconds_per_kimg:.1f} "
        f"by the clock over {training.wall_iterations} iterations; {training.memory_gb:.1f} GB of memory"
        f"{', phases from CUDA graphs' if training.has_graphs else ''}"
    )
    peaks = (f"{name} {_rate(value)}FLOP/s" for name, value in ceilings.flops_per_second.items())
    copy = f"copy {_rate(ceilings.bytes_per_second)}B/s"
    console.print(f"Measured ceilings: {', '.join([copy, *peaks])}")


def _phase(phase: Phase) -> Iterable[str]:
    counts, times = phase.counts, phase.times
    yield _label(phase.name, phase.interval)
    yield _milliseconds(times.median)
    yield f"{_milliseconds(times.low)} - {_milliseconds(times.high)}"
    yield f"{counts.launches:,}"
    yield f"{counts.bytes_moved / 1e9:.2f}"
    yield f"{counts.all_flops / 1e9:,.1f}" if counts.all_flops else "-"
    yield f"{phase.roofline_ms / times.median:.0%}" if counts.all_flops else "-"


def _rates(
    title: str, rows: "list[tuple[str, GenerationResult]] | list[tuple[str, AugmentationResult]]"
) -> Table:
    table = _table(title, "ms", "quartiles", "images/s")
    for name, row in rows:
        times: Times = row.times
        quartiles = f"{_milliseconds(times.low)} - {_milliseconds(times.high)}"
        table.add_row(name, _milliseconds(times.median), quartiles, f"{row.images_per_second:,.1f}")
    return table


def _about(setting: Setting, ops: str) -> str:
    return (
        f"{setting.resolution}x{setting.resolution} · channel base {setting.channel_base} · "
        f"batch {setting.batch} · augmentations {setting.augs}\nops {ops} · precision {setting.precision}"
    )


def _counted(counts: Counts) -> Iterable[str]:
    yield f"{counts.launches:,}"
    yield f"{counts.bytes_moved / 1e9:.2f}"
    yield f"{counts.all_flops / 1e9:,.1f}"
    yield f"{counts.filter_flops / 1e9:,.1f}"


def _label(name: str, interval: int) -> str:
    return name if interval == 1 else f"{name}, every {interval}th"


def _milliseconds(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _rate(value: float) -> str:
    """With a prefix: 3.2e12 is '3.2 T'."""
    for factor, prefix in ((1e12, "T"), (1e9, "G")):
        if value >= factor:
            return f"{value / factor:.3g} {prefix}"
    return f"{value / 1e6:.3g} M"


def _table(title: str, *columns: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    table.add_column(title, no_wrap=True)
    for column in columns:
        table.add_column(column, justify="right", no_wrap=True)
    return table


def _console() -> Console:
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDTH)
