"""The passes over pixels of the epilogue and of its two derivatives, in plain torch; kernels replace them.

Written for CPUs, where fresh memory costs ten times what a pass over memory that is at hand does: what this
file allocates it overwrites, what it is given it never does.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor


class Curve(NamedTuple):
    """clamp(gain * activation(z)), the activation linear on each side of zero."""

    slope: float  # below zero; 1 above
    gain: float  # positive
    clamp: float | None


class Terms(NamedTuple):
    """The small inputs of the epilogue; None costs nothing."""

    demodulation: Tensor | None  # [batch, channels]
    noise: Tensor | None  # [batch or 1, 1, height, width]
    strength: Tensor | None  # 0-dim
    bias: Tensor | None  # [channels]
    style: Tensor | None  # [batch, channels]


class Sums(NamedTuple):
    """Sums over pixels of m g, m the slope with gain, times one, u, the noise; and another.

    In the first backward pass m has the style too, what is [channels] or a number below is summed over
    everything else, and the other sum is that of y g. In the second all are [batch, channels], and the other
    is that of m g times the cotangent of u's gradient.
    """

    ones: Tensor | None  # [channels]
    u: Tensor | None  # [batch, channels]
    noise: Tensor | None  # 0-dim
    other: Tensor | None  # [batch, channels]


class Coefficients(NamedTuple):
    """Of the second backward pass, [batch or 1, channels or 1] each.

    Back on g comes m (cotangent a + at_u u + at_noise noise + ones) + result y, and on u slope m g.
    None is one for the cotangent and zero for the others.
    """

    cotangent: Tensor | None
    at_u: Tensor | None
    at_noise: Tensor | None
    ones: Tensor | None
    result: Tensor | None
    slope: Tensor | None


WantedSums = tuple[bool, bool, bool, bool]  # in the order of Sums


def computing_dtype(u: Tensor) -> torch.dtype:
    """At least float32."""
    return torch.promote_types(u.dtype, torch.float32)


def plain_forward(u: Tensor, terms: Terms, residual: Tensor | None, curve: Curve) -> Tensor:
    """style * clamp(gain * activation(demodulation * u + strength * noise + bias)) + residual."""
    y = _activate(_scaled_preactivation(u, terms, curve.gain), curve)
    if terms.style is not None:
        y.mul_(_over_pixels(terms.style))
    if residual is not None:
        y.add_(residual)
    return y.to(u.dtype)


def plain_gradients(
    g: Tensor, u: Tensor, terms: Terms, curve: Curve, has_result: bool, wants_u: bool, wanted: WantedSums
) -> tuple[Tensor | None, Sums]:
    """The gradient of u, and the sums that the other gradients are made of.

    Args:
        g: the gradient of the result.
        u: what the epilogue took; the result itself where `has_result` (then no sum needs u).
        terms: in the type that is computed in.
        curve: as in the forward pass.
        has_result: see u.
        wants_u: whether the gradient of u is wanted.
        wanted: which sums are.
    """
    g = g.to(computing_dtype(u), memory_format=_layout(u))
    z = _slope_source(u, terms, curve, has_result)
    m = _sloped(g, z, curve, has_result)
    style = 1 if terms.style is None else terms.style
    sums = Sums(
        (_pixel_sum(m, None, curve) * style).sum(dim=0) if wanted[0] else None,
        None,
        (_pixel_sum(m, terms.noise, curve) * style).sum() if wanted[2] else None,
        _activate(z, curve).mul_(g).sum(dim=(2, 3)) if wanted[3] else None,
    )
    if wanted[1]:
        sums = sums._replace(u=_pixel_sum(m, u, curve, scratch=z) * style)  # nothing reads z any more
    if not wants_u:
        return None, sums
    factors = [one for one in (terms.demodulation, terms.style) if one is not None]
    coefficient = None if not factors else factors[0] if len(factors) == 1 else factors[0] * factors[1]
    return _multiply(m, coefficient, curve.gain, is_own=m is not g).to(u.dtype), sums


def plain_second_gradients(
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
    """What comes back on g and on u (`wants_fields`), and the sums that the other cotangents are made of.

    Args:
        a: the cotangent of u's gradient, or None for zero.
        g, u, terms, curve, has_result: as in `plain_gradients`.
        coefficients: what multiplies the pixels.
        wants_fields: whether the results of the size of g and u are wanted.
        wanted: which sums are.
    """
    dtype = computing_dtype(u)
    a = None if a is None else a.to(dtype, memory_format=_layout(u))
    z = _slope_source(u, terms, curve, has_result)
    cg = cu = None
    sums = Sums(None, None, None, None)
    if wants_fields[1] or any(wanted):
        g = g.to(dtype, memory_format=_layout(u))
        m = _sloped(g, z, curve, has_result)
        sums = Sums(
            _pixel_sum(m, None, curve) if wanted[0] else None,
            _pixel_sum(m, u, curve) if wanted[1] else None,
            _pixel_sum(m, terms.noise, curve) if wanted[2] else None,
            _pixel_sum(m, a, curve) if wanted[3] else None,
        )
        if wants_fields[1]:
            cu = _multiply(m, coefficients.slope, curve.gain, is_own=m is not g).to(u.dtype)
    if wants_fields[0]:
        field = _tangent(a, u, terms, coefficients)
        if field is not None:
            m = _sloped(field, z, curve, has_result)
            cg = _multiply(m, None, curve.gain, is_own=m is not a)
        if coefficients.result is not None:
            y = _activate(z, curve).mul_(_over_pixels(coefficients.result))
            cg = y if cg is None else y.add_(cg)
    return None if cg is None else cg.to(g.dtype), cu, sums


def _tangent(a: Tensor | None, u: Tensor, terms: Terms, coefficients: Coefficients) -> Tensor | None:
    """cotangent a + at_u u + at_noise noise + ones; a itself where nothing is to be done."""
    _, noise, *_ = terms
    field = a
    if a is not None and coefficients.cotangent is not None:
        field = a * _over_pixels(coefficients.cotangent)
    for x, factor in ((u, coefficients.at_u), (noise, coefficients.at_noise), (None, coefficients.ones)):
        if factor is None:
            continue
        added = _over_pixels(factor) if x is None else x * _over_pixels(factor)
        if field is None:
            field = torch.zeros_like(u, dtype=computing_dtype(u))
        field = field + added if field is a else field.add_(added)
    return field


def _scaled_preactivation(u: Tensor, terms: Terms, gain: float) -> Tensor:
    """gain (demodulation u + strength noise + bias), in memory of its own.

    The gain comes first because activations that are linear on each side let it through: a pass less.
    """
    demodulation, noise, strength, bias, _ = terms
    u = u.to(computing_dtype(u))
    offset = None if bias is None else _over_pixels(bias * gain)
    if demodulation is not None:
        factor = _over_pixels(demodulation * gain)
        z = u * factor if offset is None else torch.addcmul(offset, u, factor)
    else:
        z = u * gain if offset is None else torch.add(offset, u, alpha=gain)
    if noise is not None:
        z.add_(noise * (gain if strength is None else strength * gain))
    return z


def _slope_source(u: Tensor, terms: Terms, curve: Curve, has_result: bool) -> Tensor:
    return u.to(computing_dtype(u)) if has_result else _scaled_preactivation(u, terms, curve.gain)


def _activate(z: Tensor, curve: Curve) -> Tensor:
    """Activate and clamp in place what already has the gain."""
    if curve.slope != 1:
        F.leaky_relu_(z, curve.slope)
    return z if curve.clamp is None else z.clamp_(-curve.clamp, curve.clamp)


def _sloped(g: Tensor, z: Tensor, curve: Curve, has_result: bool) -> Tensor:
    """g times the slope at z (which has the gain) but not the gain; g itself where the slope is one.

    Torch's own kernels, because a mask of torch.where costs a CPU thirty times as much.
    """
    sloped = g
    if curve.slope != 1:
        sloped = torch.ops.aten.leaky_relu_backward(sloped, z, curve.slope, False)
    if curve.clamp is not None:
        low = -curve.clamp if has_result else -curve.clamp / curve.slope
        if sloped is g:
            sloped = torch.ops.aten.hardtanh_backward(sloped, z, low, curve.clamp)
        else:
            torch.ops.aten.hardtanh_backward.grad_input(sloped, z, low, curve.clamp, grad_input=sloped)
    return sloped


def _pixel_sum(m: Tensor, x: Tensor | None, curve: Curve, scratch: Tensor | None = None) -> Tensor:
    """The sum over pixels of m x, with the gain: [batch, channels]. SCRATCH is overwritten."""
    if x is not None:
        m = m * x if scratch is None else torch.mul(m, x, out=scratch)
    return m.sum(dim=(2, 3)) * curve.gain


def _multiply(m: Tensor, coefficient: Tensor | None, gain: float, is_own: bool) -> Tensor:
    """m times the coefficient per channel times the gain, in place where m is ours."""
    factor = gain if coefficient is None else _over_pixels(coefficient * gain)
    return m.mul_(factor) if is_own else m * factor


def _over_pixels(x: Tensor) -> Tensor:
    """[batch, channels] or [channels] as what multiplies a picture."""
    return x[..., None, None]


def _layout(u: Tensor) -> torch.memory_format:
    is_channels_last = u.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if is_channels_last else torch.contiguous_format
