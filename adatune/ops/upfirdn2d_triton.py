"""Filtering feature maps with four taps along each axis, resampling included. Not yet measured on a card.

One pass, channels-last: each program slides down a strip and keeps the rows that it has filtered along x in
registers, so that an output takes 4 loads (8 going down) instead of 16. Counted memory traffic: the input is
read and the output written once; plain torch writes and reads a padded copy too, going up one more.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportMissingParameterType=false
# (a kernel's arguments are Triton's: its compiler accepts no annotation but tl.constexpr)

import torch
import triton
import triton.language as tl
from torch import Tensor

TAPS = 4

_BLOCK_COLUMNS, _MOST_CHANNELS = 16, 64
_ROWS, _ROWS_OF_SMALL_MAPS = 16, 4  # of a strip; few programs would leave a card idle
_SMALL_SIDE = 64
_WARPS = 4


def fused_filter(
    x: Tensor,
    along_y: tuple[float, ...],
    along_x: tuple[float, ...],
    up: int,
    down: int,
    padding: tuple[int, ...],
    gain: float,
    plus: Tensor | None = None,
) -> Tensor:
    """Correlate with the product of two filters, as `upfirdn2d` with a flip.

    Args:
        x: [batch, channels, height, width], not empty.
        along_y: the taps along y.
        along_x: the taps along x.
        up: 1 or 2.
        down: 1 or 2; not both 2.
        padding: (x0, x1, y0, y1), may be negative.
        gain: multiplies the result.
        plus: of the result's shape, added to it.

    Returns:
        channels-last, in the type of x; empty where the filter does not fit.
    """
    batch, channels, height, width = x.shape
    x0, x1, y0, y1 = padding
    rows = max((height * up + y0 + y1 - TAPS) // down + 1, 0)
    columns = max((width * up + x0 + x1 - TAPS) // down + 1, 0)
    out = torch.empty(
        (batch, channels, rows, columns), dtype=x.dtype, device=x.device, memory_format=torch.channels_last
    )
    if not out.numel():
        return out
    grid, strips = strips_of(out)
    filter_kernel[grid](
        x.contiguous(memory_format=torch.channels_last),
        None if plus is None else plus.contiguous(memory_format=torch.channels_last),
        out,
        height,
        width,
        rows,
        columns,
        channels,
        x0,
        y0,
        *along_x,
        *(tap * gain for tap in along_y),
        UP=up,
        DOWN=down,
        **strips,
    )
    return out


def strips_of(out: Tensor) -> tuple[tuple[int, int, int], dict[str, int]]:
    """The grid (tiles, channel blocks, batch) of a kernel that slides down strips of OUT; its constants."""
    batch, channels, rows, columns = out.shape
    block_channels = min(triton.next_power_of_2(channels), _MOST_CHANNELS)
    strip = _ROWS if rows > _SMALL_SIDE else _ROWS_OF_SMALL_MAPS
    tiles = triton.cdiv(columns, _BLOCK_COLUMNS) * triton.cdiv(rows, strip)
    constants = {
        "STRIP": strip,
        "BLOCK_COLUMNS": _BLOCK_COLUMNS,
        "BLOCK_CHANNELS": block_channels,
        "num_warps": _WARPS,
    }
    return (tiles, triton.cdiv(channels, block_channels), batch), constants


@triton.jit
def _filtered_row(
    x, row, column, c, height, width, channels, x0, a0, a1, a2, a3, UP: tl.constexpr, DOWN: tl.constexpr
):
    """An input row, upsampled, padded, filtered and downsampled along x: [output columns, channels]."""
    # One function with everything in it: calls are what Triton's interpreter spends its time on.
    first = column * DOWN - x0
    if UP == 2:  # of four upsampled samples two are pixels: the even ones
        is_odd = (first & 1) == 1
        first = (first + is_odd.to(tl.int32)) >> 1
        a0 = tl.where(is_odd, a1, a0)[:, None]
        a1 = tl.where(is_odd, a3, a2)[:, None]
    place = x + (row * width + first)[:, None] * channels + c[None, :]
    first = first[:, None]
    line = first * 0 + row  # the interpreter combines no scalar condition with a mask
    is_row = (line >= 0) & (line < height) & (c < channels)[None, :]
    is_inside = is_row & (first >= 0) & (first < width)
    total = a0 * tl.load(place, mask=is_inside, other=0.0).to(tl.float32)
    is_inside = is_row & (first >= -1) & (first < width - 1)
    total += a1 * tl.load(place + channels, mask=is_inside, other=0.0).to(tl.float32)
    if UP == 1:
        is_inside = is_row & (first >= -2) & (first < width - 2)
        total += a2 * tl.load(place + 2 * channels, mask=is_inside, other=0.0).to(tl.float32)
        is_inside = is_row & (first >= -3) & (first < width - 3)
        total += a3 * tl.load(place + 3 * channels, mask=is_inside, other=0.0).to(tl.float32)
    return total


@triton.jit
def filter_kernel(
    x,
    plus,
    out,
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
    UP: tl.constexpr,
    DOWN: tl.constexpr,
    STRIP: tl.constexpr,
    BLOCK_COLUMNS: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr,
):
    """One program: STRIP output rows of some columns and channels of one sample."""
    tiles = tl.cdiv(columns, BLOCK_COLUMNS)
    column = tl.program_id(0) % tiles * BLOCK_COLUMNS + tl.arange(0, BLOCK_COLUMNS)
    top = tl.program_id(0) // tiles * STRIP
    c = tl.program_id(1) * BLOCK_CHANNELS + tl.arange(0, BLOCK_CHANNELS)
    n = tl.program_id(2).to(tl.int64)
    x += n * height * width * channels
    out += n * rows * columns * channels
    if plus is not None:
        plus += n * rows * columns * channels
    first = top * DOWN - y0
    h0 = tl.zeros([BLOCK_COLUMNS, BLOCK_CHANNELS], tl.float32)
    h1 = h0
    h2 = h0
    if UP == 1:
        h0 = _filtered_row(x, first, column, c, height, width, channels, x0, a0, a1, a2, a3, UP, DOWN)
        h1 = _filtered_row(x, first + 1, column, c, height, width, channels, x0, a0, a1, a2, a3, UP, DOWN)
        if DOWN == 1:
            h2 = _filtered_row(x, first + 2, column, c, height, width, channels, x0, a0, a1, a2, a3, UP, DOWN)
    for step in range(STRIP):
        row = top + step
        if UP == 2:
            start = row - y0
            is_odd = start & 1
            source = (start + is_odd) >> 1
            even = tl.where(is_odd == 1, b1, b0)
            odd = tl.where(is_odd == 1, b3, b2)
            total = even * _filtered_row(
                x, source, column, c, height, width, channels, x0, a0, a1, a2, a3, UP, DOWN
            )
            total += odd * _filtered_row(
                x, source + 1, column, c, height, width, channels, x0, a0, a1, a2, a3, UP, DOWN
            )
        else:
            last = row * DOWN - y0 + 3
            h3 = _filtered_row(x, last, column, c, height, width, channels, x0, a0, a1, a2, a3, UP, DOWN)
            if DOWN == 1:
                total = b0 * h0 + b1 * h1 + b2 * h2 + b3 * h3
                h0 = h1
                h1 = h2
                h2 = h3
            else:
                third = _filtered_row(
                    x, last - 1, column, c, height, width, channels, x0, a0, a1, a2, a3, UP, DOWN
                )
                total = b0 * h0 + b1 * h1 + b2 * third + b3 * h3
                h0 = third
                h1 = h3
        offset = (row * columns + column)[:, None] * channels + c[None, :]
        is_pixel = (column < columns) & (column * 0 + row < rows)
        is_inside = is_pixel[:, None] & (c < channels)[None, :]
        if plus is not None:
            total += tl.load(plus + offset, mask=is_inside, other=0.0).to(tl.float32)
        tl.store(out + offset, total.to(out.dtype.element_ty), mask=is_inside)
