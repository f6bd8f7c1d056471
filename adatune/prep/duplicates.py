"""Recognises photos that are the same picture again: rescaled, recompressed, slightly edited or mirrored.

Judged on the whole photo and never on the aligned crop: pictures of one person align to similar crops.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adatune.images import Pixels
from adatune.prep.opencv import cv2

MAX_DISTANCE = 6  # of 64 bits


def perceptual_hash(pixels: Pixels) -> int:
    """64 bits that hardly change when a picture is rescaled, recompressed or brightened.

    The signs, against their median, of the 64 lowest frequencies of a 32x32 grey copy, the mean left out.
    Source: Zauner 2010, "Implementation and benchmarking of perceptual image hash functions" (DCT hash).
    """
    grey = Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.BOX)
    waves = np.asarray(cv2.dct(np.asarray(grey, dtype=np.float32)))[:9, :9].ravel()
    waves = waves[1:65]
    bits = waves > np.median(waves)
    return int.from_bytes(np.packbits(bits).tobytes(), "big")


def mark_duplicates(hashes: Sequence[tuple[int, int]], detail: Sequence[float]) -> dict[int, int]:
    """Which photos repeat a better one.

    Photos are taken from the most detailed down; one within `MAX_DISTANCE` bits of a photo already taken,
    plain or mirrored, repeats it.

    Args:
        hashes: the hash of each photo and of its mirror image.
        detail: how much each photo resolves; of equals, the earlier wins.
    Returns: index of each repeated photo -> index of the photo that stands for it.
    """
    plain = np.array([pair[0] for pair in hashes], dtype=np.uint64)
    mirrored = np.array([pair[1] for pair in hashes], dtype=np.uint64)
    taken: list[int] = []
    repeats: dict[int, int] = {}
    for index in sorted(range(len(hashes)), key=lambda i: (-detail[i], i)):
        others = np.array(taken, dtype=np.int64)
        near = np.minimum(_distance(plain[others], plain[index]), _distance(plain[others], mirrored[index]))
        if len(others) and near.min() <= MAX_DISTANCE:
            repeats[index] = taken[int(near.argmin())]
        else:
            taken.append(index)
    return repeats


def _distance(hashes: NDArray[np.uint64], one: np.uint64) -> NDArray[np.int64]:
    """Differing bits between each hash and one."""
    different = np.bitwise_xor(hashes, one)
    return np.unpackbits(different.view(np.uint8).reshape(-1, 8), axis=1).sum(axis=1, dtype=np.int64)
