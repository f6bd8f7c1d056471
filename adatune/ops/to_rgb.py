"""From features to RGB, added to the image of the resolution below; closed under differentiation.

The weight scaled by the styles is a [3, channels] matrix per sample: the convolution becomes a product of it
with the pixels, and no modulated copy of the features is made.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from adatune.kernels import may_fuse
from adatune.ops.upfirdn2d import resampling_filter, upfirdn2d
from adatune.ops.weight_gradients import weight_gradients_wanted

FILTER_TAPS = (1, 3, 3, 1)


def to_rgb(
    x: Tensor, weight: Tensor, styles: Tensor, bias: Tensor, clamp: float | None, image: Tensor | None = None
) -> Tensor:
    """Modulated 1x1 convolution without demodulation, bias, clamp; plus twice the size of the image below.

    Args:
        x: features [batch, channels, height, width], fp16, bf16 or fp32; best channels-last.
        weight: [image channels, channels, 1, 1].
        styles: [batch, channels], already scaled by 1/sqrt(channels).
        bias: [image channels].
        clamp: limits the convolution's result (not the sum) to [-clamp, clamp]; None leaves it.
        image: [batch, image channels, height/2, width/2], float32, upsampled by the filter [1, 3, 3, 1]; or
            None at the first resolution.

    Returns:
        [batch, image channels, height, width], float32.

    Source: Karras et al. 2020, arXiv:1912.04958, section 4.1 (skip connections).
    """
    matrices = _precise(styles)[:, None, :] * _precise(weight).flatten(1)
    if x.numel() and weight.shape[0] <= 4 and may_fuse("to_rgb", x, styles, image):
        return _FusedToRgb.apply(x, matrices, bias, clamp, image)
    return to_rgb_reference(x, matrices.to(x.dtype), bias, clamp, image)


def to_rgb_reference(
    x: Tensor, matrices: Tensor, bias: Tensor, clamp: float | None, image: Tensor | None
) -> Tensor:
    """The definition, with a matrix [image channels, channels] per sample in the type of x."""
    y = _precise(product_reference(x, matrices)) + _precise(bias)[:, None, None]
    y = y if clamp is None else y.clamp(-clamp, clamp)
    return y if image is None else upsampled(image) + y


def product_reference(x: Tensor, matrices: Tensor) -> Tensor:
    """x [batch, channels, height, width] times a matrix [rows, channels] per sample, at every pixel."""
    batch, channels, height, width = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(batch, height * width, channels)
    y = pixels @ matrices.transpose(1, 2)
    return y.reshape(batch, height, width, matrices.shape[1]).permute(0, 3, 1, 2)


def upsampled(image: Tensor) -> Tensor:
    """IMAGE at twice its size."""
    return upfirdn2d(image, _filter(image.device), up=2, padding=(2, 1, 2, 1), gain=4)


def _precise(x: Tensor) -> Tensor:
    """In float32; float64 stays."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


@lru_cache
def _filter(device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # the same tensor serves training later
        f = resampling_filter(FILTER_TAPS)
        return f if device.type == "meta" else f.to(device)  # counting needs its values


class _FusedToRgb(torch.autograd.Function):
    """(x, matrices, bias, image) -> the new image; what was clamped is kept as one bit a number."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, matrices: Tensor, bias: Tensor, clamp: float | None, image: Tensor | None
    ) -> Tensor:
        from adatune.ops.to_rgb_triton import fused_to_rgb

        y, is_inside = fused_to_rgb(x, matrices, bias, clamp, image)
        ctx.save_for_backward(x, matrices, is_inside)
        ctx.bias_dtype = bias.dtype
        return y

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, matrices, is_inside = ctx.saved_tensors
        g = grads[0] if is_inside is None else torch.where(is_inside, grads[0], 0.0)
        wants_x, wants_matrices, wants_bias, _, wants_image = ctx.needs_input_grad
        dx, dmatrices = None, None
        if wants_x or wants_matrices:
            dx, dmatrices = _Spread.apply(g, x, matrices)
        is_bias_wanted = wants_bias and weight_gradients_wanted()
        dbias = g.sum(dim=[0, 2, 3]).to(ctx.bias_dtype) if is_bias_wanted else None
        return dx, dmatrices, dbias, None, _downsampled(grads[0]) if wants_image else None


def _downsampled(g: Tensor) -> Tensor:
    """The adjoint of `upsampled`: the filter is symmetric."""
    return upfirdn2d(g, _filter(g.device), down=2, padding=(1, 1, 1, 1), gain=4)


class _Product(torch.autograd.Function):
    """`product_reference` of x and matrices, in float32."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, matrices: Tensor) -> Tensor:
        from adatune.ops.to_rgb_triton import fused_product

        ctx.save_for_backward(x, matrices)
        return fused_product(x, matrices)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor]:
        return _Spread.apply(grads[0], *ctx.saved_tensors)  # pyright: ignore[reportReturnType]


class _Spread(torch.autograd.Function):
    """The derivative of the product: (g, x, matrices) -> (g times matrices, sum over the pixels of g x).

    It is its own derivative too: with respect to (x, matrices) and for cotangents (a, b), (g b, sum g a).
    """

    @staticmethod
    def forward(ctx: Any, g: Tensor, x: Tensor, matrices: Tensor) -> tuple[Tensor, Tensor]:
        from adatune.ops.to_rgb_triton import fused_spread

        ctx.save_for_backward(g, x, matrices)
        return fused_spread(g, x, matrices)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (g, x, matrices), (a, b) = ctx.saved_tensors, grads
        dg = _Product.apply(a, matrices) + _Product.apply(x, b) if ctx.needs_input_grad[0] else None
        return dg, *_Spread.apply(g, a, b)
