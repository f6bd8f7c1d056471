"""Counter-based random numbers: a draw depends on what it is for, not on what was drawn before.

Every number of a training run is a function of (seed, step, purpose, sample, index). A continuation therefore
needs two integers, and neither the micro-batch nor the number of processes changes a draw.
Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x32-10).
"""

from enum import IntEnum
from math import pi

import torch
from torch import Tensor

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
_MASK = 0xFFFFFFFF


class Purpose(IntEnum):
    """What a draw is for. The numbers are part of a run's state: never renumber them."""

    LATENTS = 0
    MIXING_LATENTS = 1
    MIXING_CUTOFF = 2
    LAYER_NOISE = 3
    PATH_NOISE = 4
    AUGMENT_FAKES = 5
    AUGMENT_REALS = 6
    AUGMENT_FAKES_NOISE = 7
    AUGMENT_REALS_NOISE = 8
    LABELS = 9
    SAMPLE_GRID = 10


def uniform(seed: int, step: int, purpose: int, samples: Tensor, count: int) -> Tensor:
    """Uniform draws in the open interval (0, 1).

    Args:
        seed: of the run, below 2^64.
        step: below 2^56.
        purpose: what the draws are for, 0..255.
        samples: global sample indices [batch], int64, below 2^32.
        count: draws per sample, below 2^34.

    Returns:
        [batch, count], float32, on the device of SAMPLES. 23 random bits each.
    """
    blocks = -(-count // 4)
    index = torch.arange(blocks, device=samples.device, dtype=torch.int64)
    counter = (
        index.expand(len(samples), -1),
        samples[:, None].expand(-1, blocks),
        torch.full((1, 1), step & _MASK, device=samples.device),
        torch.full((1, 1), (step >> 32) << 8 | purpose, device=samples.device),
    )
    words = torch.stack(philox(counter, (seed & _MASK, seed >> 32 & _MASK)), dim=-1)
    # 23 bits and a half, so that neither 0 nor 1 can come out of the rounding to float32.
    return ((words >> 9).float() + 0.5).mul_(2.0**-23).reshape(len(samples), -1)[:, :count]


def normal(seed: int, step: int, purpose: int, samples: Tensor, count: int) -> Tensor:
    """Standard normal draws by the Box-Muller transform; arguments and shape as in `uniform`."""
    half = -(-count // 2)
    u = uniform(seed, step, purpose, samples, 2 * half)
    radius, angle = (-2 * u[:, :half].log()).sqrt_(), u[:, half:] * (2 * pi)
    return torch.cat([radius * angle.cos(), radius * angle.sin()], dim=1)[:, :count]


def philox(
    counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ten rounds of Philox4x32 on int64 tensors that hold 32-bit words; the shapes broadcast."""
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        high0, low0 = _multiply(c0, _MULTIPLIERS[0])
        high1, low1 = _multiply(c2, _MULTIPLIERS[1])
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = k0 + _WEYL[0] & _MASK, k1 + _WEYL[1] & _MASK
    return torch.broadcast_tensors(c0, c1, c2, c3)  # pyright: ignore[reportReturnType]


def _multiply(word: Tensor, constant: int) -> tuple[Tensor, Tensor]:
    """High and low 32 bits of a product. The halves keep every intermediate below 2^63."""
    low = (word & 0xFFFF) * constant
    high = (word >> 16) * constant + (low >> 16)
    return high >> 16, (high << 16 | low & 0xFFFF) & _MASK
