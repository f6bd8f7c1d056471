"""The epilogue and its two derivatives, each one pass over the pixels. Not yet measured on a card.

Fuses demodulation, noise, bias, leaky ReLU, gain, clamp, the next style and the residual sum. Counted in
reads and writes of the feature map: forward 2 (a residual is one more) against 14 of separate operations,
backward 3 against 24. The second backward pass reads three maps and writes two.

Sums over pixels: a program writes one row of its tile, torch adds the rows in a fixed order; no atomics.
"""

# pyright: reportArgumentType=false, reportCallIssue=false, reportMissingParameterType=false
# triton wraps the constants and takes launch options itself.

import torch
import triton
import triton.language as tl
from torch import Tensor

from adatune.ops.epilogue_pixels import Coefficients, Curve, Sums, Terms, WantedSums

_TILE = 4096  # elements of a program: 32 a thread at four warps
_MOST_CHANNELS, _MOST_PIXELS = 64, 256
_WARPS = 4


def fused_forward(u: Tensor, terms: Terms, residual: Tensor | None, curve: Curve) -> Tensor:
    """`plain_forward` in one pass."""
    out = _empty_like(u)
    terms = _readable(terms)
    grid, sizes = _tiles(u, terms.noise)
    forward_kernel[grid](
        _channels_last(u),
        *terms,
        None if residual is None else _channels_last(residual),
        out,
        **sizes,
        gain=curve.gain,
        clamp=curve.clamp,
        SLOPE=curve.slope,
        num_warps=_WARPS,
    )
    return out


def fused_gradients(
    g: Tensor, u: Tensor, terms: Terms, curve: Curve, has_result: bool, wants_u: bool, wanted: WantedSums
) -> tuple[Tensor | None, Sums]:
    """`plain_gradients` in one pass, and one over the partial sums."""
    gu = _empty_like(u) if wants_u else None
    terms = _readable(terms)
    grid, sizes = _tiles(u, terms.noise)
    partial = _partial_sums(u, grid, wanted)
    gradient_kernel[grid](
        _channels_last(g),
        _channels_last(u),
        *terms,
        gu,
        partial,
        **sizes,
        gain=curve.gain,
        clamp=curve.clamp,
        SLOPE=curve.slope,
        HAS_RESULT=has_result,
        **_flags(wanted),
        num_warps=_WARPS,
    )
    return gu, _folded_over_batch(partial, wanted)


def fused_second_gradients(
    a: Tensor | None,
    g: Tensor,
    u: Tensor,
    terms: Terms,
    coefficients: Coefficients,
    curve: Curve,
    has_result: bool,
    wants_fields: tuple[bool, bool],
    wanted: WantedSums,
) -> tuple[Tensor | None, Tensor | None, Sums]:
    """`plain_second_gradients` in one pass, and one over the partial sums."""
    batch, channels = u.shape[:2]
    cg = _empty_like(g) if wants_fields[0] else None
    cu = _empty_like(u) if wants_fields[1] else None
    terms = _readable(terms)
    grid, sizes = _tiles(u, terms.noise)
    partial = _partial_sums(u, grid, wanted)
    needs_g = wants_fields[1] or any(wanted)
    second_gradient_kernel[grid](
        None if a is None else _channels_last(a),
        _channels_last(g) if needs_g else None,
        _channels_last(u),
        *terms,
        *(None if one is None else one.expand(batch, channels).contiguous() for one in coefficients),
        cg,
        cu,
        partial,
        **sizes,
        gain=curve.gain,
        clamp=curve.clamp,
        SLOPE=curve.slope,
        HAS_RESULT=has_result,
        **_flags(wanted),
        num_warps=_WARPS,
    )
    return cg, cu, _folded(partial, wanted)


def _tiles(u: Tensor, noise: Tensor | None) -> tuple[tuple[int, int, int], dict[str, int]]:
    """The grid (pixel tiles, channel tiles, batch), and the sizes that every kernel takes."""
    batch, channels, height, width = u.shape
    block_channels = min(triton.next_power_of_2(channels), _MOST_CHANNELS)
    block_pixels = min(_TILE // block_channels, _MOST_PIXELS, triton.next_power_of_2(height * width))
    grid = (triton.cdiv(height * width, block_pixels), triton.cdiv(channels, block_channels), batch)
    sizes = {
        "pixels": height * width,
        "channels": channels,
        "noise_stride": 0 if noise is None or len(noise) == 1 else noise.stride(0),
        "BLOCK_PIXELS": block_pixels,
        "BLOCK_CHANNELS": block_channels,
    }
    return grid, sizes


def _channels_last(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


def _readable(terms: Terms) -> Terms:
    """The terms as kernels read them: contiguous, but that planes of noise may lie apart."""
    noise = terms.noise
    if noise is not None and not noise[0].is_contiguous():
        noise = noise.contiguous()
    others = (None if term is None else term.contiguous() for term in terms._replace(noise=None))
    return Terms(*others)._replace(noise=noise)


def _empty_like(x: Tensor) -> Tensor:
    return torch.empty(x.shape, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)


def _partial_sums(u: Tensor, grid: tuple[int, int, int], wanted: WantedSums) -> Tensor | None:
    """Memory for one row per pixel tile: [batch, tiles, sums, channels]."""
    if not any(wanted):
        return None
    return torch.empty(u.shape[0], grid[0], sum(wanted), u.shape[1], dtype=torch.float32, device=u.device)


def _flags(wanted: WantedSums) -> dict[str, bool]:
    return dict(zip(("WANTS_ONES", "WANTS_U", "WANTS_NOISE", "WANTS_OTHER"), wanted, strict=True))


def _folded(partial: Tensor | None, wanted: WantedSums) -> Sums:
    if partial is None:
        return Sums(None, None, None, None)
    rows = iter(partial.sum(dim=1).unbind(1))
    return Sums(*(next(rows) if is_wanted else None for is_wanted in wanted))


def _folded_over_batch(partial: Tensor | None, wanted: WantedSums) -> Sums:
    """What is [channels] or a number summed over the batch as well."""
    if partial is not None and sum(wanted) == 1 and wanted[0]:
        return Sums(partial.sum(dim=(0, 1, 2)), None, None, None)
    sums = _folded(partial, wanted)
    ones = None if sums.ones is None else sums.ones.sum(dim=0)
    return sums._replace(ones=ones, noise=None if sums.noise is None else sums.noise.sum())


@triton.jit
def _place(pixels, channels, BLOCK_PIXELS: tl.constexpr, BLOCK_CHANNELS: tl.constexpr):
    """Of a tile: sample, pixel and channel numbers, offsets of its elements, and which of them exist."""
    n = tl.program_id(2).to(tl.int64)
    p = tl.program_id(0) * BLOCK_PIXELS + tl.arange(0, BLOCK_PIXELS)
    c = tl.program_id(1) * BLOCK_CHANNELS + tl.arange(0, BLOCK_CHANNELS)
    offset = n * pixels * channels + p[:, None] * channels + c[None, :]
    return n, p, c, offset, (p < pixels)[:, None] & (c < channels)[None, :]


@triton.jit
def _per_channel(x, n, c, channels):
    """x [batch, channels] at this sample, as a row."""
    return tl.load(x + n * channels + c, mask=c < channels, other=0.0)[None, :]


@triton.jit
def _noise_plane(noise, n, p, pixels, noise_stride):
    return tl.load(noise + n * noise_stride + p, mask=p < pixels, other=0.0)[:, None]


@triton.jit
def _result(
    u, demodulation, noise, strength, bias, n, p, c, pixels, channels, noise_stride, gain,
    SLOPE: tl.constexpr,
):  # fmt: skip
    """gain * activation(demodulation u + strength noise + bias), before the clamp."""
    z = u
    if demodulation is not None:
        z = z * _per_channel(demodulation, n, c, channels)
    if noise is not None:
        plane = _noise_plane(noise, n, p, pixels, noise_stride)
        if strength is not None:
            plane = plane * tl.load(strength)
        z = z + plane
    if bias is not None:
        z = z + _per_channel(bias, 0, c, channels)
    z = z * gain
    return tl.where(z > 0, z, z * SLOPE)


@triton.jit
def _clamped(y, clamp):
    if clamp is not None:
        y = tl.minimum(tl.maximum(y, -clamp), clamp)
    return y


@triton.jit
def _slope(y, gain, clamp, SLOPE: tl.constexpr):
    """The derivative at the result before the clamp; 0 at the clamp and beyond."""
    m = tl.where(y > 0, gain, gain * SLOPE)
    if clamp is not None:
        m = tl.where(tl.abs(y) < clamp, m, 0.0)
    return m


@triton.jit
def forward_kernel(
    u,
    demodulation,
    noise,
    strength,
    bias,
    style,
    residual,
    out,
    pixels,
    channels,
    noise_stride,
    gain,
    clamp,
    SLOPE: tl.constexpr,
    BLOCK_PIXELS: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr,
):
    """One program: a tile of pixels and channels of one sample."""
    n, p, c, offset, is_inside = _place(pixels, channels, BLOCK_PIXELS, BLOCK_CHANNELS)
    x = tl.load(u + offset, mask=is_inside, other=0.0).to(tl.float32)
    y = _result(x, demodulation, noise, strength, bias, n, p, c, pixels, channels, noise_stride, gain, SLOPE)
    y = _clamped(y, clamp)
    if style is not None:
        y = y * _per_channel(style, n, c, channels)
    if residual is not None:
        y = y + tl.load(residual + offset, mask=is_inside, other=0.0).to(tl.float32)
    tl.store(out + offset, y.to(out.dtype.element_ty), mask=is_inside)


@triton.jit
def gradient_kernel(
    g,
    u,
    demodulation,
    noise,
    strength,
    bias,
    style,
    gu,
    partial,
    pixels,
    channels,
    noise_stride,
    gain,
    clamp,
    SLOPE: tl.constexpr,
    HAS_RESULT: tl.constexpr,
    WANTS_ONES: tl.constexpr,
    WANTS_U: tl.constexpr,
    WANTS_NOISE: tl.constexpr,
    WANTS_OTHER: tl.constexpr,
    BLOCK_PIXELS: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr,
):
    """One program: a tile of the gradient of u, and the tile's row of each sum."""
    n, p, c, offset, is_inside = _place(pixels, channels, BLOCK_PIXELS, BLOCK_CHANNELS)
    x = tl.load(u + offset, mask=is_inside, other=0.0).to(tl.float32)
    dy = tl.load(g + offset, mask=is_inside, other=0.0).to(tl.float32)
    if HAS_RESULT:
        y = x
    else:
        y = _result(
            x, demodulation, noise, strength, bias, n, p, c, pixels, channels, noise_stride, gain, SLOPE
        )
    mg = _slope(y, gain, clamp, SLOPE) * dy
    if style is not None:
        mg = mg * _per_channel(style, n, c, channels)
    SUMS: tl.constexpr = WANTS_ONES + WANTS_U + WANTS_NOISE + WANTS_OTHER
    row = (n * tl.num_programs(0) + tl.program_id(0)) * SUMS * channels + c
    if WANTS_ONES:
        tl.store(partial + row, tl.sum(mg, axis=0), mask=c < channels)
        row += channels
    if WANTS_U:
        tl.store(partial + row, tl.sum(mg * x, axis=0), mask=c < channels)
        row += channels
    if WANTS_NOISE:
        plane = _noise_plane(noise, n, p, pixels, noise_stride)
        tl.store(partial + row, tl.sum(mg * plane, axis=0), mask=c < channels)
        row += channels
    if WANTS_OTHER:
        tl.store(partial + row, tl.sum(_clamped(y, clamp) * dy, axis=0), mask=c < channels)
    if gu is not None:
        if demodulation is not None:
            mg = mg * _per_channel(demodulation, n, c, channels)
        tl.store(gu + offset, mg.to(gu.dtype.element_ty), mask=is_inside)


@triton.jit
def second_gradient_kernel(
    a,
    g,
    u,
    demodulation,
    noise,
    strength,
    bias,
    style,
    of_cotangent,
    of_u,
    of_noise,
    of_ones,
    of_result,
    of_slope,
    cg,
    cu,
    partial,
    pixels,
    channels,
    noise_stride,
    gain,
    clamp,
    SLOPE: tl.constexpr,
    HAS_RESULT: tl.constexpr,
    WANTS_ONES: tl.constexpr,
    WANTS_U: tl.constexpr,
    WANTS_NOISE: tl.constexpr,
    WANTS_OTHER: tl.constexpr,
    BLOCK_PIXELS: tl.constexpr,
    BLOCK_CHANNELS: tl.constexpr,
):
    """One program: a tile of what comes back on g and on u, and the tile's row of each sum."""
    n, p, c, offset, is_inside = _place(pixels, channels, BLOCK_PIXELS, BLOCK_CHANNELS)
    x = tl.load(u + offset, mask=is_inside, other=0.0).to(tl.float32)
    da = tl.zeros_like(x)
    if a is not None:
        da = tl.load(a + offset, mask=is_inside, other=0.0).to(tl.float32)
    if HAS_RESULT:
        y = x
    else:
        y = _result(
            x, demodulation, noise, strength, bias, n, p, c, pixels, channels, noise_stride, gain, SLOPE
        )
    m = _slope(y, gain, clamp, SLOPE)
    SUMS: tl.constexpr = WANTS_ONES + WANTS_U + WANTS_NOISE + WANTS_OTHER
    row = (n * tl.num_programs(0) + tl.program_id(0)) * SUMS * channels + c
    if g is not None:
        mg = m * tl.load(g + offset, mask=is_inside, other=0.0).to(tl.float32)
        if WANTS_ONES:
            tl.store(partial + row, tl.sum(mg, axis=0), mask=c < channels)
            row += channels
        if WANTS_U:
            tl.store(partial + row, tl.sum(mg * x, axis=0), mask=c < channels)
            row += channels
        if WANTS_NOISE:
            plane = _noise_plane(noise, n, p, pixels, noise_stride)
            tl.store(partial + row, tl.sum(mg * plane, axis=0), mask=c < channels)
            row += channels
        if WANTS_OTHER:
            tl.store(partial + row, tl.sum(mg * da, axis=0), mask=c < channels)
        if cu is not None:
            back = mg * _per_channel(of_slope, n, c, channels)
            tl.store(cu + offset, back.to(cu.dtype.element_ty), mask=is_inside)
    if cg is not None:
        t = da
        if of_cotangent is not None:
            t = t * _per_channel(of_cotangent, n, c, channels)
        if of_u is not None:
            t = t + x * _per_channel(of_u, n, c, channels)
        if of_noise is not None:
            plane = _noise_plane(noise, n, p, pixels, noise_stride)
            t = t + plane * _per_channel(of_noise, n, c, channels)
        if of_ones is not None:
            t = t + _per_channel(of_ones, n, c, channels)
        t = t * m
        if of_result is not None:
            t = t + _clamped(y, clamp) * _per_channel(of_result, n, c, channels)
        tl.store(cg + offset, t.to(cg.dtype.element_ty), mask=is_inside)
