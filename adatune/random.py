"""Counter-based random numbers: a draw depends on what it is for, not on what was drawn before.

Every number of a training run is a function of (seed, step, purpose, sample, index). A continuation therefore
needs two integers, and neither the micro-batch nor the number of processes changes a draw.
Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x32-10).
"""

from enum import IntEnum
from math import pi

import torch
from torch import Tensor

from adatune.kernels import may_fuse

_MULTIPLIERS = 0xD2511F53, 0xCD9E8D57
_WEYL = 0x9E3779B9, 0xBB67AE85
_MASK = 0xFFFFFFFF
_WORDS_ON_CPU = 2**15


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
    LATENT_WALK = 11
    NOISE_CIRCLE = 12
    LATENT_PERTURBATION = 13
    EDIT_PHOTOS = 14
    WALK = 15


def uniform(seed: int, step: int | Tensor, purpose: int, samples: Tensor, count: int) -> Tensor:
    """Uniform draws in the open interval (0, 1).

    Args:
        seed: of the run, below 2^64.
        step: below 2^56; an int or a 0-dim int64 tensor on the device, which the host does not read (so a
            captured graph draws anew each time it is replayed).
        purpose: what the draws are for, 0..255.
        samples: global sample indices [batch], int64, below 2^32.
        count: draws per sample, below 2^34.

    Returns:
        [batch, count], float32, on the device of SAMPLES. 23 random bits each.
    """
    if may_fuse("random", samples):
        from adatune.random_triton import fused_uniform

        return fused_uniform(seed, step, purpose, samples, count)
    return uniform_reference(seed, step, purpose, samples, count)


def normal(seed: int, step: int | Tensor, purpose: int, samples: Tensor, count: int) -> Tensor:
    """Standard normal draws by the Box-Muller transform; arguments and shape as in `uniform`."""
    if may_fuse("random", samples):
        from adatune.random_triton import fused_normal

        return fused_normal(seed, step, purpose, samples, count)
    return normal_reference(seed, step, purpose, samples, count)


def uniform_reference(seed: int, step: int | Tensor, purpose: int, samples: Tensor, count: int) -> Tensor:
    """The definition. The kernel draws the same numbers bit for bit."""
    batch, blocks, device = len(samples), -(-count // 4), samples.device
    step = torch.full((1, 1), step, device=device) if isinstance(step, int) else step.reshape(1, 1)
    low, high = step & _MASK, step >> 32 << 8 | purpose
    key = seed & _MASK, seed >> 32 & _MASK
    u = torch.empty(batch, blocks, 4, device=device)
    # On a CPU the words of a piece stay in the cache: 8 x 196,608 draws take 11 ms instead of 22.
    piece = max(1, _WORDS_ON_CPU // max(1, batch)) if device.type == "cpu" else max(1, blocks)
    for start in range(0, blocks, piece):
        index = torch.arange(start, min(start + piece, blocks), device=device)
        words = philox((index[None], samples[:, None], low, high), key)
        for lane, word in enumerate(words):
            u[:, start : start + piece, lane] = word >> 9
    # 23 bits and a half, so that neither 0 nor 1 can come out of the rounding to float32.
    return u.add_(0.5).mul_(2.0**-23).reshape(batch, 4 * blocks)[:, :count]


def normal_reference(seed: int, step: int | Tensor, purpose: int, samples: Tensor, count: int) -> Tensor:
    """The definition. The kernel agrees with it to a few units in the last place."""
    half = -(-count // 2)
    u = uniform_reference(seed, step, purpose, samples, 2 * half)
    radius, angle = u[:, :half].log().mul_(-2).sqrt_(), u[:, half:] * (2 * pi)
    x = torch.empty(len(samples), 2 * half, device=samples.device)
    torch.mul(radius, angle.cos(), out=x[:, :half])
    torch.mul(radius, angle.sin_(), out=x[:, half:])
    return x[:, :count]


def philox(
    counter: tuple[Tensor, Tensor, Tensor, Tensor], key: tuple[int, int]
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Ten rounds of Philox4x32 on int64 tensors that hold 32-bit words; the shapes broadcast.

    Products wrap around 2^64, as unsigned ones would. Bits above the lowest 32 are dropped only where a
    product would feel them.
    """
    c0, c1, c2, c3 = counter
    k0, k1 = key
    for _ in range(10):
        product0, product1 = c0 * _MULTIPLIERS[0], c2 * _MULTIPLIERS[1]
        c0 = (product1 >> 32 ^ c1).bitwise_xor_(k0).bitwise_and_(_MASK)
        c2 = (product0 >> 32 ^ c3).bitwise_xor_(k1).bitwise_and_(_MASK)
        c1, c3 = product1, product0
        k0, k1 = k0 + _WEYL[0] & _MASK, k1 + _WEYL[1] & _MASK
    return torch.broadcast_tensors(c0, c1 & _MASK, c2, c3 & _MASK)  # pyright: ignore[reportReturnType]
