import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from adatune.training.config import TrainConfig
from adatune.training.progress import Progress, duration, tick_line

ROW: dict[str, Any] = {
    "tick": 3, "step": 1500, "kimg": 12.0, "p": 0.2137, "r_t": 0.61234, "loss_G": 1.0234, "loss_D": 0.842,
    "path_length": 0.51, "r1": 0.0123, "seconds_per_kimg": 6.5, "seconds_total": 78.0, "memory_gb": 6.12,
}  # fmt: skip


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 s"),
        (99.4, "99 s"),
        (99.6, "2 min"),
        (3600, "60 min"),
        (11_100, "3 h 05 min"),
        (187_200, "2 d 04 h"),
    ],
)
def test_durations_are_for_people(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_a_tick_is_one_line_of_at_most_a_hundred_characters() -> None:
    line = tick_line(ROW | {"kimg": 25_000.0, "seconds_per_kimg": 1234.5, "memory_gb": 79.9}, "28 d 12 h")
    assert "\n" not in line
    assert len(line) <= 100
    assert tick_line(ROW, "2 h 05 min") == (
        "   12.000 kimg  r_t +0.612  p 0.214  G  1.023  D  0.842     6.50 s/kimg   6.1 GB  2 h 05 min left"
    )


def test_what_is_not_known_is_a_dash_in_the_same_column() -> None:
    unknown = tick_line(ROW | {"r_t": None, "loss_G": None}, "1 s")
    assert "r_t      -  p 0.214  G      -  D  0.842" in unknown
    assert unknown.index("D ") == tick_line(ROW, "1 s").index("D ")


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def make(folder: Path, terminal: bool, clock: Clock, **changes: Any) -> tuple[Progress, io.StringIO]:
    stream = io.StringIO()
    console = Console(file=stream, force_terminal=terminal, width=100, highlight=False)
    config = TrainConfig(data="faces", length_kimg=100, **changes)
    return Progress(config, folder, 0, console, clock), stream


def test_off_a_terminal_each_tick_is_one_plain_line_and_the_log_has_the_same(tmp_path: Path) -> None:
    progress, stream = make(tmp_path, False, Clock())
    with progress:
        for tick in (1, 2):
            progress.update(4000 * tick)
            progress.tick(ROW | {"kimg": 4.0 * tick})
        progress.note("Saved network-000008.safetensors")
    text = stream.getvalue()
    assert text.count("\n") == 3
    assert "\x1b" not in text
    assert (tmp_path / "log.txt").read_text() == text
    assert "8.000 kimg" in text.splitlines()[1]


def test_the_time_left_follows_the_speed_of_the_last_tick(tmp_path: Path) -> None:
    progress, stream = make(tmp_path, False, Clock())
    progress.update(40_000)
    progress.tick(ROW | {"seconds_per_kimg": 100.0})
    assert "100 min left" not in stream.getvalue()
    assert "1 h 40 min left" in stream.getvalue()  # 60 kimg at 100 s


def test_the_time_left_ends_with_the_hours_of_the_session(tmp_path: Path) -> None:
    clock = Clock()
    progress, stream = make(tmp_path, False, clock, hours=0.5)
    clock.now += 600
    progress.update(4_000)
    progress.tick(ROW | {"seconds_per_kimg": 100.0})
    assert "20 min left" in stream.getvalue()


def test_the_speed_is_told_before_a_slow_first_tick(tmp_path: Path) -> None:
    clock = Clock()
    progress, stream = make(tmp_path, False, clock)
    progress.update(8)
    assert stream.getvalue() == ""
    clock.now += 25
    for images in (250, 258, 266):
        progress.update(images)
    assert stream.getvalue().count("\n") == 1
    assert "100.00 s/kimg so far" in stream.getvalue()


def test_a_terminal_shows_a_bar_below_the_lines(tmp_path: Path) -> None:
    clock = Clock()
    progress, stream = make(tmp_path, True, clock)
    with progress:
        clock.now += 26
        progress.update(4000)
        progress.tick(ROW | {"kimg": 4.0})
        progress.note("Saved network-000004.safetensors")
        progress._live.refresh()
    text = stream.getvalue()
    assert "4.0 of 100 kimg" in text
    assert "6.50 s/kimg" in text
    assert "(target 0.6)" in text
    assert (tmp_path / "log.txt").read_text().count("\n") == 2
