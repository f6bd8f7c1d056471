"""Work on pictures in threads beside the drawing of the next: a PNG takes longer than a picture on a card."""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

from PIL import Image

Result = TypeVar("Result")

MOST_THREADS = 16
_WAITING = 2  # pictures a thread that are held in memory: being worked on, and next


def encoded(
    pictures: Iterable[tuple[int, Image.Image]],
    encode: Callable[[int, Image.Image], Result],
    threads: int | None = None,
) -> Iterator[Result]:
    """What ENCODE makes of each seed and its picture, in the order of PICTURES.

    Pillow's encoders let other threads run. No more than two pictures a thread are in memory, and what ENCODE
    raises is raised here.

    Args:
        pictures: are asked for one after another in the calling thread.
        encode: runs in the threads.
        threads: how many; None is one a core, at most 16.
    """
    workers = threads or min(MOST_THREADS, os.cpu_count() or 1)
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="encode") as pool:  # at its end all are finished
        for seed, picture in pictures:
            waiting.append(pool.submit(encode, seed, picture))
            if len(waiting) >= _WAITING * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
