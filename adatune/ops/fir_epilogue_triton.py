"""The filter behind a convolution that goes up, and the epilogue, in one pass. Not yet measured on a card.

Fuses the filter, four taps along each axis, with demodulation, noise, bias, leaky ReLU, gain, clamp and
style. Counted in reads and writes of the feature map: 2 instead of 4; where derivatives follow, which need
the filter's result, 3 instead of 4.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportMissingParameterType=false
# pyright: reportPrivateUsage=false
# (a kernel's arguments are Triton's: its compiler accepts no annotation but tl.constexpr)

import torch
import triton
import triton.language as tl
from torch import Tensor

from adatune.ops.epilogue_pixels import Curve, Terms
from adatune.ops.epilogue_triton import _clamped, _per_channel, _readable, _result
from adatune.ops.upfirdn2d_triton import TAPS, _filtered_row, strips_of


def fused_fir_epilogue(
    u: Tensor,
    terms: Terms,
    along_y: tuple[float, ...],
    along_x: tuple[float, ...],
    padding: tuple[int, int, int, int],
    filter_gain: float,
    curve: Curve,
    is_kept: bool,
) -> tuple[Tensor, Tensor | None]:
    """The epilogue of u correlated with the taps, and if it is kept the correlation itself.

    Both are channels-last, in the type of u; the epilogue continues with what the type leaves of the filter's
    result, as its derivatives will.
    """
    batch, channels, height, width = u.shape
    x0, x1, y0, y1 = padding
    rows, columns = max(height + y0 + y1 - TAPS + 1, 0), max(width + x0 + x1 - TAPS + 1, 0)
    size, layout = (batch, channels, rows, columns), torch.channels_last
    out = torch.empty(size, dtype=u.dtype, device=u.device, memory_format=layout)
    v = torch.empty_like(out) if is_kept else None
    if not out.numel():
        return out, v
    terms = _readable(terms)
    grid, strips = strips_of(out)
    fir_epilogue_kernel[grid](
        u.contiguous(memory_format=layout),
        *terms,
        out,
        v,
        height,
        width,
        rows,
        columns,
        channels,
        x0,
        y0,
        *along_x,
        *(tap * filter_gain for tap in along_y),
        0 if terms.noise is None or len(terms.noise) == 1 else terms.noise.stride(0),
        curve.gain,
        curve.clamp,
        SLOPE=curve.slope,
        **strips,
    )
    return out, v


@triton.jit
def fir_epilogue_kernel(
    u,
    demodulation,
    noise,
    strength,
    bias,
    style,
    out,
    v,
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
    noise_stride,
    gain,
    clamp,
    SLOPE: tl.constexpr,
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
    u += n * height * width * channels
    plane = n * rows * columns * channels
    h0 = tl.zeros([BLOCK_COLUMNS, BLOCK_CHANNELS], tl.float32)
    h1 = h0
    h2 = h0
    for step in range(STRIP + 3):
        line = top - y0 + step
        h3 = _filtered_row(u, line, column, c, height, width, channels, x0, a0, a1, a2, a3, 1, 1)
        row = top + step - 3  # the first three steps fill the window and write nothing
        x = (b0 * h0 + b1 * h1 + b2 * h2 + b3 * h3).to(out.dtype.element_ty)
        h0 = h1
        h1 = h2
        h2 = h3
        p = row * columns + column
        is_pixel = (column < columns) & (column * 0 + row >= top) & (column * 0 + row < rows)
        is_inside = is_pixel[:, None] & (c < channels)[None, :]
        offset = plane + p[:, None] * channels + c[None, :]
        if v is not None:
            tl.store(v + offset, x, mask=is_inside)
        p = tl.where(is_pixel, p, rows * columns)  # beyond the plane of noise
        y = _result(
            x.to(tl.float32), demodulation, noise, strength, bias, n, p, c,
            rows * columns, channels, noise_stride, gain, SLOPE,
        )  # fmt: skip
        y = _clamped(y, clamp)
        if style is not None:
            y = y * _per_channel(style, n, c, channels)
        tl.store(out + offset, y.to(out.dtype.element_ty), mask=is_inside)
