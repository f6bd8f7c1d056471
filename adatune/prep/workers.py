"""Examines photos in several processes, one detector each, as many as the machine can hold."""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import groupby
from pathlib import Path

import torch

from adatune.images import Pixels
from adatune.prep.config import PrepConfig
from adatune.prep.examine import Task, examine
from adatune.prep.faces import FaceFinder
from adatune.prep.frames import read_frames
from adatune.prep.opencv import cv2
from adatune.prep.photos import OpenPhoto, UnreadablePhoto, may_end_its_process, open_frame, open_photo
from adatune.prep.pool import in_processes
from adatune.prep.record import Record
from adatune.prep.store import Store

PRELOADED = ("adatune.prep.workers", "facenet_pytorch")  # what each process needs
_WORKER_BYTES = 1_500_000_000  # measured: 1.0 GB on a JPEG of any size, 1.3 GB on a PNG of 50 megapixels
_FEW_PHOTOS = 16  # are examined in this process: starting others takes longer
_ENDED = "damaged, or too large for the memory here: the process that examined it was ended by it"

Item = tuple[Task, Pixels | None]  # the pixels of a video's frame, which only one process decodes

_finders: dict[int, FaceFinder] = {}  # of this process, by smallest face


def examine_all(
    todo: Sequence[Task], config: PrepConfig, dataset: Path
) -> Iterator[tuple[Task, list[Record]]]:
    """Examine photos and keep the results in the dataset's cache; yields them as they are finished.

    Frames of a video are decoded here, once and a few ahead of the work. A photo that ends the process it is
    examined in gets its record all the same; that is not kept: the next run, perhaps with more memory, tries
    again.

    Args:
        todo: the photos; the frames of a video in their order.
        config: settings.
        dataset: the dataset folder, claimed before.
    Raises:
        PhotosError: no process can be started, most likely for want of memory. What was finished is kept.
    """
    work = partial(_examine_item, config, dataset)
    items = _with_frames(todo)
    if len(todo) < _FEW_PHOTOS and not any(may_end_its_process(task.source) for task in todo):
        yield from ((item[0], work(item)) for item in items)
        return
    workers = min(config.workers or default_workers(), len(todo))
    for (task, _), records in in_processes(work, items, workers, _start_worker, PRELOADED):
        yield task, records or [Record(task.source.name, "unreadable", _ENDED)]


def _with_frames(todo: Iterable[Task]) -> Iterator[Item]:
    """Each photo, with its pixels if it is a frame of a video."""
    for video, tasks in groupby(todo, lambda task: task.source.path if task.source.frame >= 0 else None):
        if video is None:
            yield from ((task, None) for task in tasks)
            continue
        frames = list(tasks)
        found = read_frames(video, [task.source.frame for task in frames])
        number, pixels = next(found, (-1, None))
        for task in frames:
            if number != task.source.frame:  # the video is shorter than it says, or damaged here
                yield task, None
                continue
            yield task, pixels
            number, pixels = next(found, (-1, None))


def _examine_item(config: PrepConfig, dataset: Path, item: Item) -> list[Record]:
    """Examine one photo in this process and keep the results.

    A failure that no check foresaw costs the photo, with its reason in the manifest, and not the run.
    """
    task, pixels = item
    smallest_face = 40 if config.size >= 128 else 20
    finder = _finders.get(smallest_face) or _finders.setdefault(smallest_face, FaceFinder(smallest_face))
    name = task.source.name
    try:
        faces = examine(name, _opener(task, pixels), config, finder, task.boxes)
    except (cv2.error, RuntimeError, ValueError, ArithmeticError, MemoryError) as error:
        words = " ".join(str(error).split())[:100]
        faces = [(Record(name, "unreadable", f"failed while being examined: {words}"), None)]
    Store(dataset).write(task.key, faces)
    return [record for record, _ in faces]


def _opener(task: Task, pixels: Pixels | None) -> Callable[[], OpenPhoto]:
    if pixels is not None:
        return partial(open_frame, pixels)
    return _missing_frame if task.source.frame >= 0 else partial(open_photo, task.source)


def _missing_frame() -> OpenPhoto:
    raise UnreadablePhoto("the video ends before this frame, or is damaged here")


def _start_worker() -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(1)


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
