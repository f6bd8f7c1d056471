"""Counter-based draws in one kernel each, ten Philox rounds in registers. Not yet measured on a card.

Bytes a draw (counted): 4, the result. Plain torch passes over four 64-bit words for four draws in each
of ten rounds: about 400 bytes for a uniform draw and 430 for a normal one. The step is read on the device.
"""

# pyright: reportMissingParameterType=false, reportArgumentType=false, reportIndexIssue=false
# (a kernel's arguments are Triton's: its compiler accepts no annotation but tl.constexpr)

import torch
import triton
import triton.language as tl
from torch import Tensor

# Philox blocks of a program with 4 warps: two a thread, 8 draws. Ten rounds keep some 20 registers busy.
_BLOCK = 256


def fused_uniform(seed: int, step: int | Tensor, purpose: int, samples: Tensor, count: int) -> Tensor:
    """`uniform_reference`, bit for bit."""
    batch, blocks = len(samples), triton.cdiv(count, 4)
    u = torch.empty(batch, count, device=samples.device)
    if u.numel():
        uniform_kernel[(triton.cdiv(blocks, _BLOCK), batch)](
            u, samples, samples.stride(0), *_key(seed, step, purpose, samples), count, BLOCK=_BLOCK
        )
    return u


def fused_normal(seed: int, step: int | Tensor, purpose: int, samples: Tensor, count: int) -> Tensor:
    """`normal_reference` to a few units in the last place."""
    batch, half = len(samples), triton.cdiv(count, 2)
    x = torch.empty(batch, count, device=samples.device)
    if x.numel():
        normal_kernel[(triton.cdiv(half, 4 * _BLOCK), batch)](
            x,
            samples,
            samples.stride(0),
            *_key(seed, step, purpose, samples),
            count,
            half,
            SHIFT=half % 4,
            BLOCK=_BLOCK,
        )
    return x


def _key(seed: int, step: int | Tensor, purpose: int, samples: Tensor) -> tuple[Tensor, int, int, int]:
    """Step on the device, the seed's words as signed 32-bit numbers: one compiled kernel serves all seeds."""
    if isinstance(step, int):
        step = torch.full((), step, dtype=torch.int64, device=samples.device)
    return step, _signed(seed & 0xFFFFFFFF), _signed(seed >> 32 & 0xFFFFFFFF), purpose


def _signed(word: int) -> int:
    return word - 2**32 if word >= 2**31 else word


@triton.jit(do_not_specialize=["sample_stride", "seed_low", "seed_high", "purpose"])
def uniform_kernel(u, samples, sample_stride, step, seed_low, seed_high, purpose, count, BLOCK: tl.constexpr):
    """One program: BLOCK Philox blocks, four draws each, of one sample."""
    row = tl.program_id(1).to(tl.int64)
    sample = tl.load(samples + row * sample_stride)
    block = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    w0, w1, w2, w3 = _words(block, sample, tl.load(step), seed_low, seed_high, purpose)
    words = tl.interleave(tl.interleave(w0, w2), tl.interleave(w1, w3))
    place = tl.program_id(0).to(tl.int64) * (4 * BLOCK) + tl.arange(0, 4 * BLOCK)
    tl.store(u + row * count + place, _unit(words), mask=place < count)


@triton.jit(do_not_specialize=["sample_stride", "seed_low", "seed_high", "purpose"])
def normal_kernel(
    x,
    samples,
    sample_stride,
    step,
    seed_low,
    seed_high,
    purpose,
    count,
    half,
    SHIFT: tl.constexpr,
    BLOCK: tl.constexpr,
):
    """One program: four radii from each of BLOCK Philox blocks of one sample, and as many angles.

    Uniform number i < HALF gives a radius and number HALF + i its angle, which lies SHIFT = HALF mod 4 words
    into a block.
    """
    row = tl.program_id(1).to(tl.int64)
    sample, at = tl.load(samples + row * sample_stride), tl.load(step)
    first = tl.program_id(0).to(tl.int64) * BLOCK
    block = first + tl.arange(0, BLOCK)
    r0, r1, r2, r3 = _words(block, sample, at, seed_low, seed_high, purpose)
    radius = tl.sqrt(-2 * tl.log(_unit(tl.interleave(tl.interleave(r0, r2), tl.interleave(r1, r3)))))
    block += half // 4
    a0, a1, a2, a3 = _words(block, sample, at, seed_low, seed_high, purpose)
    if SHIFT > 0:
        b0, b1, b2, _ = _words(block + 1, sample, at, seed_low, seed_high, purpose)
        if SHIFT == 1:
            a0, a1, a2, a3 = a1, a2, a3, b0
        elif SHIFT == 2:
            a0, a1, a2, a3 = a2, a3, b0, b1
        else:
            a0, a1, a2, a3 = a3, b0, b1, b2
    angle = _unit(tl.interleave(tl.interleave(a0, a2), tl.interleave(a1, a3))) * 6.283185307179586
    place = first * 4 + tl.arange(0, 4 * BLOCK)
    x += row * count
    tl.store(x + place, radius * tl.cos(angle), mask=place < half)
    tl.store(x + half + place, radius * tl.sin(angle), mask=(place < half) & (half + place < count))


@triton.jit
def _words(block, sample, step, seed_low, seed_high, purpose):
    """Four 32-bit words for each block."""
    c0 = block.to(tl.uint32)
    zero = c0 * 0
    c1 = zero + sample.to(tl.uint32)
    c2 = zero + step.to(tl.uint32)
    c3 = zero + (((step >> 32) << 8) | purpose).to(tl.uint32)
    return tl.philox_impl(c0, c1, c2, c3, seed_low.to(tl.uint32), seed_high.to(tl.uint32))


@triton.jit
def _unit(word):
    """The upper 23 bits and a half: exact in float32, within (0, 1)."""
    return ((word >> 9).to(tl.float32) + 0.5) * 1.1920928955078125e-07
