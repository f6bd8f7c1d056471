"""What follows a convolution, in as few passes over memory as possible and differentiable twice.

    z = demodulation * u + strength * noise + bias
    y = clamp(gain * activation(z))
    out = style * y + residual

Demodulation ends the convolution before, style begins the one after. The activation is piecewise linear, so
every derivative needs only its slope m at z, and all sums over pixels are of m g times something simple.
Source of the terms: Karras et al. 2020, arXiv:1912.04958, section 2.2.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable

from adatune.kernels import may_fuse
from adatune.ops.epilogue_pixels import (
    Coefficients,
    Curve,
    Terms,
    computing_dtype,
    plain_forward,
    plain_gradients,
    plain_second_gradients,
)
from adatune.ops.weight_gradients import weight_gradients_wanted

SLOPES = {"lrelu": 0.2, "linear": 1.0}  # of the activation below zero


Gradients = tuple[Tensor | None, ...]


def epilogue(
    u: Tensor,
    demodulation: Tensor | None = None,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    style: Tensor | None = None,
    residual: Tensor | None = None,
    act: str = "lrelu",
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """Demodulate, add noise and bias, activate, clamp, modulate for the next layer, add a residual.

    Args:
        u: [batch, channels, height, width], a convolution's result.
        demodulation: [batch, channels], multiplies u.
        noise: [batch or 1, 1, height, width]. If it asks for a gradient, nothing can be differentiated twice.
        strength: 0-dim, multiplies the noise; None is 1.
        bias: [channels].
        style: [batch, channels], multiplies the activated result.
        residual: the shape of u, added last.
        act: "lrelu" (slope 0.2) or "linear".
        gain: multiplies the activation; positive.
        clamp: limits the result before the style to [-clamp, clamp]. Elements at the limit have no gradient.

    Returns:
        the shape, type and memory layout of u. Computed in float32 where u is of half precision.

    Raises:
        ValueError: the activation is unknown or the gain not positive.
    """
    if act not in SLOPES or gain <= 0:
        raise ValueError(f"act is {act!r} and gain {gain}; act must be lrelu or linear, gain positive")
    terms = (demodulation, noise, strength if noise is not None else None, bias, style)
    return _Epilogue.apply(u, *terms, residual, Curve(SLOPES[act], float(gain), clamp))


def epilogue_reference(
    u: Tensor,
    demodulation: Tensor | None = None,
    noise: Tensor | None = None,
    strength: Tensor | None = None,
    bias: Tensor | None = None,
    style: Tensor | None = None,
    residual: Tensor | None = None,
    act: str = "lrelu",
    gain: float = 1.0,
    clamp: float | None = None,
) -> Tensor:
    """The definition of `epilogue`, one torch operation a term; its noise has a gradient too."""
    z = u.to(computing_dtype(u))
    if demodulation is not None:
        z = z * demodulation.to(z.dtype)[:, :, None, None]
    if noise is not None:
        z = z + noise.to(z.dtype) * (1 if strength is None else strength.to(z.dtype))
    if bias is not None:
        z = z + bias.to(z.dtype)[:, None, None]
    y = F.leaky_relu(z, SLOPES[act]) * gain
    if clamp is not None:
        y = y.clamp(-clamp, clamp)
    if style is not None:
        y = y * style.to(y.dtype)[:, :, None, None]
    return (y if residual is None else y + residual).to(u.dtype)


def epilogue_gradients(
    g: Tensor, u: Tensor, terms: Terms, curve: Curve, wanted: tuple[bool, ...]
) -> Gradients:
    """The gradients of u, demodulation, strength, bias and style from that of the result; differentiable.

    Args:
        g: the gradient of the result.
        u, terms: what the epilogue took.
        curve: as in the forward pass.
        wanted: which of the five are; None stands for the others.
    """
    return _EpilogueBackward.apply(g, u, *terms, curve, False, wanted)  # pyright: ignore[reportReturnType]


def wanted_gradients(
    u: bool, demodulation: bool, noise: bool, strength: bool, bias: bool, style: bool
) -> tuple[bool, ...]:
    """Which of the five of `epilogue_gradients` to ask for, by which inputs ask for a gradient."""
    is_wanted = weight_gradients_wanted()
    return u or noise, demodulation, strength and is_wanted, bias and is_wanted, style


def noise_gradient(gu: Tensor | None, terms: Terms) -> Tensor:
    """The gradient of the noise from that of u: one is strength, the other demodulation times that of z.

    Args:
        gu: the gradient of u, which tells that of z where no demodulation is 0.
        terms: what the epilogue took.

    Raises:
        RuntimeError: it is to be differentiated again, which only a search among noises could want.
    """
    if torch.is_grad_enabled():
        raise RuntimeError("an epilogue whose noise asks for a gradient cannot be differentiated twice")
    noise, strength = terms.noise, terms.strength
    assert gu is not None, "the gradient of noise needs that of u"
    assert noise is not None, "there is no noise"
    dtype = computing_dtype(gu)
    if terms.demodulation is None:
        gz = gu.sum(dim=1, dtype=dtype)
    else:
        gz = torch.einsum("bchw,bc->bhw", gu.to(dtype), terms.demodulation.to(dtype).reciprocal())
    total = gz[:, None] if strength is None else gz[:, None] * strength
    return total.sum_to_size(noise.shape).to(noise.dtype)


def _forward(u: Tensor, terms: Terms, residual: Tensor | None, curve: Curve) -> Tensor:
    terms = _in_type(terms, computing_dtype(u))
    if u.numel() and may_fuse("epilogue", u, *terms, residual):
        from adatune.ops.epilogue_triton import fused_forward

        return fused_forward(u, terms, residual, curve)
    return plain_forward(u, terms, residual, curve)


def _backward(
    g: Tensor, u: Tensor, terms: Terms, curve: Curve, has_result: bool, wanted: tuple[bool, ...]
) -> Gradients:
    """Gradients of u, demodulation, strength, bias and style; None for what is not wanted.

    With m the slope at z, gain included, and t = m g they are d s t, sum(s t u), sum(s t n), sum(s t) and
    sum(y g). All sums are over pixels, those of parameters over more.
    """
    like = (u, terms.demodulation, terms.strength, terms.bias, terms.style)
    wants_u, wants_d, wants_strength, wants_bias, wants_style = wanted
    terms = _in_type(terms, computing_dtype(u))
    compute = plain_gradients
    if g.numel() and may_fuse("epilogue", g, u, *terms):
        from adatune.ops.epilogue_triton import fused_gradients as compute
    gu, sums = compute(
        g, u, terms, curve, has_result, wants_u, (wants_bias, wants_d, wants_strength, wants_style)
    )
    return _in_types_of((gu, sums.u, sums.noise, sums.ones, sums.other), like)


def _second_backward(
    cotangents: Gradients,
    g: Tensor,
    u: Tensor,
    terms: Terms,
    curve: Curve,
    has_result: bool,
    wanted: tuple[bool, ...],
) -> Gradients:
    """What comes back on the gradient of the result, u, demodulation, strength, bias and style.

    COTANGENTS are those of what `_backward` returns.
    """
    like = (g, u, terms.demodulation, terms.strength, terms.bias, terms.style)
    wants_g, wants_u, wants_d, wants_strength, wants_bias, wants_style = wanted
    dtype = computing_dtype(u)
    terms = _in_type(terms, dtype)
    d, s, a = terms.demodulation, terms.style, cotangents[0]
    ad, a_strength, ab, a_style = (None if c is None else c.to(dtype) for c in cotangents[1:])
    a_strength = None if a_strength is None else a_strength.reshape(1, 1)
    ab = None if ab is None else ab[None]
    at_u = _times(ad, s)
    slope = _sum_of_products((at_u, None), (a_style, d))
    coefficients = Coefficients(
        s if d is None else _times(d, s),
        at_u,
        _times(a_strength, s),
        _times(ab, s),
        a_style,
        slope,
    )
    compute = plain_second_gradients
    if g.numel() and may_fuse("epilogue", g, u, *terms, *cotangents):
        from adatune.ops.epilogue_triton import fused_second_gradients as compute
    has_style = a_style is not None
    wanted_sums = (
        (wants_style and ab is not None) or (wants_bias and has_style),
        (wants_style and ad is not None) or (wants_d and has_style),
        (wants_style and a_strength is not None) or (wants_strength and has_style),
        (wants_style or wants_d) and a is not None,
    )
    wants_fields = (wants_g, wants_u and slope is not None)
    cg, cu, sums = compute(a, g, u, terms, coefficients, curve, has_result, wants_fields, wanted_sums)
    cd = cs = cb = c_strength = None
    if wants_d:
        cd = _sum_of_products((sums.other, s), (a_style, sums.u))
    if wants_style:
        cs = _sum_of_products((sums.other, d), (ad, sums.u), (a_strength, sums.noise), (ab, sums.ones))
    if has_style and wants_bias and sums.ones is not None:
        cb = (a_style * sums.ones).sum(dim=0)
    if has_style and wants_strength and sums.noise is not None:
        c_strength = (a_style * sums.noise).sum()
    return _in_types_of((cg, cu, cd, c_strength, cb, cs), like)


def _in_type(terms: Terms, dtype: torch.dtype) -> Terms:
    return Terms(*(None if term is None else term.to(dtype) for term in terms))


def _in_types_of(gradients: Gradients, like: Gradients) -> Gradients:
    return tuple(
        None if gradient is None or other is None else gradient.to(other.dtype)
        for gradient, other in zip(gradients, like, strict=True)
    )


def _times(x: Tensor | None, factor: Tensor | None) -> Tensor | None:
    """x times FACTOR, where x None is zero and FACTOR None is one."""
    return x if x is None or factor is None else x * factor


def _sum_of_products(*pairs: tuple[Tensor | None, Tensor | None]) -> Tensor | None:
    """The sum of `_times` of the pairs; None is zero."""
    total = None
    for x, factor in pairs:
        if x is not None and total is not None and factor is not None:
            total = torch.addcmul(total, x, factor)
        elif x is not None:
            total = _times(x, factor) if total is None else total + x
    return total


class _Epilogue(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        u: Tensor,
        demodulation: Tensor | None,
        noise: Tensor | None,
        strength: Tensor | None,
        bias: Tensor | None,
        style: Tensor | None,
        residual: Tensor | None,
        curve: Curve,
    ) -> Tensor:
        terms = Terms(demodulation, noise, strength, bias, style)
        out = _forward(u, terms, residual, curve)
        # Where only the slope is asked for, the result tells it too, and the next layer saves it anyway.
        ctx.saves_result = not ctx.needs_input_grad[1] and style is None and residual is None
        ctx.save_for_backward(out if ctx.saves_result else u, *terms)
        ctx.curve = curve
        return out

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Gradients:
        *needs_terms, needs_residual, _ = ctx.needs_input_grad
        wanted = wanted_gradients(*needs_terms)
        saved, *terms = ctx.saved_tensors
        if ctx.saves_result:
            saved = saved.detach()  # its slope has no derivative
        g = grads[0]
        gu, gd, g_strength, gb, gs = (
            _EpilogueBackward.apply(g, saved, *terms, ctx.curve, ctx.saves_result, wanted)
            if any(wanted)
            else [None] * 5
        )
        gn = noise_gradient(gu, Terms(*terms)) if ctx.needs_input_grad[2] else None
        return gu, gd, gn, g_strength, gb, gs, g if needs_residual else None, None


class _EpilogueBackward(torch.autograd.Function):
    """(gradient of the result, what was saved, terms) -> gradients of u, demodulation, strength, bias, style.

    In place of u it takes the result itself where nothing but the slope is asked for (`has_result`).
    """

    @staticmethod
    def forward(
        ctx: Any,
        g: Tensor,
        u: Tensor,
        demodulation: Tensor | None,
        noise: Tensor | None,
        strength: Tensor | None,
        bias: Tensor | None,
        style: Tensor | None,
        curve: Curve,
        has_result: bool,
        wanted: tuple[bool, ...],
    ) -> Gradients:
        terms = Terms(demodulation, noise, strength, bias, style)
        ctx.save_for_backward(g, u, *terms)
        ctx.curve, ctx.has_result = curve, has_result
        ctx.set_materialize_grads(False)
        return _backward(g, u, terms, curve, has_result, wanted)

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *cotangents: Tensor | None
    ) -> Gradients:
        g, u, *terms = ctx.saved_tensors
        needs_g, needs_u, needs_d, _, needs_strength, needs_bias, needs_style = ctx.needs_input_grad[:7]
        wanted = (
            needs_g,
            needs_u and not ctx.has_result,
            needs_d,
            needs_strength,
            needs_bias,
            needs_style,
        )
        cg, cu, cd, c_strength, cb, cs = _second_backward(
            cotangents, g, u, Terms(*terms), ctx.curve, ctx.has_result, wanted
        )
        return cg, cu, cd, None, c_strength, cb, cs, None, None, None
