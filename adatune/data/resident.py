"""The whole dataset in the memory of the device, so that a batch is a list of indices and one gather.

Worth it for all but the largest datasets: 2,000 pictures of 512 pixels take 1.6 GB.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adatune.data.dataset import Dataset

MEMORY_SHARE = 0.25  # of the device's free memory may hold pictures; training needs the rest
_PIECE_BYTES = 64 * 2**20  # pictures decoded and copied at a time
_SLOTS = 4  # batches whose indices may be on their way to the device at once
_QUIET_SECONDS = 10  # between two words about how far loading is


def resident_bytes(dataset: Dataset) -> int:
    """What the pictures take as uint8."""
    return len(dataset) * dataset.channels * dataset.resolution**2


def fits_on(device: torch.device, dataset: Dataset) -> bool:
    """Is DEVICE a CUDA card with memory of its own to spare for all of DATASET?"""
    if device.type != "cuda":
        return False
    free, _ = torch.cuda.mem_get_info(device)
    return resident_bytes(dataset) < MEMORY_SHARE * free


class ResidentImages:
    """Pictures and labels on the device, by item number. Nothing waits for the device."""

    def __init__(
        self,
        dataset: Dataset,
        mirror: bool,
        mirror_y: bool,
        cond: bool,
        device: torch.device,
        announce: Callable[[str], None],
    ) -> None:
        """Load all of DATASET onto DEVICE, in pieces, and say through ANNOUNCE how far that is.

        Raises:
            DatasetError: a picture is damaged.
        """
        shape = (len(dataset), dataset.channels, dataset.resolution, dataset.resolution)
        self._pixels = torch.empty(shape, dtype=torch.uint8, device=device)
        self._mirror, self._mirror_y = mirror, mirror_y
        self._labels = None
        if cond and dataset.labels is not None:
            self._labels = torch.as_tensor(dataset.labels).to(device)
        self._ring = _IndexRing(device)
        self._load(dataset, announce)

    def batch(self, items: NDArray[np.int64]) -> tuple[Tensor, Tensor | None]:
        """The pictures ITEMS [count], flipped as `Loader` says.

        Returns: float32 in [-1, 1], [count, channels, height, width], and labels [count, c_dim] or None.
        """
        numbers = self._ring.send(items)
        images, flips = numbers % len(self._pixels), numbers // len(self._pixels)
        pixels = self._pixels.index_select(0, images)
        # Both are computed and one is chosen, as the device alone knows which pictures are flipped.
        if self._mirror:
            pixels = torch.where(_per_picture(flips % 2 == 1), pixels.flip(3), pixels)
        if self._mirror_y:
            pixels = torch.where(_per_picture(flips // (1 + self._mirror) == 1), pixels.flip(2), pixels)
        labels = None if self._labels is None else self._labels.index_select(0, images)
        return pixels.float() / 127.5 - 1, labels

    def _load(self, dataset: Dataset, announce: Callable[[str], None]) -> None:
        size, count = resident_bytes(dataset) / 1e9, len(dataset)
        announce(f"Loading {count:,} pictures into the memory of the device ({size:.2f} GB).")
        told = time.monotonic()
        for start, piece in _pieces(dataset):
            self._pixels[start : start + len(piece)] = torch.as_tensor(piece)
            if time.monotonic() - told >= _QUIET_SECONDS:
                told = time.monotonic()
                announce(f"Loaded {start + len(piece):,} of {count:,} pictures.")


class _IndexRing:
    """Small pinned buffers in turn: the copy out of one runs while the next is written."""

    def __init__(self, device: torch.device) -> None:
        self._device, self._turn = device, 0
        self._slots: list[tuple[Tensor, Any] | None] = [None] * _SLOTS

    def send(self, items: NDArray[np.int64]) -> Tensor:
        """ITEMS on the device; waits only where the host is four batches ahead of it."""
        numbers = torch.as_tensor(items)
        if self._device.type != "cuda":
            return numbers.to(self._device)
        slot, self._turn = self._turn, (self._turn + 1) % _SLOTS
        used = self._slots[slot]
        if used is not None:
            used[1].synchronize()
        if used is None or used[0].shape != numbers.shape:
            used = self._slots[slot] = torch.empty_like(numbers, pin_memory=True), torch.cuda.Event()
        buffer, is_copied = used
        buffer.copy_(numbers)
        sent = buffer.to(self._device, non_blocking=True)
        is_copied.record()
        return sent


def _pieces(dataset: Dataset) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """(First index, pictures) of consecutive parts of DATASET, decoded by all cores."""
    size = max(_PIECE_BYTES // (resident_bytes(dataset) // len(dataset)), 1)
    with ThreadPoolExecutor() as pool:
        for start in range(0, len(dataset), size):
            indices = np.arange(start, min(start + size, len(dataset)))
            parts = np.array_split(indices, -(-len(indices) // 8))
            yield start, np.concatenate(list(pool.map(dataset.read, parts)))


def _per_picture(is_chosen: Tensor) -> Tensor:
    return is_chosen[:, None, None, None]
