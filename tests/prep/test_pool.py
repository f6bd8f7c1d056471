import functools
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from adatune.prep import pool
from adatune.prep.workers import PRELOADED

ROOT = Path(__file__).parents[2]
# The server of processes is started once for all tests: those that come later need these modules in it.
in_processes = functools.partial(pool.in_processes, preload=PRELOADED)


def double(number: int, deadly: tuple[int, ...] = (), once: Path | None = None) -> int:
    """Twice the number; a deadly one ends its process, only the first time if there is a note of it ONCE."""
    if number in deadly:
        note = once / str(number) if once else None
        if note is None or not note.exists():
            if note:
                note.touch()
            os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


@pytest.mark.parametrize("workers", [1, 2])
def test_everything_is_worked_on_once(workers: int) -> None:
    assert sorted(in_processes(double, range(30), workers)) == [(number, 2 * number) for number in range(30)]


def test_items_that_end_their_process_are_named_and_the_rest_is_done() -> None:
    found = dict(in_processes(functools.partial(double, deadly=(3, 4, 17, 29)), range(30), 2))
    assert {number for number, result in found.items() if result is None} == {3, 4, 17, 29}
    assert all(found[number] == 2 * number for number in set(range(30)) - {3, 4, 17, 29})


def test_an_item_that_succeeds_alone_is_not_blamed(tmp_path: Path) -> None:
    work = functools.partial(double, deadly=(2, 11), once=tmp_path)
    assert dict(in_processes(work, range(20), 2)) == {number: 2 * number for number in range(20)}


def test_items_are_drawn_only_a_few_ahead() -> None:
    drawn: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(40):
            drawn.append(number)
            yield number

    for finished, _ in enumerate(in_processes(double, numbers(), 2), start=1):
        assert len(drawn) - finished <= 6


def test_a_failure_in_the_work_is_raised_where_it_is_waited_for() -> None:
    with pytest.raises(TypeError):
        list(in_processes(functools.partial(double, unknown=1), [1], 1))


def test_a_script_without_its_guard_is_told_about_it(tmp_path: Path) -> None:
    """Each process imports the script, which would start processes in turn: none of them lives."""
    script = tmp_path / "script.py"
    script.write_text(
        "from adatune.prep.pool import in_processes\nprint(list(in_processes(abs, [-1, -2], 2)))\n"
    )
    ran = subprocess.run(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 1
    assert "if __name__ == " in ran.stderr


def test_processes_end_with_the_one_that_started_them(tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time\n"
        "from adatune.prep.pool import in_processes\n"
        "if __name__ == '__main__':\n"
        "    for item, result in in_processes(type(os.getpid()), ['1'] * 3, 1):\n"
        "        import multiprocessing\n"
        "        print(*[child.pid for child in multiprocessing.active_children()], flush=True)\n"
        "        time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, script],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    children = [int(number) for number in parent.stdout.readline().split()]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    assert children
    deadline = time.monotonic() + 30
    while any(Path(f"/proc/{child}").exists() for child in children) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(Path(f"/proc/{child}").exists() for child in children)
