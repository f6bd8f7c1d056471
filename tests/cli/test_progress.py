"""Progress: everything passes through, and little is said."""

import os
import pty
import subprocess
import sys

import click
from click.testing import CliRunner

from adatune.cli import progress
from adatune.cli.progress import with_progress

TRACK = "from adatune.cli.progress import with_progress; print(sum(with_progress(range(50), 50)))"


def run(items, count):
    @click.command()
    def command():
        click.echo(sum(with_progress(items, count, noun="frames")))

    return CliRunner().invoke(command, catch_exceptions=False)


def test_off_a_terminal_short_work_is_done_without_a_word():
    result = run(range(50), 50)
    assert result.stdout == "1225\n"
    assert result.stderr == ""


def test_off_a_terminal_lines_tell_how_much_is_done_and_left(monkeypatch):
    monkeypatch.setattr(progress, "LINE_SECONDS", -1)
    lines = run(range(3), 3).stderr.splitlines()
    assert lines == ["1 of 3 frames, 0 s left", "2 of 3 frames, 0 s left", "3 of 3 frames, 0 s left"]


def test_nothing_is_taken_before_it_is_asked_for():
    taken = []
    items = with_progress((taken.append(item) or item for item in range(9)), 9)
    assert next(items) == 0
    assert taken == [0]


def test_on_a_terminal_there_is_a_bar_and_the_result_is_the_same():
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "w") as terminal:
        done = subprocess.run(
            [sys.executable, "-c", TRACK],
            stdout=subprocess.PIPE,
            stderr=terminal,
            text=True,
            check=True,
            env={**os.environ, "TERM": "xterm"},
        )
    assert done.stdout == "1225\n"
    assert b"Drawing" in os.read(ours, 65536)
    os.close(ours)
