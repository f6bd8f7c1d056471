"""The noise planes that a projection adjusts besides w, and what keeps pictures from hiding in them.

All planes of a photo are one row of numbers, so that one optimiser step and few operations serve them all.
Source: Karras et al. 2020, arXiv:1912.04958, appendix D.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from adatune import random
from adatune.networks import NetworkConfig
from adatune.random import Purpose

_SMALLEST_SIDE = 8  # pixels; a plane is judged in halves of itself down to this


def noise_count(config: NetworkConfig) -> int:
    """How many noise values a network of CONFIG takes for a picture."""
    return sum(maps * side * side for side, maps in _levels(config))


def draw_noise(config: NetworkConfig, seed: int, device: torch.device) -> Tensor:
    """Standard normal values for all planes, [1, noise_count], the same on any device."""
    samples = torch.zeros(1, dtype=torch.int64, device=device)
    return random.normal(seed, 0, Purpose.LAYER_NOISE, samples, noise_count(config))


def split_noise(noise: Tensor, config: NetworkConfig) -> list[Tensor]:
    """NOISE [batch, noise_count] by resolution from 4x4 up: [batch, 1 or 2, side, side] each."""
    levels = _levels(config)
    parts = noise.split([maps * side * side for side, maps in levels], dim=1)
    return [part.unflatten(1, (maps, side, side)) for part, (side, maps) in zip(parts, levels, strict=True)]


def planes_of(levels: list[Tensor]) -> list[Tensor]:
    """What `split_noise` gives as the synthesis takes it: one [batch, 1, side, side] a layer."""
    return [plane for level in levels for plane in level.split(1, dim=1)]


def noise_regularization(levels: list[Tensor]) -> Tensor:
    """How far the planes are from white noise: [batch], about 0 for drawn ones.

    For each plane, and for each of its halvings down to 8x8, the squares of two means: of the products of
    neighbours across, and down. A halved plane has the side of the next level, so it is judged with it.

    Args:
        levels: from `split_noise`.
    """
    total, halved = torch.zeros(len(levels[0]), device=levels[0].device), None
    for level in reversed(levels):
        maps = level if halved is None else torch.cat([level, halved], dim=1)
        for axis in (2, 3):
            total = total + (maps * maps.roll(1, axis)).mean(dim=(2, 3)).square().sum(dim=1)
        halved = F.avg_pool2d(maps, 2) if maps.shape[-1] > _SMALLEST_SIDE else None
    return total


@torch.no_grad()
def normalize_noise(noise: Tensor, config: NetworkConfig) -> None:
    """Give each plane of NOISE [batch, noise_count] mean 0 and variance 1, in place."""
    for level in split_noise(noise, config):
        level.sub_(level.mean(dim=(2, 3), keepdim=True))
        level.mul_(level.square().mean(dim=(2, 3), keepdim=True).rsqrt())


def _levels(config: NetworkConfig) -> list[tuple[int, int]]:
    """Side and number of planes, from 4x4 up."""
    return [(resolution, 1 if resolution == 4 else 2) for resolution in config.resolutions]
