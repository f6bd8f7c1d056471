"""Bias, leaky ReLU, gain and clamp, then a low-pass filter: what stands before a convolution that goes down.

One pass each way instead of two, differentiable twice. The activation's slope is all that the derivatives
need of it, and it is made again from what the convolution before gave.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from adatune.kernels import may_fuse
from adatune.ops.epilogue import SLOPES, epilogue
from adatune.ops.epilogue_pixels import Curve
from adatune.ops.upfirdn2d import Pair, Taps, parse_padding, separable_taps, upfirdn2d
from adatune.ops.weight_gradients import weight_gradients_wanted


def epilogue_filter(
    u: Tensor,
    bias: Tensor,
    f: Tensor,
    padding: Pair,
    factor: float = 1.0,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """clamp(gain * lrelu(factor * u + bias)), padded with zeros and convolved with a filter.

    Args:
        u: [batch, channels, height, width], a convolution's result.
        bias: [channels].
        f: the filter [taps, taps].
        padding: as in `upfirdn2d`.
        factor: multiplies u.
        gain: multiplies the activation; positive.
        clamp: limits what is filtered to [-clamp, clamp].

    Returns:
        [batch, channels, height + y0 + y1 - taps + 1, the same for the width], in the type of u.
    """
    if u.numel() and tuple(f.shape) == (4, 4) and may_fuse("epilogue_filter", u, bias):
        taps = separable_taps(f)
        if taps is not None:
            curve = Curve(SLOPES["lrelu"], float(gain), clamp)
            return _Fused.apply(u, bias, Chain(*taps, parse_padding(padding), factor, curve))
    return epilogue_filter_reference(u, bias, f, padding, factor, gain, clamp)


def epilogue_filter_reference(
    u: Tensor,
    bias: Tensor,
    f: Tensor,
    padding: Pair,
    factor: float = 1.0,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """The definition of `epilogue_filter`: one after the other."""
    # The epilogue multiplies anyway.
    scale = None if factor == 1 else u.new_full(u.shape[:2], factor, dtype=bias.dtype)
    return upfirdn2d(epilogue(u, scale, bias=bias, gain=gain, clamp=clamp), f, padding=padding)


class Chain(NamedTuple):
    """The constants of one `epilogue_filter`."""

    along_y: Taps
    along_x: Taps
    padding: tuple[int, int, int, int]
    factor: float
    curve: Curve


class _Fused(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, u: Tensor, bias: Tensor, chain: Chain) -> Tensor:
        from adatune.ops.epilogue_filter_triton import fused_forward

        ctx.save_for_backward(u, bias)
        ctx.chain = chain
        return fused_forward(u, bias, chain)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, None]:
        u, bias = ctx.saved_tensors
        wants_bias = ctx.needs_input_grad[1] and weight_gradients_wanted()
        gu, of_bias = _FusedBackward.apply(
            grads[0],
            u.detach(),  # the slope has no derivative
            bias.detach(),
            ctx.chain,
            wants_bias,
        )
        return gu, of_bias, None


class _FusedBackward(torch.autograd.Function):
    """(gradient of the result, u, bias) -> gradients of u and bias."""

    @staticmethod
    def forward(
        ctx: Any, g: Tensor, u: Tensor, bias: Tensor, chain: Chain, wants_bias: bool
    ) -> tuple[Tensor, Tensor | None]:
        from adatune.ops.epilogue_filter_triton import fused_gradients

        ctx.save_for_backward(u, bias)
        ctx.chain = chain
        ctx.set_materialize_grads(False)
        return fused_gradients(g, u, bias, chain, wants_bias)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *cotangents: Tensor | None
    ) -> tuple[Tensor | None, None, None, None, None]:
        from adatune.ops.epilogue_filter_triton import fused_second_gradient

        u, bias = ctx.saved_tensors
        of_gu, of_bias = cotangents
        if of_bias is not None:  # back on the filtered gradient comes slope (factor of_gu + of_bias)
            field = (of_bias / ctx.chain.factor)[:, None, None].to(u.dtype)
            of_gu = field.expand_as(u) if of_gu is None else of_gu + field
        if of_gu is None:
            return None, None, None, None, None
        return fused_second_gradient(of_gu, u, bias, ctx.chain), None, None, None, None
