"""Distances: between two pictures as a network sees them, and between two sets of pictures (KID)."""

from math import log10

import numpy as np
import torch
from torch import Tensor

from adatune.device import exact_dtype
from adatune.images import Pixels
from adatune.metrics.features import Features

_BLOCK = 1024  # rows of a kernel matrix in memory at a time


def map_distance(first: list[Tensor], second: list[Tensor]) -> Tensor:
    """Perceptual distances [batch] between what `Features.maps` made of two batches, or of one and a batch.

    Differentiable.
    """
    return torch.stack([(a - b).square().sum(dim=(1, 2, 3)) for a, b in zip(first, second, strict=True)]).sum(
        dim=0
    )


@torch.no_grad()
def perceptual_distance(features: Features, first: Tensor, second: Tensor) -> Tensor:
    """How different the pictures of two batches look to FEATURES, pair by pair: [batch], 0 for equal ones.

    Args:
        features: sees.
        first: [batch, channels, height, width] in [-1, 1].
        second: the same shape.

    Source: Zhang et al. 2018, arXiv:1801.03924.
    """
    return map_distance(features.maps(first), features.maps(second))


def search_loss(features: Features, images: Tensor, targets: Tensor, wanted: list[Tensor]) -> Tensor:
    """What a search for TARGETS makes small: [batch]; differentiable in IMAGES.

    Args:
        features: see, and say how much the pixels count.
        images: [batch, channels, height, width] in [-1, 1].
        targets: the same shape.
        wanted: `features.maps` of the targets, which stay the same from step to step.
    """
    loss = map_distance(features.maps(images), wanted)
    if features.pixel_weight:
        loss = loss + features.pixel_weight * (images - targets).square().mean(dim=(1, 2, 3))
    return loss


def signal_to_noise(first: Pixels, second: Pixels) -> float:
    """Peak signal-to-noise ratio of two pictures, [height, width, 3] uint8: dB, 99 for equal ones."""
    error = np.square(first.astype(np.float64) - second).mean()
    return min(99.0, 10 * log10(255**2 / error)) if error else 99.0


@torch.no_grad()
def kernel_distance(
    reals: Tensor, fakes: Tensor, subsets: int = 100, subset_size: int = 1000, seed: int = 0
) -> float:
    """KID: the squared maximum mean discrepancy of two sets of vectors under a cubic kernel, unbiased.

    The kernel is (x.y / d + 1)^3. Subsets of equal size are drawn without replacement from both sets and
    their distances averaged. Papers print it times 1,000; of like sets it may be below 0.

    Args:
        reals: [count, d], 2 or more.
        fakes: [count, d], 2 or more.
        subsets: how many are drawn.
        subset_size: the most vectors in one; fewer where a set is smaller.
        seed: of the draws.

    Raises:
        ValueError: a set has fewer than two vectors, or the two differ in width.

    Source: Binkowski et al. 2018, arXiv:1801.01401.
    """
    if reals.ndim != 2 or fakes.ndim != 2 or reals.shape[1] != fakes.shape[1]:
        raise ValueError(f"KID of {list(reals.shape)} and {list(fakes.shape)}: the widths must be equal")
    size = min(len(reals), len(fakes), subset_size)
    if size < 2:
        raise ValueError(f"KID needs two vectors in each set; got {len(reals)} and {len(fakes)}")
    dtype = exact_dtype(reals.device)
    reals, fakes = reals.to(dtype), fakes.to(reals.device, dtype)
    draws, total = np.random.default_rng(seed), 0.0
    for _ in range(subsets):
        x, y = (
            values[torch.from_numpy(draws.choice(len(values), size, replace=False)).to(values.device)]
            for values in (reals, fakes)
        )
        within = _kernel_sum(x, x) - _diagonal_sum(x) + _kernel_sum(y, y) - _diagonal_sum(y)
        total += float(within / (size - 1) - 2 * _kernel_sum(x, y) / size) / size
    return total / subsets


def _kernel_sum(x: Tensor, y: Tensor) -> Tensor:
    """The sum of the kernel over all pairs, a block of rows at a time."""
    return torch.stack([(rows @ y.T / x.shape[1] + 1).pow(3).sum() for rows in x.split(_BLOCK)]).sum()


def _diagonal_sum(x: Tensor) -> Tensor:
    return (x.square().sum(dim=1) / x.shape[1] + 1).pow(3).sum()
