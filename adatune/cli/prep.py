"""`adatune prep`: options in, progress and a one-screen summary out."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from adatune.errors import UsageError
from adatune.prep.config import ALIGNMENTS, FACES, PrepConfig

if TYPE_CHECKING:
    from adatune.prep.prepare import PrepProgress, PrepResult


_DEFAULT = PrepConfig()
_option = partial(click.option, show_default=True)
_file = click.Path(path_type=Path, dir_okay=False)


@click.command(short_help="Turn a folder of photos into a training dataset.")
@click.argument("photos", required=False)
@click.option("--name", help="Name of the dataset.  [default: that of the photo folder]")
@_option("--size", default=_DEFAULT.size, help="Side of the pictures, pixels: 16 to 1024.")
@_option(
    "--align",
    type=click.Choice(ALIGNMENTS),
    default=_DEFAULT.align,
    help="Level faces and crop them 5:4; or as FFHQ, square; or take the middle of any picture.",
)
@click.option("--ratio", metavar="W:H", help="Ratio of the crops, squashed to squares.  [default: --align's]")
@_option(
    "--faces",
    type=click.Choice(FACES),
    default=_DEFAULT.faces,
    help="Of several faces take the largest, all, or no photo that has several.",
)
@click.option("--every", type=int, metavar="N", help="Of a video, every N-th frame.  [default: one a second]")
@_option("--mirror/--no-mirror", default=_DEFAULT.mirror, help="Train on mirror images too.")
@click.option("--labels", metavar="folders|CSV", help="Classes: the first sub-folders, or a table.")
@_option("--validation", default=_DEFAULT.validation, help="Share of photos to put aside, 0 to 0.5.")
@click.option(
    "--zip", "archive", type=_file, help="Write the dataset as a zip too, for any StyleGAN2-ADA tool."
)
@click.option("--review", type=_file, help="Apply review.csv, exported from the contact sheet.")
@click.option("--crops", type=_file, help="Take boxes of your own: source, x, y, width, height[, angle].")
@click.option("--forget-review", is_flag=True, help="Forget the review and the boxes of earlier runs.")
@click.option("--keep-duplicates", is_flag=True, help="Keep photos that are nearly the same.")
@_option("--min-face-score", default=_DEFAULT.min_face_score, help="Confidence in a face, 0 to 1.")
@_option("--max-upscale", default=_DEFAULT.max_upscale, help="Enlargement that is accepted.")
@_option("--warn-upscale", default=_DEFAULT.warn_upscale, help="Enlargement worth a note.")
@_option("--max-yaw", default=_DEFAULT.max_yaw, help="Degrees turned to a side.")
@_option("--max-pitch", default=_DEFAULT.max_pitch, help="Degrees raised or lowered.")
@_option("--max-blur", default=_DEFAULT.max_blur, help="Softness of edges, output pixels.")
@_option("--max-exposure", default=_DEFAULT.max_exposure, help="How badly lit a face is, 0 to 1.")
@_option("--max-occlusion", default=_DEFAULT.max_occlusion, help="How covered a face is, 0 to 1.")
@_option("--max-border", default=_DEFAULT.max_border, help="Share of a crop beyond its photo.")
@_option("--max-cast", default=_DEFAULT.max_cast, help="How far colours are from the others'.")
@_option("--warn-eyes", default=_DEFAULT.warn_eyes, help="How open eyes are before a note, 0 to 1.")
@click.option("--linear-light", is_flag=True, help="Shrink by averaging light, not sRGB values.")
@click.option("--workers", type=int, help="Processes.  [default: as cores and memory allow]")
@click.option("--stats", is_flag=True, help="Show the report on dataset PHOTOS, prepared before.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def prep(
    photos: str | None,
    as_json: bool,
    stats: bool,
    archive: Path | None,
    review: Path | None,
    crops: Path | None,
    forget_review: bool,
    **settings: Any,
) -> None:
    """Turn PHOTOS (a folder, zip, video or picture) into a dataset: find faces, level, crop, sort out.

    \b
    adatune prep ./photos
    adatune prep ./photos --size 1024 --name portraits
    adatune prep ./photos --review ~/Downloads/review.csv
    adatune prep film.mp4 --every 30 --faces all
    adatune prep --stats portraits
    """
    from adatune.prep.prepare import prepare

    if stats:
        _print_stats(photos, as_json)
        return
    if photos is None:
        raise UsageError("Which photos? Name a folder, a zip, a video or a picture: adatune prep ./photos")
    config = PrepConfig(**settings)
    console = Console(stderr=as_json, highlight=False)
    with _Display(console) as display:
        result = prepare(
            Path(photos),
            config,
            display.update,
            review=review,
            crops=crops,
            forget_review=forget_review,
            archive=archive,
        )
    if as_json:
        click.echo(json.dumps(result.as_json(), indent=2))
    else:
        _print_summary(console, result)


def _print_stats(name: str | None, as_json: bool) -> None:
    from adatune.prep.description import stored_report

    report = stored_report(name)
    click.echo(json.dumps(report.as_json(), indent=2) if as_json else "\n".join(report.lines()))


class _Display:
    """A progress bar on a terminal, a plain line now and then elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar = Progress(
            TextColumn("Looking at photos"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._task = self._bar.add_task("photos", start=False)
        self._announced = False
        self._next_line = 0.1

    def __enter__(self) -> "_Display":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def update(self, progress: "PrepProgress") -> None:
        """Show how far the work is; the first call says what will be done."""
        if not self._announced:
            self._announced = True
            known = f", {progress.reused} already examined" if progress.reused else ""
            self._print(f"Found {progress.total} photos{known}. Writing {progress.dataset}")
            self._bar.update(self._task, total=progress.total, completed=progress.reused)
            self._bar.start_task(self._task)
            return
        self._bar.update(self._task, completed=progress.done)
        if not self._console.is_terminal and progress.done >= self._next_line * progress.total:
            self._print(f"{progress.done} of {progress.total} photos")
            self._next_line = progress.done / progress.total + 0.1
            sys.stdout.flush()

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, soft_wrap=True)


def _print_summary(console: Console, result: "PrepResult") -> None:
    table = Table.grid(padding=(0, 2))
    table.add_row("found", str(result.found), "")
    table.add_row("kept", f"[bold green]{result.kept}[/]", _about_kept(result))
    if result.validation:
        table.add_row("put aside", f"[green]{result.validation}[/]", f"in {result.name}-validation")
    for reason, count in result.reasons.items():
        table.add_row(reason, str(count), "")
    if result.reviewed:
        table.add_row("your choice", str(result.reviewed), "--forget-review takes it back")
    console.print()
    console.print(table)
    console.print()
    for advice in result.report.advice:
        console.print(f"- {advice}", markup=False)
    if result.report.advice:
        console.print()
    console.print(f"Look at it: {result.dataset / 'contact-sheet.html'}", markup=False, soft_wrap=True)
    network = _source_network(result.size)
    command = f"adatune train --data {_quoted(result.name)} --resume {network} --kimg 1000"
    console.print(f"Next:       {command}", markup=False, soft_wrap=True)


def _about_kept(result: "PrepResult") -> str:
    return f"{result.upscaled} of them enlarged; larger photos would look sharper" if result.upscaled else ""


def _quoted(name: str) -> str:
    return f'"{name}"' if " " in name else name


def _source_network(size: int) -> str:
    """A published network of this size, or the place where the user names one."""
    return f"ffhq{size}" if size in {256, 512, 1024} else "NETWORK"
