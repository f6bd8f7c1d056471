"""Examines photos in several processes, one detector each, as many as the machine can hold."""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing.connection import wait as wait_for_end
from pathlib import Path

import torch

from adatune.errors import PhotosError
from adatune.prep.config import PrepConfig
from adatune.prep.examine import examine
from adatune.prep.faces import FaceFinder
from adatune.prep.opencv import cv2
from adatune.prep.record import Record
from adatune.prep.store import Store

_WORKER_BYTES = 1_500_000_000  # torch, one detector, one 50-megapixel photo and its copies
_PHOTOS_WORTH_A_PROCESS = 8  # fewer are done sooner than a process starts

_finders: dict[int, FaceFinder] = {}  # of this process, by smallest face


def examine_all(
    folder: Path, todo: Sequence[tuple[str, str]], config: PrepConfig, dataset: Path
) -> Iterator[tuple[str, Record]]:
    """Examine photos and keep the results in the dataset's cache; yields (key, record) as they are finished.

    Args:
        folder: the photo folder.
        todo: (key, source) of each photo.
        config: settings.
        dataset: the dataset folder, claimed before.
    Raises:
        PhotosError: a worker was killed, most likely for want of memory. What was finished is kept.
    """
    workers = min(config.workers or default_workers(), max(1, len(todo) // _PHOTOS_WORTH_A_PROCESS))
    if workers == 1:
        for key, source in todo:
            yield key, examine_one(folder, key, source, config, dataset)
        return
    method = "forkserver" if sys.platform == "linux" else "spawn"
    context = multiprocessing.get_context(method)
    if method == "forkserver":
        context.set_forkserver_preload(["adatune.prep.workers", "facenet_pytorch"])  # imported once for all
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker)
    try:
        yield from _run(pool, folder, todo, config, dataset, workers)
    except BrokenProcessPool as error:
        raise PhotosError(
            "A worker process ended before its time, most likely for want of memory. "
            "What was finished is kept: type the same command with --workers 1. "
            "(In a script, call adatune.prep below 'if __name__ == \"__main__\":'.)"
        ) from error
    finally:
        pool.shutdown(wait=True, cancel_futures=True)


def _run(
    pool: ProcessPoolExecutor,
    folder: Path,
    todo: Sequence[tuple[str, str]],
    config: PrepConfig,
    dataset: Path,
    workers: int,
) -> Iterator[tuple[str, Record]]:
    """Feed the pool a few photos ahead, so that an interrupt has little to wait for."""
    waiting = iter(todo)
    running: dict[Future[Record], str] = {}
    while True:
        while len(running) < 3 * workers and (item := next(waiting, None)) is not None:
            running[pool.submit(examine_one, folder, item[0], item[1], config, dataset)] = item[0]
        if not running:
            return
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), future.result()


def examine_one(folder: Path, key: str, source: str, config: PrepConfig, dataset: Path) -> Record:
    """Examine one photo in this process and keep the result.

    A failure that no check foresaw costs the photo, with its reason in the manifest, and not the run.
    """
    smallest_face = 40 if config.size >= 128 else 20
    finder = _finders.get(smallest_face) or _finders.setdefault(smallest_face, FaceFinder(smallest_face))
    crop = None
    try:
        record, crop = examine(folder, source, config, finder)
    except (cv2.error, RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        words = " ".join(str(error).split())[:100]
        record = Record(source, "unreadable", f"failed while being examined: {words}")
    Store(dataset).write(key, record, crop)
    return record


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides when to stop
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait_for_end([parent.sentinel])
        os._exit(1)


def default_workers() -> int:
    """As many processes as cores and free memory allow."""
    return max(1, min(_cores(), _free_bytes() // _WORKER_BYTES))


def _cores() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:  # a container may be allowed fewer than it sees
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        return max(1, min(cores, round(int(quota) / int(period))))
    except (OSError, ValueError):  # no such limit, or 'max'
        return cores


def _free_bytes() -> int:
    try:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        free += _reclaimable_bytes()
    except (ValueError, OSError, AttributeError):  # Windows, macOS: take the usual machine
        return 8_000_000_000
    try:
        limit = int(Path("/sys/fs/cgroup/memory.max").read_text())
        used = int(Path("/sys/fs/cgroup/memory.current").read_text())
    except (OSError, ValueError):
        return free
    return min(free, max(0, limit - used))


def _reclaimable_bytes() -> int:
    """Memory that Linux uses for caches and would give back."""
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("Cached:"):
            return int(line.split()[1]) * 1024
    return 0
