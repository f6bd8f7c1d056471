"""A low-pass filter and the epilogue after it: what follows a convolution that goes up.

The filter's result is kept for the derivatives, which are those of the epilogue and then of the filter. Where
none are wanted it is never written.
"""

from typing import Any

import torch
from torch import Tensor

from adatune.kernels import may_fuse
from adatune.ops.epilogue import SLOPES, epilogue, epilogue_gradients, noise_gradient, wanted_gradients
from adatune.ops.epilogue_pixels import Curve, Terms
from adatune.ops.upfirdn2d import Pair, Taps, parse_padding, separable_taps, upfirdn2d


def fir_epilogue(
    u: Tensor,
    f: Tensor,
    padding: Pair,
    filter_gain: float,
    demodulation: Tensor | None = None,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    style: Tensor | None = None,
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """`upfirdn2d` of u with PADDING and FILTER_GAIN, then `epilogue` with the other arguments and lrelu.

    Args:
        u: [batch, channels, height, width], a convolution's result.
        f: the filter [taps, taps].
        padding: as in `upfirdn2d`.
        filter_gain: multiplies the filter's result.
        demodulation, noise, strength, bias, style, gain, clamp: as in `epilogue`.
    """
    terms = Terms(demodulation, noise, strength if noise is not None else None, bias, style)
    has_kernel = u.numel() and tuple(f.shape) == (4, 4) and may_fuse("fir_epilogue", u, *terms)
    taps = separable_taps(f) if has_kernel else None
    if taps is None:
        v = upfirdn2d(u, f, padding=padding, gain=filter_gain)
        return epilogue(v, demodulation, noise, strength, bias, style, gain=gain, clamp=clamp)
    is_kept = torch.is_grad_enabled() and any(x is not None and x.requires_grad for x in (u, *terms))
    curve = Curve(SLOPES["lrelu"], float(gain), clamp)
    constants = f, taps, parse_padding(padding), float(filter_gain), curve, is_kept
    return _FirEpilogue.apply(u, *terms, *constants)[0]


class _FirEpilogue(torch.autograd.Function):
    """(u, terms) -> (the result, what the filter gave): second derivatives find their way by the latter."""

    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        demodulation: Tensor | None,
        noise: Tensor | None,
        strength: Tensor | None,
        bias: Tensor | None,
        style: Tensor | None,
        f: Tensor,
        taps: tuple[Taps, Taps],
        padding: tuple[int, int, int, int],
        filter_gain: float,
        curve: Curve,
        is_kept: bool,
    ) -> tuple[Tensor, Tensor | None]:
        from adatune.ops.fir_epilogue_triton import fused_fir_epilogue

        terms = Terms(demodulation, noise, strength, bias, style)
        along_y, along_x = taps[0][::-1], taps[1][::-1]  # kernels correlate
        out, v = fused_fir_epilogue(u, terms, along_y, along_x, padding, filter_gain, curve, is_kept)
        ctx.set_materialize_grads(False)
        ctx.f, ctx.padding, ctx.filter_gain, ctx.curve = f, padding, filter_gain, curve
        ctx.save_for_backward(v, *terms)
        return out, v

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        v, *terms = ctx.saved_tensors
        g, gv = grads
        wanted = wanted_gradients(*ctx.needs_input_grad[:6])
        gd = gn = g_strength = gb = gs = None
        if g is not None and any(wanted):
            first, gd, g_strength, gb, gs = epilogue_gradients(g, v, Terms(*terms), ctx.curve, wanted)
            gn = noise_gradient(first, Terms(*terms)) if ctx.needs_input_grad[2] else None
            gv = first if gv is None else gv if first is None else first + gv
        gu = None
        if ctx.needs_input_grad[0] and gv is not None:
            x0, x1, y0, y1 = (3 - side for side in ctx.padding)
            gu = upfirdn2d(gv, ctx.f, padding=(x0, x1, y0, y1), flip=True, gain=ctx.filter_gain)
        return gu, gd, gn, g_strength, gb, gs, *[None] * 6
