"""Modulated convolution with a shared weight: scale the input, convolve once for the batch, scale the output.

Modulating the weights per sample gives the same numbers but needs a convolution of its own for each sample.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from adatune.ops.affine import product
from adatune.ops.conv2d import conv2d_resample
from adatune.ops.epilogue import epilogue
from adatune.ops.scaled import scaled
from adatune.ops.upfirdn2d import Pair
from adatune.ops.weight_gradients import weight_gradients_wanted


class Modulation(NamedTuple):
    """The small tensors of one modulated convolution: conv(styles * x, weight) * demodulation.

    They are known before x is, so that whoever makes x may scale it in the same pass.
    """

    weight: Tensor  # [out_channels, in_channels, kernel, kernel], in the type of x
    styles: Tensor  # [batch, in_channels]
    demodulation: Tensor | None  # [batch, out_channels]


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    noise: Tensor | None = None,
    up: int = 1,
    padding: Pair = 0,
    f: Tensor | None = None,
    demodulate: bool = True,
    flip_weight: bool = True,
) -> Tensor:
    """Convolution whose weight is scaled per sample and input channel, and normalised per output channel.

    Args:
        x: [batch, in_channels, height, width].
        weight: [out_channels, in_channels, kernel, kernel].
        styles: [batch, in_channels].
        noise: added to the result; broadcast to it.
        up: upsampling factor.
        padding: as in `conv2d_resample`.
        f: low-pass filter of the upsampling.
        demodulate: divide by the norm of the modulated weight (epsilon 1e-8 under the root).
        flip_weight: as in `conv2d_resample`.

    Source: Karras et al. 2020, arXiv:1912.04958, section 2.2.
    """
    small = modulation(weight, styles, x.dtype, demodulate)
    x = scale_channels(x, small.styles)
    x = conv2d_resample(x, small.weight, f, up=up, padding=padding, flip_weight=flip_weight)
    if small.demodulation is not None:
        x = scale_channels(x, small.demodulation)
    return x if noise is None else x + noise.to(x.dtype)


def modulation(weight: Tensor, styles: Tensor, dtype: torch.dtype, demodulate: bool = True) -> Modulation:
    """Everything about a modulated convolution that does not depend on its input, which is of type DTYPE.

    Args:
        weight: [out_channels, in_channels, kernel, kernel].
        styles: [batch, in_channels].
        dtype: of the convolution's operands.
        demodulate: whether there are demodulation coefficients.
    """
    if not demodulate:
        return Modulation(weight.to(dtype), styles, None)
    scale = None
    if dtype in (torch.float16, torch.bfloat16):
        # Demodulation undoes any scale, so that none has a gradient; without this the products overflow fp16.
        fan_in = weight[0].numel()
        scale = weight.detach().abs().amax(dim=[1, 2, 3], keepdim=True).mul_(fan_in**0.5).reciprocal_()
        styles = styles / styles.detach().abs().amax(dim=1, keepdim=True)
    weight, energies = _ScaledWeight.apply(weight, scale, dtype)
    return Modulation(weight, styles, _Demodulation.apply(styles, energies))


def scale_channels(x: Tensor, factors: Tensor) -> Tensor:
    """x [batch, channels, height, width] times FACTORS [batch, channels], in the type of x."""
    return epilogue(x, demodulation=factors, act="linear")


def demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    """One over the norm of the modulated weight, [batch, out_channels], in the weight's own precision.

    sum_ik (s_i w_oik)^2 = sum_i s_i^2 sum_k w_oik^2: one matrix product, no weight per sample.
    """
    return _Demodulation.apply(styles, _ScaledWeight.apply(weight, None, weight.dtype)[1])


class _ScaledWeight(torch.autograd.Function):
    """weight -> scale * weight in another type, and sum_k (scale * weight_oik)^2 in its own."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, scale: Tensor | None, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
        ctx.set_materialize_grads(False)
        energies = weight.square().sum(dim=[2, 3])
        if scale is None:
            ctx.save_for_backward(weight)
            return weight.to(dtype) if weight.dtype != dtype else weight.view_as(weight), energies
        squared_scale = scale.square()[:, :, 0, 0]
        ctx.save_for_backward(weight, scale, squared_scale)
        return scaled(weight, scale, dtype), energies.mul_(squared_scale)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, None, None]:
        weight, *scales = ctx.saved_tensors
        g, of_energies = grads
        if not weight_gradients_wanted():
            return None, None, None
        if g is not None:
            g = scaled(g, scales[0], weight.dtype) if scales else g.to(weight.dtype)
        if of_energies is None:
            return g, None, None
        of_energies = (of_energies * scales[1] if scales else of_energies)[:, :, None, None]
        if g is None:
            return weight * (2 * of_energies), None, None
        return torch.addcmul(g, weight, of_energies, value=2), None, None


class _Demodulation(torch.autograd.Function):
    """(styles s, energies e) -> d = (sum_i s_ni^2 e_oi + 1e-8)^-1/2."""

    @staticmethod
    def forward(ctx: Any, styles: Tensor, energies: Tensor) -> Tensor:
        d = torch.mm(styles.square(), energies.T).add_(1e-8).rsqrt_()
        ctx.save_for_backward(styles, energies, d)
        return d

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None]:
        styles, energies, d = ctx.saved_tensors
        slope = grads[0] * d.pow(3)  # times -1/2, of the sum under the root
        of_styles = of_energies = None
        if ctx.needs_input_grad[0]:
            of_styles = styles * product(slope, energies, -1.0)
        if ctx.needs_input_grad[1] and weight_gradients_wanted():
            of_energies = product(slope.T, styles.square(), -0.5)
        return of_styles, of_energies
