"""Two plain numbers that say whether a fine-tuning worked: are samples near the photos, and do they differ?

Both look at 8x8 copies of the pictures: coarse enough to forgive noise and small shifts, fine enough to hold
a face's light, hair, skin and background.
"""

import numpy as np
from numpy.typing import NDArray

from adatune.images import Pixels

COPY_SIZE = 8  # pixels
Points = NDArray[np.float64]  # [count, COPY_SIZE * COPY_SIZE * channels], 0..1


def nearest_distance(samples: Pixels, reals: Pixels) -> float:
    """How far samples are from the real pictures: the mean over samples of the distance to the nearest one.

    Args:
        samples: uint8 [count, size, size, channels]; size is a multiple of 8.
        reals: the same, any count; their mirror images count too, as in training.
    Returns: root mean square difference of the 8x8 copies; 0 the same picture, 1 black against white.
    """
    both = np.concatenate([reals, reals[:, :, ::-1]])
    return float(_distances(small_copies(samples), small_copies(both)).min(axis=1).mean())


def diversity(images: Pixels) -> float:
    """How much pictures differ: the mean distance over all pairs, in `nearest_distance`'s unit.

    One picture repeated gives 0.
    """
    distances = _distances(small_copies(images), small_copies(images))
    return float(distances[np.triu_indices(len(images), 1)].mean())


def small_copies(images: Pixels) -> Points:
    """Average each picture down to 8x8 and lay it out as one row of numbers, 0..1."""
    count, size = images.shape[:2]
    step = size // COPY_SIZE
    blocks = images.reshape(count, COPY_SIZE, step, COPY_SIZE, step, -1)
    return blocks.mean(axis=(2, 4), dtype=np.float64).reshape(count, -1) / 255


def _distances(a: Points, b: Points) -> Points:
    squares = ((a[:, None] - b[None]) ** 2).mean(axis=2)
    return np.sqrt(squares)
