"""Convolution, its transpose and its weight gradient: three functions whose derivatives are one another.

So R1 and path length, which differentiate a gradient, run at the speed of plain convolutions on every torch
version, and leave out what nobody asked for: the gradients of weights in the inner pass
(`no_weight_gradients`), of frozen layers, of the picture.

Notation: y = conv(x, w), correlation with one stride and one padding per axis.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from adatune.ops.weight_gradients import weight_gradients_wanted

# Convolutions may read their operands in this type while everything around them stays float32.
_operand_dtype: torch.dtype | None = None


class _Geometry(NamedTuple):
    stride: int
    padding: tuple[int, int]  # (y, x)
    kernel: tuple[int, int]
    large: tuple[int, int]  # height and width on the side of the strided convolution's input


def conv2d(x: Tensor, w: Tensor, stride: int = 1, padding: tuple[int, int] = (0, 0)) -> Tensor:
    """Correlate x [batch, in, height, width] with w [out, in, kernel, kernel]; padding is (y, x)."""
    if not x.numel():  # a batch of nothing has no fast path to protect
        return F.conv2d(x, w, stride=stride, padding=padding)
    geometry = _Geometry(stride, padding, _size(w), _size(x))
    return _Conv.apply(x, w, geometry)


def conv_transpose2d(x: Tensor, w: Tensor, stride: int = 1, padding: tuple[int, int] = (0, 0)) -> Tensor:
    """The transpose of `conv2d`: x [batch, in, height, width], w [in, out, kernel, kernel]; crops PADDING."""
    if not x.numel():
        return F.conv_transpose2d(x, w, stride=stride, padding=padding)
    (height, width), (kernel_height, kernel_width) = _size(x), _size(w)
    large = (
        (height - 1) * stride + kernel_height - 2 * padding[0],
        (width - 1) * stride + kernel_width - 2 * padding[1],
    )
    return _Transpose.apply(x, w, _Geometry(stride, padding, _size(w), large))


@contextmanager
def operand_dtype(dtype: torch.dtype | None) -> Iterator[None]:
    """While it lasts, convolutions cast what they read to DTYPE (bfloat16); their results stay as they were.

    For CPUs with bfloat16 units, where nothing but the convolutions gains from it.
    """
    global _operand_dtype
    before, _operand_dtype = _operand_dtype, dtype
    try:
        yield
    finally:
        _operand_dtype = before


class _Conv(torch.autograd.Function):
    """(x, w) -> y."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, w: Tensor, geometry: _Geometry) -> Tensor:
        ctx.save_for_backward(x, w)
        ctx.geometry = geometry
        a, b = _operands(x, w)
        return F.conv2d(a, b, stride=geometry.stride, padding=geometry.padding).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, w = ctx.saved_tensors
        g = grads[0]
        dx = _Transpose.apply(g, w, ctx.geometry) if ctx.needs_input_grad[0] else None
        is_wanted = ctx.needs_input_grad[1] and weight_gradients_wanted()
        return dx, _WeightGradient.apply(x, g, ctx.geometry) if is_wanted else None, None


class _Transpose(torch.autograd.Function):
    """(g, w) -> the gradient of x: spreads the small side over the large one."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, w: Tensor, geometry: _Geometry) -> Tensor:
        ctx.save_for_backward(g, w)
        ctx.geometry = geometry
        stride, padding, kernel, large = geometry
        missing = [
            large[axis] - ((g.shape[2 + axis] - 1) * stride + kernel[axis] - 2 * padding[axis])
            for axis in range(2)
        ]
        a, b = _operands(g, w)
        out = F.conv_transpose2d(a, b, stride=stride, padding=padding, output_padding=missing)
        return out.to(g.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        g, w = ctx.saved_tensors
        h = grads[0]
        dg = _Conv.apply(h, w, ctx.geometry) if ctx.needs_input_grad[0] else None
        is_wanted = ctx.needs_input_grad[1] and weight_gradients_wanted()
        return dg, _WeightGradient.apply(h, g, ctx.geometry) if is_wanted else None, None


class _WeightGradient(torch.autograd.Function):
    """(x, g) -> the gradient of w."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, g: Tensor, geometry: _Geometry) -> Tensor:
        ctx.save_for_backward(x, g)
        ctx.geometry = geometry
        stride, padding, kernel, _ = geometry
        a, b = _operands(x, g)
        shape = (g.shape[1], x.shape[1], *kernel)
        # Only the shape of the weight is looked at.
        weight = a.new_empty([1] * 4).expand(shape)
        gradients = torch.ops.aten.convolution_backward(
            b,
            a,
            weight,
            None,
            [stride, stride],
            list(padding),
            [1, 1],
            False,
            [0, 0],
            1,
            (False, True, False),
        )
        return gradients[1].to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        x, g = ctx.saved_tensors
        v = grads[0]
        dx = _Transpose.apply(g, v, ctx.geometry) if ctx.needs_input_grad[0] else None
        dg = _Conv.apply(x, v, ctx.geometry) if ctx.needs_input_grad[1] else None
        return dx, dg, None


def _operands(x: Tensor, w: Tensor) -> tuple[Tensor, Tensor]:
    """Both in one type, channels-last, which tensor cores and CPUs read fastest."""
    dtype = x.dtype if _operand_dtype is None or x.dtype != torch.float32 else _operand_dtype
    layout = torch.channels_last
    return x.to(dtype, memory_format=layout), w.to(dtype, memory_format=layout)


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[2], x.shape[3]
