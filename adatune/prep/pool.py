"""Works in several processes and survives the end of any of them, because one photo must not cost the run.

A process ends before its time when the system runs out of memory or when a decoder crashes on damaged bytes.
"""

import itertools
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from multiprocessing.connection import wait as wait_for_end
from typing import TypeVar

from adatune.errors import PhotosError

_AHEAD = 3  # items handed out per process: enough to keep it busy, few to wait for after an interrupt

Item = TypeVar("Item")
Result = TypeVar("Result")
StartPool = Callable[[int], AbstractContextManager[ProcessPoolExecutor]]


def in_processes(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    workers: int,
    start: Callable[[], object] = int,
    preload: Sequence[str] = (),
) -> Iterator[tuple[Item, Result | None]]:
    """(item, `work(item)`) as they are finished; (item, None) for one that ended the process it was given to.

    ITEMS are drawn a few ahead of the work. When a process ends, those that were being worked on are tried
    again one by one, alone with all the memory. If all succeed, memory was short: there is one process fewer
    from then on.

    Args:
        work: done to each item, in any process; like the items and the results, it has to be picklable.
        items: may be endless.
        workers: how many processes.
        start: called once in each process, before any work.
        preload: names of modules that are imported once for all processes, where the system can.
    Raises:
        PhotosError: not even one process can be started.
    """
    pool = partial(_pool, start, list(preload))
    waiting = iter(items)
    while lost := (yield from _together(pool, workers, work, waiting)):
        ended = yield from _one_by_one(pool, work, lost)
        if not ended:
            workers = max(1, workers - 1)


def _together(
    start_pool: StartPool, workers: int, work: Callable[[Item], Result], waiting: Iterator[Item]
) -> Generator[tuple[Item, Result], None, list[Item]]:
    """Work on all that is waiting; returns early, with what was not finished, when a process ends."""
    with start_pool(workers) as pool:
        running: dict[Future[Result], Item] = {}
        while True:
            for item in itertools.islice(waiting, max(0, _AHEAD * workers - len(running))):
                running[_submit(pool, work, item)] = item
            if not running:
                return []
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            if any(isinstance(future.exception(), BrokenProcessPool) for future in done):
                wait(running)  # the others fail in the same moment, or are done
                return list(running.values())
            for future in done:
                yield running.pop(future), future.result()


def _submit(pool: ProcessPoolExecutor, work: Callable[[Item], Result], item: Item) -> "Future[Result]":
    try:
        return pool.submit(work, item)
    except BrokenProcessPool as error:  # it broke a moment ago: the item is among the unfinished
        failed: Future[Result] = Future()
        failed.set_exception(error)
        return failed


def _one_by_one(
    start_pool: StartPool, work: Callable[[Item], Result], items: list[Item]
) -> Generator[tuple[Item, Result | None], None, int]:
    """Work on one item at a time in one process; returns how many of them ended it."""
    waiting, ended = iter(items), 0
    item = next(waiting, None)
    while item is not None:
        with start_pool(1) as pool:
            _prove(pool)
            while item is not None:
                try:
                    result = pool.submit(work, item).result()
                except BrokenProcessPool:
                    ended += 1
                    yield item, None
                    item = next(waiting, None)
                    break
                yield item, result
                item = next(waiting, None)
    return ended


def _prove(pool: ProcessPoolExecutor) -> None:
    """Tell a process that cannot live from one that an item ended."""
    try:
        pool.submit(abs, 0).result()
    except BrokenProcessPool as error:
        raise PhotosError(
            "A worker process ended as soon as it was started, most likely for want of memory. What was "
            "finished is kept: close other programs and type the same command with --workers 1. "
            "(In a script, call adatune.prep below 'if __name__ == \"__main__\":'.)"
        ) from error


@contextmanager
def _pool(start: Callable[[], object], preload: list[str], workers: int) -> Iterator[ProcessPoolExecutor]:
    method = "forkserver" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(preload)
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(start,))
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _start_worker(start: Callable[[], object]) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    threading.Thread(target=_end_with_parent, daemon=True).start()
    start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)
