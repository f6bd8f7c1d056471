"""`adatune bench`: what to measure in, tables out."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from adatune.bench.config import BenchConfig

_SUBJECTS = ("training", "generation", "augmentation", "prep")
_COUNT_ONLY = "--counts computes nothing, so it cannot be combined with --what {}. Leave one of them out."


@click.command(short_help="Measure how fast this machine trains and generates.")
@click.option(
    "--what",
    type=click.Choice([*_SUBJECTS, "all"]),
    default="all",
    show_default=True,
    help="What to measure. prep is measured on --photos.",
)
@click.option(
    "--resolution", type=int, help="Side of the pictures, pixels.  [default: 512 on a card, else 64]"
)
@click.option(
    "--channel-base",
    type=int,
    help="Feature maps times resolution.  [default: as trained on a card, else 2048]",
)
@click.option("--batch", type=int, help="Images per step.  [default: 8; 4 at 1024]")
@click.option("--augs", default="bgc", show_default=True, help="Augmentations, as in adatune train; or none.")
@click.option("--device", default="auto", show_default=True, help="Device, such as cuda or cpu.")
@click.option(
    "--ops",
    type=click.Choice(["auto", "torch", "fused"]),
    default="auto",
    show_default=True,
    help="Fused kernels or plain torch.",
)
@click.option(
    "--precision",
    type=click.Choice(["auto", "fp16", "bf16", "fp32"]),
    default="auto",
    show_default=True,
    help="Of the highest resolutions.",
)
@click.option(
    "--graphs/--no-graphs", default=None, help="Captured phases, or eager ones.  [default: if possible]"
)
@click.option("--repeats", type=int, help="Runs of each phase.  [default: 20 on a card, else 5]")
@click.option("--iterations", type=int, help="Whole steps by the clock.  [default: 32 on a card, else 8]")
@click.option("--photos", type=click.Path(path_type=Path), help="Folder of photos to measure prep on.")
@click.option(
    "--counts", is_flag=True, help="Only count launches, bytes and FLOPs of training; compute nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def bench(what: str, counts: bool, as_json: bool, **settings: Any) -> None:
    """Measure how fast this machine trains, generates, augments and prepares; nothing is written.

    \b
    adatune bench
    adatune bench --what training --resolution 256 --batch 16 --ops torch
    adatune bench --counts --resolution 512 --json
    """
    from adatune.bench.config import BenchConfig
    from adatune.errors import UsageError

    if counts and what not in {"all", "training"}:
        raise UsageError(_COUNT_ONLY.format(what))
    if what == "prep" and settings["photos"] is None:
        raise UsageError("--what prep needs photos to prepare. Add --photos FOLDER.")
    subjects = _SUBJECTS if what == "all" else (what,)
    config = BenchConfig(subjects=subjects, **settings)
    (_count if counts else _measure)(config, as_json)


def _measure(config: "BenchConfig", as_json: bool) -> None:
    from adatune.bench.run import bench as run
    from adatune.bench.tables import print_result

    # Plain lines: what moves on the screen takes time from what is measured.
    result = run(config, lambda text: click.echo(f"{text} ...", err=True))
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2))
    else:
        print_result(result, config)


def _count(config: "BenchConfig", as_json: bool) -> None:
    from adatune.bench.run import count
    from adatune.bench.tables import print_counts

    result = count(config)
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2))
    else:
        print_counts(result)
