"""Shows a run as it goes: a live bar on a terminal, one line a tick everywhere, the same lines in log.txt."""

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from adatune.training import run_folder
from adatune.training.config import TrainConfig

FIRST_WORD_SECONDS = 20  # off a terminal, the speed is told this soon, not only at the first tick


def duration(seconds: float) -> str:
    """SECONDS for people: '45 s', '12 min', '3 h 05 min', '2 d 04 h'."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 100:
        return f"{minutes} min"
    if minutes < 48 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    hours = round(minutes / 60)
    return f"{hours // 24} d {hours % 24:02d} h"


def tick_line(row: Mapping[str, Any], left: str) -> str:
    """One tick on one line of at most 100 characters; what is not known is a dash.

    Args:
        row: a row of stats.jsonl, with `memory_gb` where there is a GPU.
        left: the time that is left, in words.
    """
    cells = [
        f"{row['kimg']:9.3f} kimg",
        f"r_t {_number(row.get('r_t'), '+6.3f')}",
        f"p {_number(row.get('p'), '5.3f')}",
        f"G {_number(row.get('loss_G'), '6.3f')}",
        f"D {_number(row.get('loss_D'), '6.3f')}",
        f"{_number(row.get('seconds_per_kimg'), '7.2f')} s/kimg",
    ]
    if row.get("memory_gb"):
        cells.append(f"{row['memory_gb']:4.1f} GB")
    return "  ".join([*cells, f"{left} left"])


def _number(value: float | None, form: str) -> str:
    width = int(form.strip("+").split(".")[0])
    return "-".rjust(width) if value is None else format(value, form)


class Progress:
    """The display of one session of a run. Nothing it does can stop training but a full disk."""

    def __init__(
        self,
        config: TrainConfig,
        folder: Path,
        start_images: int,
        console: Console | None = None,
        clock: Callable[[], float] = time.monotonic,
        is_silent: bool = False,
    ) -> None:
        """Show the run in FOLDER, which has shown START_IMAGES so far, on CONSOLE (default: stderr).

        Where it IS_SILENT, nothing is shown or logged: another process does it.
        """
        self._is_silent = is_silent
        self._config, self._folder, self._clock = config, folder, clock
        self._console = console or Console(stderr=True, highlight=False)
        self._start_images = self._images = start_images
        self._started = clock()
        self._seconds_per_kimg: float | None = None  # of the last tick
        self._row: Mapping[str, Any] = {}
        self._note = ""
        self._has_told_speed = self._console.is_terminal
        self._live = Live(
            console=self._console,
            get_renderable=self._render,
            refresh_per_second=2,
            transient=True,
            auto_refresh=self._console.is_terminal,
        )

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._is_silent:
            self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, images: int) -> None:
        """IMAGES have been shown. Cheap: called after every step."""
        self._images = images
        if not self._has_told_speed and self._clock() - self._started >= FIRST_WORD_SECONDS:
            self._has_told_speed = True
            if not self._row:
                self._line(
                    f"{images / 1000:9.3f} kimg  {self._speed():.2f} s/kimg so far  {self._left()} left"
                )

    def tick(self, row: Mapping[str, Any]) -> None:
        """A tick has ended; ROW is its line of stats.jsonl."""
        self._row, self._seconds_per_kimg = row, row.get("seconds_per_kimg")
        self._line(tick_line(row, self._left()))

    def note(self, text: str) -> None:
        """Something was saved, or is worth a line of its own."""
        self._note = text
        self._line(text)

    def _line(self, text: str) -> None:
        if self._is_silent:
            return
        self._console.print(text, soft_wrap=True, markup=False)
        with run_folder.explaining_full_disk(self._folder):
            run_folder.append_log(self._folder, text)

    def _speed(self) -> float | None:
        """Seconds per kimg: of the last tick, else of this session so far."""
        shown = self._images - self._start_images
        if self._seconds_per_kimg is not None or shown <= 0:
            return self._seconds_per_kimg
        return (self._clock() - self._started) / shown * 1000

    def _left(self) -> str:
        speed = self._speed()
        if speed is None:
            return "-"
        seconds = (self._config.length_images - self._images) / 1000 * speed
        if self._config.hours is not None:  # which stops this session first, perhaps
            seconds = min(seconds, self._config.hours * 3600 - (self._clock() - self._started))
        return duration(max(seconds, 0))

    def _render(self) -> Group:
        total = max(self._config.length_images, 1)
        bar = Table.grid(padding=(0, 2), expand=True)
        bar.add_column(no_wrap=True)
        bar.add_column(ratio=1)
        bar.add_column(justify="right", no_wrap=True)
        speed = self._speed()
        told = f"{speed:.2f} s/kimg" if speed is not None else "starting"
        bar.add_row(
            Text(self._folder.name, style="bold"),
            ProgressBar(total=total, completed=self._images),
            Text(f"{self._images / 1000:.1f} of {total / 1000:g} kimg  {told}  {self._left()} left"),
        )
        return Group(Text(""), bar, Text(self._details(), style="dim", no_wrap=True, overflow="ellipsis"))

    def _details(self) -> str:
        row = self._row
        if not row:
            return f"First statistics at {self._next_tick_kimg():g} kimg. Ctrl-C saves and stops."
        is_adaptive = self._config.augs != "none" and self._config.aug_p is None
        target = f" (target {self._config.target:g})" if is_adaptive else ""
        parts = [f"r_t {_number(row.get('r_t'), '0.3f')}{target}", f"p {_number(row.get('p'), '0.3f')}"]
        parts += [f"loss G {_number(row.get('loss_G'), '0.2f')}  D {_number(row.get('loss_D'), '0.2f')}"]
        parts += [f"{row['memory_gb']:.1f} GB"] if row.get("memory_gb") else []
        return "   ".join([*parts, self._note or "Ctrl-C saves and stops."])

    def _next_tick_kimg(self) -> float:
        every = max(round(self._config.tick_kimg * 1000), 1)
        return (self._images // every + 1) * every / 1000
