"""The activation and the filter after it in one pass, each way. Not yet measured on a card.

Fuses bias, leaky ReLU, gain and clamp with a filter of four taps along each axis. Counted in reads and writes
of the feature map: forward 2 instead of 4, backward 3 instead of 5, second backward 3 instead of 5. Channels
last; a program slides down a strip as in upfirdn2d_triton, and activates what it loads.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportMissingParameterType=false
# pyright: reportPrivateUsage=false
# (a kernel's arguments are Triton's: its compiler accepts no annotation but tl.constexpr)

from typing import TYPE_CHECKING

import torch
import triton
import triton.language as tl
from torch import Tensor

from adatune.ops.epilogue_triton import _slope
from adatune.ops.upfirdn2d_triton import TAPS, strips_of

if TYPE_CHECKING:
    from adatune.ops.epilogue_filter import Chain


def fused_forward(u: Tensor, bias: Tensor, chain: "Chain") -> Tensor:
    """The filtered activation of u [batch, channels, height, width]."""
    flipped = chain._replace(along_y=chain.along_y[::-1], along_x=chain.along_x[::-1])
    return _launch(u, None, None, bias, flipped, wants_sums=False)[0]


def fused_gradients(
    g: Tensor, u: Tensor, bias: Tensor, chain: "Chain", wants_bias: bool
) -> tuple[Tensor, Tensor | None]:
    """The gradients of u and, if wanted, of the bias from that of the result."""
    x0, x1, y0, y1 = (TAPS - 1 - side for side in chain.padding)
    gu, partial = _launch(g, None, u, bias, chain._replace(padding=(x0, x1, y0, y1)), wants_sums=wants_bias)
    return gu, None if partial is None else partial.sum(dim=(0, 1)).to(bias.dtype)


def fused_second_gradient(a: Tensor, u: Tensor, bias: Tensor, chain: "Chain") -> Tensor:
    """What comes back on the gradient of the result from that of u: A sloped, then filtered."""
    flipped = chain._replace(along_y=chain.along_y[::-1], along_x=chain.along_x[::-1])
    return _launch(a, u, None, bias, flipped, wants_sums=False)[0]


def _launch(
    x: Tensor, before: Tensor | None, after: Tensor | None, bias: Tensor, chain: "Chain", wants_sums: bool
) -> tuple[Tensor, Tensor | None]:
    """Filter x: sloped by BEFORE, or itself activated where AFTER is None too; then sloped by AFTER."""
    batch, channels, height, width = x.shape
    x0, x1, y0, y1 = chain.padding
    rows, columns = max(height + y0 + y1 - TAPS + 1, 0), max(width + x0 + x1 - TAPS + 1, 0)
    size, layout = (batch, channels, rows, columns), torch.channels_last
    out = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=layout)
    grid, strips = strips_of(out)
    sums = (
        torch.empty((batch, grid[0], channels), dtype=torch.float32, device=x.device) if wants_sums else None
    )
    if not out.numel():
        return out, sums
    epilogue_filter_kernel[grid](
        x.contiguous(memory_format=layout),
        None if before is None else before.contiguous(memory_format=layout),
        None if after is None else after.contiguous(memory_format=layout),
        bias.contiguous(),
        out,
        sums,
        height,
        width,
        rows,
        columns,
        channels,
        x0,
        y0,
        *chain.along_x,
        *chain.along_y,
        chain.factor,
        chain.curve.gain,
        chain.curve.clamp,
        ACTIVATES=before is None and after is None,
        SLOPE=chain.curve.slope,
        **strips,
    )
    return out, sums


@triton.jit
def _activated(u, b, factor, gain, SLOPE: tl.constexpr):
    z = (u * factor + b) * gain
    return tl.where(z > 0, z, z * SLOPE)


@triton.jit
def _filtered_row(
    x,
    before,
    row,
    first,
    c,
    b,
    height,
    width,
    channels,
    a0,
    a1,
    a2,
    a3,
    factor,
    gain,
    clamp,
    ACTIVATES: tl.constexpr,
    SLOPE: tl.constexpr,
    BLOCK_COLUMNS: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr,
):
    """A padded input row, activated or sloped, filtered along x: [output columns, channels]."""
    total = tl.zeros([BLOCK_COLUMNS, BLOCK_CHANNELS], tl.float32)
    line = first[:, None] * 0 + row  # the interpreter combines no scalar condition with a mask
    is_row = (line >= 0) & (line < height) & (c < channels)[None, :]
    for tap in tl.static_range(4):  # pyright: ignore[reportGeneralTypeIssues]
        column = first + tap
        is_inside = is_row & ((column >= 0) & (column < width))[:, None]
        offset = (row * width + column)[:, None] * channels + c[None, :]
        value = tl.load(x + offset, mask=is_inside, other=0.0).to(tl.float32)
        if ACTIVATES:
            value = _activated(value, b, factor, gain, SLOPE)
            if clamp is not None:
                value = tl.minimum(tl.maximum(value, -clamp), clamp)
            value = tl.where(is_inside, value, 0.0)  # padding is of what is filtered
        if before is not None:
            y = tl.load(before + offset, mask=is_inside, other=0.0).to(tl.float32)
            value = value * factor * _slope(_activated(y, b, factor, gain, SLOPE), gain, clamp, SLOPE)
        if tap == 0:
            total += a0 * value
        elif tap == 1:
            total += a1 * value
        elif tap == 2:
            total += a2 * value
        else:
            total += a3 * value
    return total


@triton.jit
def epilogue_filter_kernel(
    x,
    before,
    after,
    bias,
    out,
    sums,
    height,
    width,
    rows,
    columns,
    channels,
    x0,
    y0,
    a0,
    a1,
    a2,
    a3,
    b0,
    b1,
    b2,
    b3,
    factor,
    gain,
    clamp,
    ACTIVATES: tl.constexpr,
    SLOPE: tl.constexpr,
    STRIP: tl.constexpr,
    BLOCK_COLUMNS: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr,
):
    """One program: STRIP output rows of some columns and channels of one sample, and a row of sums."""
    tiles = tl.cdiv(columns, BLOCK_COLUMNS)
    column = tl.program_id(0) % tiles * BLOCK_COLUMNS + tl.arange(0, BLOCK_COLUMNS)
    top = tl.program_id(0) // tiles * STRIP
    c = tl.program_id(1) * BLOCK_CHANNELS + tl.arange(0, BLOCK_CHANNELS)
    n = tl.program_id(2).to(tl.int64)
    x += n * height * width * channels
    out += n * rows * columns * channels
    if before is not None:
        before += n * height * width * channels
    if after is not None:
        after += n * rows * columns * channels
    b = tl.load(bias + c, mask=c < channels, other=0.0).to(tl.float32)[None, :]
    total_of_slopes = tl.zeros([BLOCK_CHANNELS], tl.float32)
    left = column - x0
    h0 = tl.zeros([BLOCK_COLUMNS, BLOCK_CHANNELS], tl.float32)
    h1 = h0
    h2 = h0
    for step in range(STRIP + 3):
        h3 = _filtered_row(
            x, before, top - y0 + step, left, c, b, height, width, channels, a0, a1, a2, a3,
            factor, gain, clamp, ACTIVATES, SLOPE, BLOCK_COLUMNS, BLOCK_CHANNELS,
        )  # fmt: skip
        row = top + step - 3  # the first three steps fill the window and write nothing
        total = b0 * h0 + b1 * h1 + b2 * h2 + b3 * h3
        h0 = h1
        h1 = h2
        h2 = h3
        offset = (row * columns + column)[:, None] * channels + c[None, :]
        is_pixel = (column < columns) & (column * 0 + row >= top) & (column * 0 + row < rows)
        is_inside = is_pixel[:, None] & (c < channels)[None, :]
        if after is not None:
            y = tl.load(after + offset, mask=is_inside, other=0.0).to(tl.float32)
            total = total * _slope(_activated(y, b, factor, gain, SLOPE), gain, clamp, SLOPE)
            if sums is not None:
                total_of_slopes += tl.sum(tl.where(is_inside, total, 0.0), axis=0)
            total = total * factor
        tl.store(out + offset, total.to(out.dtype.element_ty), mask=is_inside)
    if sums is not None:
        place = (n * tl.num_programs(0) + tl.program_id(0)) * channels + c
        tl.store(sums + place, total_of_slopes, mask=c < channels)
