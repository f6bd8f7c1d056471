"""Upsample, pad, filter and downsample pictures: every change of resolution goes through here.

The operation is linear and its adjoint is the same operation with up and down exchanged and the filter
flipped, so one autograd function is closed under differentiation to any order. (Torch's own second derivative
of a depthwise convolution loops over the channels.)
"""

from collections.abc import MutableMapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.weak import WeakIdKeyDictionary

from adatune.kernels import may_fuse

Pair = int | Sequence[int]
Taps = tuple[float, ...]

# filter: (its version, its taps along y and x where it is a product of two)
_taps: MutableMapping[Tensor, tuple[int | None, tuple[Taps, Taps] | None]] = WeakIdKeyDictionary()


def upfirdn2d(
    x: Tensor,
    f: Tensor | None,
    up: Pair = 1,
    down: Pair = 1,
    padding: Pair = 0,
    flip: bool = False,
    gain: float = 1,
) -> Tensor:
    """Insert zeros, pad, convolve with a filter, keep every `down`-th sample.

    Args:
        x: [batch, channels, height, width].
        f: the filter: [height, width], or [taps] for the same filter along both axes, or None for no filter.
        up: upsampling factor, or (x, y).
        down: downsampling factor, or (x, y).
        padding: added on each side after upsampling (negative crops): a number, (x, y) or (x0, x1, y0, y1).
        flip: correlate instead of convolve.
        gain: multiplies the result (once, also for a 1-D filter).

    Returns:
        [batch, channels, (height*up + y0 + y1 - taps)//down + 1, the same for the width].
    """
    (upx, upy), (downx, downy) = _pair(up), _pair(down)
    return _Upfirdn2d.apply(
        x, f, _Geometry(upx, upy, downx, downy, *parse_padding(padding)), flip, float(gain)
    )


def filter_beside(
    x: Tensor, f: Tensor, down: int, padding: Pair, flip: bool = False, gain: float = 1
) -> tuple[Tensor, Tensor]:
    """x itself and `upfirdn2d` of it: where x goes two ways.

    The gradients of both are added up in the pass that makes one, which saves two thirds of the sum's memory
    traffic.
    """
    (downx, downy), padding = _pair(down), parse_padding(padding)
    return _Fork.apply(x, f, _Geometry(1, 1, downx, downy, *padding), flip, float(gain))


def parse_padding(padding: Pair) -> tuple[int, int, int, int]:
    """A number, (x, y) or (x0, x1, y0, y1) as (x0, x1, y0, y1)."""
    if isinstance(padding, int):
        return padding, padding, padding, padding
    if len(padding) == 2:
        return padding[0], padding[0], padding[1], padding[1]
    x0, x1, y0, y1 = padding
    return x0, x1, y0, y1


def resampling_filter(taps: Sequence[float] | Tensor) -> Tensor:
    """Outer product of TAPS with itself, normalised to a sum of 1: [n, n], float32."""
    f = torch.as_tensor(taps, dtype=torch.float32)
    f = f.outer(f)
    return f / f.sum()


class _Geometry(NamedTuple):
    upx: int
    upy: int
    downx: int
    downy: int
    x0: int
    x1: int
    y0: int
    y1: int

    def adjoint(self, input_size: torch.Size, output_size: torch.Size, taps: tuple[int, int]) -> "_Geometry":
        """The geometry that maps a gradient of OUTPUT_SIZE back to INPUT_SIZE; TAPS is (height, width)."""
        fh, fw = taps
        return _Geometry(
            self.downx,
            self.downy,
            self.upx,
            self.upy,
            fw - 1 - self.x0,
            input_size[3] * self.upx - output_size[3] * self.downx + self.x0 - self.upx + 1,
            fh - 1 - self.y0,
            input_size[2] * self.upy - output_size[2] * self.downy + self.y0 - self.upy + 1,
        )


class _Upfirdn2d(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, f: Tensor | None, geometry: _Geometry, flip: bool, gain: float
    ) -> Tensor:
        y = _upfirdn2d(x, f, geometry, flip, gain)
        ctx.f, ctx.flip, ctx.gain = (
            f,
            flip,
            gain,
        )  # the filter is a constant: no gradient, nothing to version-check
        taps = (1, 1) if f is None else (f.shape[0], f.shape[-1])
        ctx.adjoint = geometry.adjoint(x.shape, y.shape, taps)
        return y

    @staticmethod
    def backward(ctx: Any, *dy: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        return _Upfirdn2d.apply(dy[0], ctx.f, ctx.adjoint, not ctx.flip, ctx.gain), None, None, None, None


class _Fork(torch.autograd.Function):
    """x -> (x, the filtered x). Its adjoint is `_Join`."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, f: Tensor, geometry: _Geometry, flip: bool, gain: float
    ) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        y = _upfirdn2d(x, f, geometry, flip, gain)
        adjoint = geometry.adjoint(x.shape, y.shape, (f.shape[0], f.shape[-1]))
        ctx.rest = f, adjoint, not flip, gain
        return x.view_as(x), y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, None, None, None, None]:
        g, dy = grads
        if dy is None:
            return g, None, None, None, None
        dx = _Upfirdn2d.apply(dy, *ctx.rest) if g is None else _Join.apply(g, dy, *ctx.rest)
        return dx, None, None, None, None


class _Join(torch.autograd.Function):
    """(g, y) -> g plus the filtered y."""

    @staticmethod
    def forward(
        ctx: Any, g: Tensor, y: Tensor, f: Tensor, geometry: _Geometry, flip: bool, gain: float
    ) -> Tensor:
        adjoint = geometry.adjoint(y.shape, g.shape, (f.shape[0], f.shape[-1]))
        ctx.rest = f, adjoint, not flip, gain
        return _upfirdn2d(y, f, geometry, flip, gain, plus=g)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        return *_Fork.apply(grads[0], *ctx.rest), None, None, None, None


def _upfirdn2d(
    x: Tensor, f: Tensor | None, g: _Geometry, flip: bool, gain: float, plus: Tensor | None = None
) -> Tensor:
    """The operation itself; PLUS is added to the result."""
    taps = None if f is None or not x.numel() or not _has_kernel(x, f, g) else separable_taps(f)
    if taps is not None:
        from adatune.ops.upfirdn2d_triton import fused_filter

        along_y, along_x = taps if flip else (taps[0][::-1], taps[1][::-1])
        return fused_filter(x, along_y, along_x, g.upx, g.downx, g[4:], gain, plus)
    if plus is not None:
        return _upfirdn2d(x, f, g, flip, gain).add_(plus)
    if f is not None:
        f = f.to(device=x.device, dtype=x.dtype)
        f = f if flip else f.flip(tuple(range(f.ndim)))  # torch correlates
    if f is None or f.ndim == 2:
        return _filter(x, f, g, gain)
    across = g._replace(upy=1, downy=1, y0=0, y1=0)
    along = g._replace(upx=1, downx=1, x0=0, x1=0)
    return _filter(_filter(x, f[None, :], across, gain), f[:, None], along, 1.0)


def _has_kernel(x: Tensor, f: Tensor, g: _Geometry) -> bool:
    is_square = g.upx == g.upy and g.downx == g.downy
    is_halved_or_doubled = max(g.upx, g.downx) <= 2 and g.upx * g.downx <= 2
    return is_square and is_halved_or_doubled and set(f.shape) == {4} and may_fuse("upfirdn2d", x)


def separable_taps(f: Tensor) -> tuple[Taps, Taps] | None:
    """The filter as the product of taps along y and along x; None where it is none.

    Reads the values once for each tensor, so that later calls do not wait for the device.
    """
    version = None if f.is_inference() else f._version
    known = _taps.get(f)
    if known is not None and known[0] == version:
        return known[1]
    values = f.detach().double().cpu()
    taps = None
    if f.ndim == 1:
        taps = values, values
    elif values.sum() != 0:
        along_y, along_x = values.sum(dim=1) / values.sum(), values.sum(dim=0)
        if torch.allclose(along_y.outer(along_x), values, rtol=1e-6, atol=0):
            taps = along_y, along_x
    found = None if taps is None else (tuple(taps[0].tolist()), tuple(taps[1].tolist()))
    _taps[f] = version, found
    return found


def _filter(x: Tensor, f: Tensor | None, g: _Geometry, gain: float) -> Tensor:
    batch, channels, height, width = x.shape
    if g.upx > 1 or g.upy > 1:
        spread = x.new_zeros(batch, channels, height * g.upy, width * g.upx)
        spread = spread.contiguous(memory_format=_layout(x))
        spread[:, :, :: g.upy, :: g.upx] = x
        x = spread
    if g.x0 or g.x1 or g.y0 or g.y1:
        x = F.pad(x, [g.x0, g.x1, g.y0, g.y1])
    if f is None:
        return x[:, :, :: g.downy, :: g.downx] * gain
    if batch * channels == 0:  # a convolution refuses an empty batch on some devices
        return x[:, :, : 1 + (x.shape[2] - f.shape[0]) // g.downy, : 1 + (x.shape[3] - f.shape[1]) // g.downx]
    # Depthwise: on a CPU many times as fast as folding the channels into the batch.
    weight = (f * gain).expand(channels, 1, -1, -1)
    return F.conv2d(x, weight, stride=(g.downy, g.downx), groups=channels)


def _layout(x: Tensor) -> torch.memory_format:
    is_channels_last = x.is_contiguous(memory_format=torch.channels_last) and not x.is_contiguous()
    return torch.channels_last if is_channels_last else torch.contiguous_format


def _pair(factor: Pair) -> tuple[int, int]:
    return (factor, factor) if isinstance(factor, int) else (factor[0], factor[1])
