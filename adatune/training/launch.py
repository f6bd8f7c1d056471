"""Starts a command in several processes that train together, one a card, and looks after them.

It does on one machine what torchrun does, without waiting for a process that another one's death has left
hanging, and hands on Ctrl-C so that the run is saved.
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from types import FrameType

from adatune.errors import RunError

_LAUNCHER = "ADATUNE_LAUNCHER"
_LOOK_SECONDS = 0.1
# After one has failed, the others find out by themselves, and may be in the middle of writing a state.
_GRACE_SECONDS = 15.0

Process = subprocess.Popen[bytes]


def launch(count: int, arguments: Sequence[str]) -> int:
    """Run `adatune ARGUMENTS` in COUNT processes and wait for them; the first of them speaks.

    Returns:
        The exit code: 0, or that of the first process to fail.

    Raises:
        RunError: a process was killed.
    """
    environment = {
        **os.environ,
        "WORLD_SIZE": str(count),
        "LOCAL_WORLD_SIZE": str(count),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(_free_port()),
        "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", str(max((os.cpu_count() or 1) // count, 1))),
        _LAUNCHER: str(os.getpid()),
    }
    # A session of their own: the terminal's Ctrl-C comes to this process alone, which hands it on, once.
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "adatune", *arguments],
            env=environment | {"RANK": str(rank), "LOCAL_RANK": str(rank)},
            start_new_session=True,
        )
        for rank in range(count)
    ]
    try:
        with _handing_on_signals(processes):
            return _wait(processes)
    finally:
        for process in processes:
            process.kill()  # does nothing to those that have ended
            process.wait()


def is_one_of_many() -> bool:
    """Was this process started by `launch` or torchrun, as one of several?"""
    wanted = {"RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT"}
    return wanted <= os.environ.keys() and int(os.environ["WORLD_SIZE"]) > 1


def is_orphaned() -> bool:
    """Has the launcher of this process been killed? Then nobody looks after the run any more."""
    launcher = os.environ.get(_LAUNCHER)
    return launcher is not None and os.getppid() != int(launcher)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def _wait(processes: Sequence[Process]) -> int:
    """Until all have ended, or `_GRACE_SECONDS` after the first failure."""
    failed: tuple[int, int] | None = None
    deadline = float("inf")
    while any(process.poll() is None for process in processes) and time.monotonic() < deadline:
        if failed is None:
            failed = _first_failure(processes)
            deadline = deadline if failed is None else time.monotonic() + _GRACE_SECONDS
        time.sleep(_LOOK_SECONDS)
    failed = failed or _first_failure(processes)
    if failed is None:
        return 0
    rank, code = failed
    if code >= 0:
        return code  # it has said why
    raise RunError(
        f"Process {rank} of {len(processes)} was killed ({signal.Signals(-code).name}), perhaps for lack of "
        "memory, and the run has stopped. What was saved before is whole; go on with "
        "'adatune train --resume latest'."
    )


def _first_failure(processes: Sequence[Process]) -> tuple[int, int] | None:
    """Rank and exit code of a process that failed, before all those that were killed."""
    ended = [(rank, process.poll()) for rank, process in enumerate(processes)]
    failed = [(rank, code) for rank, code in ended if code]
    return min(failed, key=lambda failure: failure[1], default=None)


@contextmanager
def _handing_on_signals(processes: Sequence[Process]) -> Generator[None]:
    def hand_on(number: int, frame: FrameType | None) -> None:
        for process in processes:
            if process.poll() is None:
                process.send_signal(number)

    previous = {number: signal.signal(number, hand_on) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
