"""How a download looks: a bar on a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

_LINE_SECONDS = 10  # between two plain lines


@contextmanager
def download_progress() -> Generator[Callable[[int, int | None], None]]:
    """A callback for `adatune.load(..., progress=...)`: shows bytes so far and in all on stderr."""
    if not sys.stderr.isatty():
        yield _plain_lines()
        return
    columns = (
        TextColumn("Downloading"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:

        def show(received: int, total: int | None) -> None:
            task = bar.task_ids[0] if bar.task_ids else bar.add_task("Downloading")
            bar.update(task, completed=received, total=total)

        yield show


def _plain_lines() -> Callable[[int, int | None], None]:
    last = 0.0

    def show(received: int, total: int | None) -> None:
        nonlocal last
        is_last = received == total
        if not is_last and time.monotonic() - last < _LINE_SECONDS:
            return
        last = time.monotonic()
        share = f" of {total / 1e6:.0f} MB ({100 * received / total:.0f}%)" if total else " MB"
        click.echo(f"Downloading: {received / 1e6:.0f}{share}", err=True)

    return show
