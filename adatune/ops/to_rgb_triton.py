"""toRGB in one pass over the features each way. Not yet measured on a card.

Fuses modulation, 1x1 convolution, bias, clamp, upsampling of the image below and the sum. Counted in reads
and writes of the feature map: forward 1 against 3 (modulated copy written and read), backward 2 against 7;
and of the image: forward 1 1/4 against some 9 (bias, clamp, upsampling with its zeros, sum).

Sums over the pixels: a program writes one row, torch adds the rows in a fixed order; no atomics, no tl.dot.
"""

# pyright: reportMissingParameterType=false, reportArgumentType=false, reportIndexIssue=false
# pyright: reportGeneralTypeIssues=false
# (a kernel's arguments are Triton's: its compiler accepts no annotation but tl.constexpr)

import torch
import triton
import triton.language as tl
from torch import Tensor

# Of a program with 4 warps: pixels, and channels at a time: 32 numbers a thread; 16 where registers lack.
_PIXELS, _SPREAD_PIXELS, _CHANNELS = 64, 32, 64
# Rounds of pixels that one program adds up, so that its row of sums is small beside what it reads.
_ROUNDS, _PIXELS_WITH_ROUNDS = 16, 64 * 64


def fused_to_rgb(
    x: Tensor, matrices: Tensor, bias: Tensor, clamp: float | None, image: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """`to_rgb_reference`, and a mask of what the clamp let through (None without clamp)."""
    y = _empty_image(x, matrices, torch.float32)
    is_inside = None if clamp is None else _empty_image(x, matrices, torch.bool)
    _launch_product(x, matrices, y, bias.contiguous(), clamp, image, is_inside)
    return y, is_inside


def fused_product(x: Tensor, matrices: Tensor) -> Tensor:
    """`product_reference` in float32."""
    y = _empty_image(x, matrices, torch.float32)
    if y.numel():
        _launch_product(x, matrices, y, None, None, None, None)
    return y


def fused_spread(g: Tensor, x: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor]:
    """g times the matrices [the shape and type of x], and the sums over the pixels of g x, float32."""
    batch, channels, height, width = x.shape
    rows, pixels = matrices.shape[1], height * width
    g, x = _channels_last(g), _channels_last(x)
    dx = torch.empty_like(x)
    if not x.numel():
        return dx, torch.zeros_like(matrices)
    rounds = _ROUNDS if pixels >= _PIXELS_WITH_ROUNDS else 1
    tiles, tile_channels = triton.cdiv(pixels, rounds * _SPREAD_PIXELS), _tile_channels(channels)
    partial = torch.empty(batch, tiles, rows, channels, device=x.device)
    spread_kernel[(tiles, triton.cdiv(channels, tile_channels), batch)](
        g,
        x,
        matrices.contiguous(),
        dx,
        partial,
        pixels,
        channels,
        ROWS=rows,
        ROUNDS=rounds,
        PIXELS=_SPREAD_PIXELS,
        CHANNELS=tile_channels,
    )
    return dx, partial.sum(dim=1)


def _launch_product(
    x: Tensor,
    matrices: Tensor,
    y: Tensor,
    bias: Tensor | None,
    clamp: float | None,
    image: Tensor | None,
    is_inside: Tensor | None,
) -> None:
    batch, channels, height, width = x.shape
    tile_channels = _tile_channels(channels)
    product_kernel[(triton.cdiv(height * width, _PIXELS), batch)](
        _channels_last(x),
        matrices.contiguous(),
        bias,
        None if image is None else _channels_last(image),
        y,
        is_inside,
        height,
        width,
        channels,
        0.0 if clamp is None else clamp,
        ROWS=matrices.shape[1],
        CHUNKS=triton.cdiv(channels, tile_channels),
        PIXELS=_PIXELS,
        CHANNELS=tile_channels,
    )


def _tile_channels(channels: int) -> int:
    return max(16, min(_CHANNELS, triton.next_power_of_2(channels)))


def _empty_image(x: Tensor, matrices: Tensor, dtype: torch.dtype) -> Tensor:
    shape = x.shape[0], matrices.shape[1], *x.shape[2:]
    return torch.empty(shape, dtype=dtype, device=x.device, memory_format=torch.channels_last)


def _channels_last(x: Tensor) -> Tensor:
    """X with its channels together; what only claims to be so (one pixel, one channel) is copied."""
    _, channels, height, width = x.shape
    expected = height * width * channels, 1, width * channels, channels
    is_so = all(s == e or size == 1 for s, e, size in zip(x.stride(), expected, x.shape, strict=True))
    return x if is_so else x.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)


@triton.jit
def product_kernel(
    x,
    matrices,
    bias,
    image,
    y,
    is_inside,
    height,
    width,
    channels,
    clamp,
    ROWS: tl.constexpr,
    CHUNKS: tl.constexpr,
    PIXELS: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """One program: PIXELS pixels of one sample, all channels. Bias, image and is_inside may be None."""
    sample = tl.program_id(1).to(tl.int64)
    pixel = tl.program_id(0) * PIXELS + tl.arange(0, PIXELS)
    row = tl.arange(0, 4)
    is_pixel = pixel < height * width
    x += sample * height * width * channels
    matrices += sample * ROWS * channels
    place = pixel[:, None].to(tl.int64) * channels
    total = tl.zeros([PIXELS, 4], tl.float32)
    for chunk in range(CHUNKS):
        channel = chunk * CHANNELS + tl.arange(0, CHANNELS)
        is_channel = channel < channels
        mask = is_pixel[:, None] & is_channel[None, :]
        values = tl.load(x + place + channel[None, :], mask=mask, other=0.0).to(tl.float32)
        for r in tl.static_range(ROWS):
            factor = tl.load(matrices + r * channels + channel, mask=is_channel, other=0.0)
            product = tl.sum(values * factor[None, :], axis=1)
            total += tl.where(row[None, :] == r, product[:, None], 0.0)
    mask = is_pixel[:, None] & (row < ROWS)[None, :]
    out = (sample * height * width + pixel[:, None]) * ROWS + row[None, :]
    if bias is not None:
        total += tl.load(bias + row, mask=row < ROWS, other=0.0).to(tl.float32)[None, :]
    if is_inside is not None:
        tl.store(is_inside + out, (total > -clamp) & (total < clamp), mask=mask)
        total = tl.where(total == total, tl.minimum(tl.maximum(total, -clamp), clamp), total)
    if image is not None:
        image += sample * (height // 2) * (width // 2) * ROWS
        total += _upsampled(image, pixel // width, pixel % width, row, height // 2, width // 2, mask, ROWS)
    tl.store(y + out, total, mask=mask)


@triton.jit
def _upsampled(image, y, x, row, height, width, mask, ROWS: tl.constexpr):
    """The image at twice its size: of the taps [1, 3, 3, 1]/4 two meet a pixel along each axis."""
    near_y, near_x = y // 2, x // 2
    far_y, far_x = near_y + (y % 2) * 2 - 1, near_x + (x % 2) * 2 - 1
    has_y, has_x = (far_y >= 0) & (far_y < height), (far_x >= 0) & (far_x < width)
    near = tl.load(image + _place(near_y, near_x, row, width, ROWS), mask=mask, other=0.0)
    along_y = tl.load(image + _place(far_y, near_x, row, width, ROWS), mask=mask & has_y[:, None], other=0.0)
    along_x = tl.load(image + _place(near_y, far_x, row, width, ROWS), mask=mask & has_x[:, None], other=0.0)
    both = mask & (has_y & has_x)[:, None]
    far = tl.load(image + _place(far_y, far_x, row, width, ROWS), mask=both, other=0.0)
    return 0.5625 * near + 0.1875 * (along_y + along_x) + 0.0625 * far


@triton.jit
def _place(y, x, row, width, ROWS: tl.constexpr):
    return (y * width + x)[:, None] * ROWS + row[None, :]


@triton.jit
def spread_kernel(
    g,
    x,
    matrices,
    dx,
    partial,
    pixels,
    channels,
    ROWS: tl.constexpr,
    ROUNDS: tl.constexpr,
    PIXELS: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """One program: ROUNDS times PIXELS pixels and CHANNELS channels of one sample."""
    tile, sample = tl.program_id(0), tl.program_id(2).to(tl.int64)
    channel = tl.program_id(1) * CHANNELS + tl.arange(0, CHANNELS)
    is_channel = channel < channels
    row = tl.arange(0, 4)
    sums = tl.zeros([4, CHANNELS], tl.float32)
    g += sample * pixels * ROWS
    matrices += sample * ROWS * channels
    for turn in range(ROUNDS):
        pixel = (tile * ROUNDS + turn) * PIXELS + tl.arange(0, PIXELS)
        is_pixel = pixel < pixels
        mask = is_pixel[:, None] & is_channel[None, :]
        place = (sample * pixels + pixel[:, None]) * channels + channel[None, :]
        values = tl.load(x + place, mask=mask, other=0.0).to(tl.float32)
        spread = tl.zeros([PIXELS, CHANNELS], tl.float32)
        for r in tl.static_range(ROWS):
            factor = tl.load(matrices + r * channels + channel, mask=is_channel, other=0.0)
            gradient = tl.load(g + pixel * ROWS + r, mask=is_pixel, other=0.0).to(tl.float32)
            spread += gradient[:, None] * factor[None, :]
            product = tl.sum(values * gradient[:, None], axis=0)
            sums += tl.where(row[:, None] == r, product[None, :], 0.0)
        tl.store(dx + place, spread, mask=mask)
    place = ((sample * tl.num_programs(0) + tile) * ROWS + row[:, None]) * channels + channel[None, :]
    tl.store(partial + place, sums, mask=(row < ROWS)[:, None] & is_channel[None, :])
