"""Downsampling, colour, noise and cutout of augmented pictures in one kernel. Not yet measured on a card.

Float32 numbers moved per pixel and channel, with all steps: 4 (grid) + 1 (noise) read and 1 written, 6.
Apart: filtering (4+2, 2+1), colour (1+1), noise (1+1 for its scaling, 2+1), cutout (1+1): 18. The adjoint
reads 1 and writes 4. Both filters roll down the rows, so that a sample is filtered across once, not 6 times.
"""

# pyright: basic, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
# Functions of triton have no types; it wraps the constants itself.

import torch
import triton
import triton.language as tl
from torch import Tensor

from adatune.augment import effects as columns_of

MATRIX = tl.constexpr(columns_of.MATRIX.start)
OFFSET_AT = tl.constexpr(columns_of.OFFSET)
SIGMA = tl.constexpr(columns_of.SIGMA)
CUTOUT_AT = tl.constexpr(columns_of.CUTOUT.start)

ROWS = 16  # of pixels a program of the rolling filters makes; 5 more are read
COLUMNS = 64  # pixels, or pairs of samples, side by side
PIXELS = 256  # of a program without filters


@triton.jit
def _mixed(colors, matrix, SIZE: tl.constexpr, TURNED: tl.constexpr):
    """The colour matrix, or its transpose, times COLORS [pixels, SIZE]; for grey the mean of its row sums."""
    if SIZE == 1:
        total = 0.0
        for cell in range(9):
            total += tl.load(matrix + cell)
        return colors * (total / 3)
    i, j = tl.arange(0, SIZE)[:, None], tl.arange(0, SIZE)[None, :]
    cells = 3 * j + i if TURNED else 3 * i + j
    values = tl.load(matrix + cells, mask=(i < 3) & (j < 3), other=0.0)
    return tl.sum(colors[:, None, :] * values[None, :, :], axis=2)


@triton.jit
def _kept(cutout, x, y, height, width):
    """1 outside the rectangle, 0 inside; by the operations of the reference, so that the borders agree."""
    half = tl.load(cutout) / 2
    from_x = tl.abs((x.to(tl.float32) + 0.5) / width - tl.load(cutout + 1))
    from_y = tl.abs((y.to(tl.float32) + 0.5) / height - tl.load(cutout + 2))
    return ((from_x >= half) | (from_y >= half)).to(tl.float32)


@triton.jit
def _finished(
    colors,
    x,
    y,
    image,
    effects,
    effects_stride,
    noise,
    channels,
    height,
    width,
    SIZE: tl.constexpr,
    TURNED: tl.constexpr,
    COLOR: tl.constexpr,
    OFFSET: tl.constexpr,
    NOISE: tl.constexpr,
    CUTOUT: tl.constexpr,
):
    """All steps but the filter, on COLORS [pixels, SIZE] at x and y [pixels]."""
    effects += image * effects_stride
    if COLOR:
        colors = _mixed(colors, effects + MATRIX, SIZE, TURNED)
    if OFFSET:
        colors += tl.load(effects + OFFSET_AT)
    if NOISE:
        channel = tl.arange(0, SIZE)[None, :]
        places = ((image * channels + channel) * height + y[:, None]) * width + x[:, None]
        is_inside = (channel < channels) & (x < width)[:, None] & (y < height)[:, None]
        white = tl.load(noise + places, mask=is_inside, other=0.0).to(tl.float32)
        colors += white * tl.load(effects + SIGMA)
    if CUTOUT:
        colors *= _kept(effects + CUTOUT_AT, x, y, height, width)[:, None]
    return colors


@triton.jit
def finish_pictures_kernel(
    pictures,
    out,
    effects,
    effects_stride,
    noise,
    channels,
    height,
    width,
    BLOCK: tl.constexpr,
    SIZE: tl.constexpr,
    TURNED: tl.constexpr,
    COLOR: tl.constexpr,
    OFFSET: tl.constexpr,
    NOISE: tl.constexpr,
    CUTOUT: tl.constexpr,
):
    """One block of pixels of one image; pictures and result are channels-last."""
    image = tl.program_id(1).to(tl.int64)
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    channel = tl.arange(0, SIZE)[None, :]
    places = (image * height * width + p[:, None]) * channels + channel
    is_inside = (p < height * width)[:, None] & (channel < channels)
    colors = tl.load(pictures + places, mask=is_inside, other=0.0).to(tl.float32)
    colors = _finished(
        colors,
        p % width,
        p // width,
        image,
        effects,
        effects_stride,
        noise,
        channels,
        height,
        width,
        SIZE,
        TURNED,
        COLOR,
        OFFSET,
        NOISE,
        CUTOUT,
    )
    tl.store(out + places, colors, mask=is_inside)


@triton.jit
def _filtered_across(
    grid,
    taps,
    plane,
    row,
    x,
    channels,
    height,
    width,
    SIZE: tl.constexpr,
):
    """Row ROW of the grid filtered to pixels x: [pixels, SIZE]."""
    tap = tl.arange(0, 16)
    channel = tl.arange(0, SIZE)
    columns = 2 * width + 10
    places = (plane + channel)[None, None, :] * (columns * (2 * height + 10)) + row * columns
    places += (2 * x[:, None] + tap[None, :])[:, :, None]
    is_inside = ((x < width) & (row + 0 * x < 2 * height + 10))[:, None] & (tap < 12)[None, :]
    is_inside = is_inside[:, :, None] & (channel < channels)[None, None, :]
    samples = tl.load(grid + places, mask=is_inside, other=0.0).to(tl.float32)
    weights = tl.load(taps + 1 + tap, mask=tap < 12, other=0.0)
    return tl.sum(samples * weights[None, :, None], axis=1)


@triton.jit
def finish_grid_kernel(
    grid,
    out,
    taps,
    effects,
    effects_stride,
    noise,
    channels,
    height,
    width,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    SIZE: tl.constexpr,
    COLOR: tl.constexpr,
    OFFSET: tl.constexpr,
    NOISE: tl.constexpr,
    CUTOUT: tl.constexpr,
):
    """ROWS x COLUMNS pixels of one image, down the rows; the grid is planar, the result channels-last."""
    image = tl.program_id(2).to(tl.int64)
    first = tl.program_id(1) * ROWS
    x = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    channel = tl.arange(0, SIZE)[None, :]
    taps += 1
    # sum_k: what the pairs of rows so far give to the pixel that still misses 5 - k of its 6 pairs.
    sum_0 = tl.zeros([COLUMNS, SIZE], dtype=tl.float32)
    sum_1, sum_2, sum_3, sum_4 = sum_0, sum_0, sum_0, sum_0
    for step in range(ROWS + 5):
        pair = first + step
        even = _filtered_across(grid, taps - 1, image * channels, 2 * pair, x, channels, height, width, SIZE)
        odd = _filtered_across(
            grid, taps - 1, image * channels, 2 * pair + 1, x, channels, height, width, SIZE
        )
        colors = sum_4 + tl.load(taps + 10) * even + tl.load(taps + 11) * odd
        sum_4 = sum_3 + tl.load(taps + 8) * even + tl.load(taps + 9) * odd
        sum_3 = sum_2 + tl.load(taps + 6) * even + tl.load(taps + 7) * odd
        sum_2 = sum_1 + tl.load(taps + 4) * even + tl.load(taps + 5) * odd
        sum_1 = sum_0 + tl.load(taps + 2) * even + tl.load(taps + 3) * odd
        sum_0 = tl.load(taps) * even + tl.load(taps + 1) * odd
        y = tl.zeros([COLUMNS], dtype=tl.int32) + (pair - 5)
        if (step >= 5) & (pair - 5 < height):
            colors = _finished(
                colors,
                x,
                y,
                image,
                effects,
                effects_stride,
                noise,
                channels,
                height,
                width,
                SIZE,
                False,
                COLOR,
                OFFSET,
                NOISE,
                CUTOUT,
            )
            places = ((image * height + y[:, None]) * width + x[:, None]) * channels + channel
            tl.store(out + places, colors, mask=(x < width)[:, None] & (channel < channels))


@triton.jit
def _spread_across(
    gradient,
    taps,
    image,
    row,
    x,
    cutout,
    channels,
    height,
    width,
    SIZE: tl.constexpr,
    CUTOUT: tl.constexpr,
):
    """Row ROW of the gradient spread to columns x of the grid: [columns, SIZE]."""
    step = tl.arange(0, 8)
    channel = tl.arange(0, SIZE)
    pixel = (x >> 1)[:, None] - step[None, :]
    tap = (x & 1)[:, None] + 2 * step[None, :]
    rows = row + 0 * pixel
    is_inside = (pixel >= 0) & (pixel < width) & (tap < 12) & (rows >= 0) & (rows < height)
    weights = tl.load(taps + 1 + tap, mask=is_inside, other=0.0)
    if CUTOUT:
        weights *= _kept(cutout, pixel, rows, height, width)
    places = ((image * height + row) * width + pixel)[:, :, None] * channels + channel[None, None, :]
    needed = is_inside[:, :, None] & (channel < channels)[None, None, :]
    values = tl.load(gradient + places, mask=needed, other=0.0).to(tl.float32)
    return tl.sum(values * weights[:, :, None], axis=1)


@triton.jit
def finish_grid_adjoint_kernel(
    gradient,
    grid,
    taps,
    effects,
    effects_stride,
    channels,
    height,
    width,
    ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
    SIZE: tl.constexpr,
    COLOR: tl.constexpr,
    CUTOUT: tl.constexpr,
):
    """ROWS pairs of rows of the grid; the gradient is channels-last, the grid planar."""
    image = tl.program_id(2).to(tl.int64)
    first = tl.program_id(1) * ROWS
    x = tl.program_id(0) * COLUMNS + tl.arange(0, COLUMNS)
    channel = tl.arange(0, SIZE)[None, :]
    effects += image * effects_stride
    columns, rows = 2 * width + 10, 2 * height + 10
    # row_k: the pixels' row k above the current one, spread across.
    row_0 = tl.zeros([COLUMNS, SIZE], dtype=tl.float32)
    row_1, row_2, row_3, row_4 = row_0, row_0, row_0, row_0
    for step in range(ROWS + 5):
        pair = first + step - 5
        row_5 = row_4
        row_4, row_3, row_2, row_1 = row_3, row_2, row_1, row_0
        row_0 = _spread_across(
            gradient, taps, image, pair, x, effects + CUTOUT_AT, channels, height, width, SIZE, CUTOUT
        )
        if COLOR:
            row_0 = _mixed(row_0, effects + MATRIX, SIZE, True)
        if (step >= 5) & (2 * pair < rows):
            for odd in range(2):
                tap = taps + 1 + odd
                total = tl.load(tap) * row_0 + tl.load(tap + 2) * row_1 + tl.load(tap + 4) * row_2
                total += tl.load(tap + 6) * row_3 + tl.load(tap + 8) * row_4 + tl.load(tap + 10) * row_5
                places = ((image * channels + channel) * rows + 2 * pair + odd) * columns + x[:, None]
                tl.store(grid + places, total, mask=(x < columns)[:, None] & (channel < channels))


def finish_pictures(
    pictures: Tensor,
    effects: Tensor,
    noise: Tensor | None,
    switches: dict[str, bool],
    is_turned: bool = False,
) -> Tensor:
    """The steps of `finish` on pictures [batch, 1 or 3, height, width]; the result is channels-last.

    Args:
        pictures: made channels-last here.
        effects: [batch, effects.COUNT] float32; the numbers of an image lie together.
        noise: of the pictures' shape, made contiguous here; None for none.
        switches: of `Finish`.
        is_turned: apply the transpose of the colour matrix.
    """
    pictures = pictures.contiguous(memory_format=torch.channels_last)
    out = torch.empty_like(pictures)
    batch, channels, height, width = pictures.shape
    if out.numel():
        finish_pictures_kernel[triton.cdiv(height * width, PIXELS), batch](
            pictures,
            out,
            effects,
            effects.stride(0),
            effects if noise is None else noise.contiguous(),
            channels,
            height,
            width,
            BLOCK=PIXELS,
            SIZE=triton.next_power_of_2(channels),
            TURNED=is_turned,
            **switches,
        )
    return out


def finish_grid(
    grid: Tensor, taps: Tensor, effects: Tensor, noise: Tensor | None, switches: dict[str, bool]
) -> Tensor:
    """As `finish_pictures`, from the grid of `warp`; TAPS are `padded_taps`."""
    grid = grid.contiguous()
    batch, channels = grid.shape[:2]
    height, width = (grid.shape[2] - 10) // 2, (grid.shape[3] - 10) // 2
    out = grid.new_empty(batch, height, width, channels).permute(0, 3, 1, 2)
    if out.numel():
        finish_grid_kernel[triton.cdiv(width, COLUMNS), triton.cdiv(height, ROWS), batch](
            grid,
            out,
            taps,
            effects,
            effects.stride(0),
            effects if noise is None else noise.contiguous(),
            channels,
            height,
            width,
            ROWS=ROWS,
            COLUMNS=COLUMNS,
            SIZE=triton.next_power_of_2(channels),
            **switches,
        )
    return out


def finish_grid_adjoint(gradient: Tensor, taps: Tensor, effects: Tensor, switches: dict[str, bool]) -> Tensor:
    """The adjoint of the linear part of `finish_grid`; the result is contiguous."""
    gradient = gradient.contiguous(memory_format=torch.channels_last)
    batch, channels, height, width = gradient.shape
    grid = gradient.new_empty(batch, channels, 2 * height + 10, 2 * width + 10)
    if grid.numel():
        finish_grid_adjoint_kernel[
            triton.cdiv(2 * width + 10, COLUMNS), triton.cdiv(height + 5, ROWS), batch
        ](
            gradient,
            grid,
            taps,
            effects,
            effects.stride(0),
            channels,
            height,
            width,
            ROWS=ROWS,
            COLUMNS=COLUMNS,
            SIZE=triton.next_power_of_2(channels),
            COLOR=switches["COLOR"],
            CUTOUT=switches["CUTOUT"],
        )
    return grid
