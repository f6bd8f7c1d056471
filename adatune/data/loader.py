"""Batches of real images for training, in an order that is a function of the seed and the position alone.

A continued run needs to remember one number: how many images it has shown.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adatune.data.dataset import Dataset
from adatune.data.resident import ResidentImages

_Host = tuple[Tensor, Tensor | None]  # pixels and labels, on their way to the device

_ORDER_KEY = 0x6461_7461  # "data": keeps these draws apart from others with the same seed


def pass_order(seed: int, pass_index: int, num_items: int) -> NDArray[np.int64]:
    """All items once, shuffled: pass PASS_INDEX through the dataset."""
    # The upper half of the 128-bit key is ours, the lower the run's seed; the pass is the counter's top word.
    bits = np.random.Philox(key=seed | _ORDER_KEY << 64, counter=pass_index << 192)
    # Sorting random words, not Generator.permutation, whose algorithm NumPy may change between versions.
    return np.argsort(bits.random_raw(num_items), kind="stable").astype(np.int64)


def batch_items(seed: int, position: int, count: int, num_items: int) -> NDArray[np.int64]:
    """The items shown as images POSITION .. POSITION + COUNT of an endless sequence.

    Every pass shows each item once, in an order of its own.

    Args:
        seed: of the run, below 2^64.
        position: images shown before.
        count: images wanted.
        num_items: items in the dataset, mirrored copies included.

    Returns: item numbers [count].
    """
    parts: list[NDArray[np.int64]] = []
    while count > 0:
        pass_index, start = divmod(position, num_items)
        part = pass_order(seed, pass_index, num_items)[start : start + count]
        parts.append(part)
        position, count = position + len(part), count - len(part)
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


class LoaderConfig(Protocol):
    """What a loader needs of a run's settings (`TrainConfig` has it)."""

    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def mirror(self) -> bool: ...  # noqa: D102
    @property
    def mirror_y(self) -> bool: ...  # noqa: D102
    @property
    def cond(self) -> bool: ...  # noqa: D102


class Loader:
    """Serves batches: from the device once all pictures are there, else from the main memory.

    From the main memory it prepares the batch that will be asked for next in a thread of its own. Both ways
    serve the same, bit for bit.

    Item i is image i % n; i // n says how it is flipped: with mirror and mirror_y the quarters are plain,
    mirrored left to right, top to bottom, and both. No copy is stored.
    """

    def __init__(
        self, dataset: Dataset, config: LoaderConfig, device: torch.device, own: slice = slice(None)
    ) -> None:
        """Serve on DEVICE those images of each batch of DATASET that OWN takes: one process's part."""
        self.dataset, self.device, self._seed, self._own = dataset, device, config.seed, own
        self._mirror, self._mirror_y = config.mirror, config.mirror_y
        self._labels = dataset.labels if config.cond else None
        self._order: tuple[int, NDArray[np.int64]] | None = None
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="adatune-loader")
        self._next: tuple[tuple[int, int], Future[_Host]] | None = None
        self._resident: ResidentImages | None = None

    @property
    def num_items(self) -> int:
        """Images with their mirrored copies."""
        return len(self.dataset) * (1 + self._mirror) * (1 + self._mirror_y)

    def move_to_device(self, announce: Callable[[str], None]) -> None:
        """Load all pictures onto the device now; `fits_on` says where that is wise.

        Args:
            announce: is told how far loading is, in words.

        Raises:
            DatasetError: a picture is damaged.
        """
        has_labels = self._labels is not None
        self._resident = ResidentImages(
            self.dataset, self._mirror, self._mirror_y, has_labels, self.device, announce
        )

    def batch(self, position: int, count: int) -> tuple[Tensor, Tensor | None]:
        """This process's part of images POSITION .. POSITION + COUNT of the run.

        Returns: float32 in [-1, 1], [count, channels, height, width], and labels [count, c_dim] or None, both
            on the loader's device.

        Raises:
            DatasetError: a picture is damaged.
        """
        wanted = (position, count)
        if self._resident is not None:
            return self._resident.batch(self._items(*wanted)[self._own])
        if self._next is not None and self._next[0] == wanted:
            pixels, labels = self._next[1].result()
        else:
            pixels, labels = self._read(*wanted)
        following = (position + count, count)
        self._next = (following, self._executor.submit(self._read, *following))
        labels = None if labels is None else labels.to(self.device, non_blocking=True)
        return pixels.to(self.device, non_blocking=True).float() / 127.5 - 1, labels

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Stop the thread."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _items(self, position: int, count: int) -> NDArray[np.int64]:
        pass_index, start = divmod(position, self.num_items)
        if start + count > self.num_items:  # across two passes, or more
            return batch_items(self._seed, position, count, self.num_items)
        order = self._order
        if order is None or order[0] != pass_index:
            order = self._order = (pass_index, pass_order(self._seed, pass_index, self.num_items))
        return order[1][start : start + count]

    def _read(self, position: int, count: int) -> _Host:
        items = self._items(position, count)[self._own]
        images, flips = items % len(self.dataset), items // len(self.dataset)
        pixels = self.dataset.read(images)
        is_mirrored = flips % 2 == 1 if self._mirror else np.zeros(len(flips), dtype=bool)
        is_upside_down = flips // (1 + self._mirror) == 1
        pixels[is_mirrored] = pixels[is_mirrored][..., ::-1]
        pixels[is_upside_down] = pixels[is_upside_down][..., ::-1, :]
        return self._pin(pixels), None if self._labels is None else self._pin(self._labels[images])

    def _pin(self, array: NDArray[np.uint8] | NDArray[np.float32]) -> Tensor:
        tensor = torch.as_tensor(array)
        # From pinned memory the copy to the card runs beside the computation.
        return tensor.pin_memory() if self.device.type == "cuda" else tensor
