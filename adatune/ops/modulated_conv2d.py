"""Modulated convolution with a shared weight: scale the input, convolve once for the batch, scale the output.

Modulating the weights per sample gives the same numbers but needs a convolution of its own for each sample.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from adatune.ops.conv2d import conv2d_resample
from adatune.ops.epilogue import epilogue
from adatune.ops.upfirdn2d import Pair


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
    if demodulate and dtype in (torch.float16, torch.bfloat16):
        # Demodulation undoes any scale; without this the products overflow fp16.
        fan_in = weight[0].numel()
        weight = weight / (weight.abs().amax(dim=[1, 2, 3], keepdim=True) * fan_in**0.5)
        styles = styles / styles.abs().amax(dim=1, keepdim=True)
    return Modulation(weight.to(dtype), styles, demodulation(weight, styles) if demodulate else None)


def scale_channels(x: Tensor, factors: Tensor) -> Tensor:
    """x [batch, channels, height, width] times FACTORS [batch, channels], in the type of x."""
    return epilogue(x, demodulation=factors, act="linear")


def demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    """One over the norm of the modulated weight, [batch, out_channels], in the weight's own precision.

    sum_ik (s_i w_oik)^2 = sum_i s_i^2 sum_k w_oik^2: one matrix product, no weight per sample.
    """
    return torch.rsqrt(styles.square() @ weight.square().sum(dim=[2, 3]).T + 1e-8)
