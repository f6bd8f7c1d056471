"""How far a command is, on stderr: a bar on a terminal, a plain line now and then elsewhere."""

import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import track

Item = TypeVar("Item")
LINE_SECONDS = 10  # between two plain lines


def with_progress(
    items: Iterable[Item], count: int, verb: str = "Drawing", noun: str = "pictures"
) -> Iterator[Item]:
    """Pass ITEMS on, of which there are COUNT, and show how many there were and how long the rest will take.

    VERB stands before the bar, NOUN is what the plain lines count.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(items, verb, total=count, console=console, transient=True)
        return
    started = last = time.monotonic()
    for done, item in enumerate(items, start=1):
        yield item
        now = time.monotonic()
        if now - last > LINE_SECONDS:
            last = now
            seconds_left = (now - started) / done * (count - done)
            click.echo(f"{done} of {count} {noun}, {_duration(seconds_left)} left", err=True)


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
