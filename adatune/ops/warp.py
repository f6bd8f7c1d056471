"""Affine resampling of pictures on a grid of twice the resolution, differentiable twice on every torch.

Augmentation turns, scales and shifts pictures without aliasing: extend by reflection, upsample by 2 with a wavelet
filter (`warp` up to here), sample bilinearly at the transformed grid (`warp`), downsample with the flipped filter
(`downsample`). With the identity the two filters cancel exactly, because the wavelet is orthogonal.

Torch's own `grid_sample` has no second derivative before 2.12, so the sampling is a pair of autograd functions here,
each the derivative of the other. All shapes are static and nothing is read back from the device.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from adatune.ops.upfirdn2d import upfirdn2d

# Decomposition low-pass filter of the symlet with 6 vanishing moments (Daubechies 1992), divided by sqrt 2: sum 1.
SYM6 = (
    0.015404109327027373,
    0.0034907120842174702,
    -0.11799011114819057,
    -0.048311742585633,
    0.4910559419267466,
    0.787641141030194,
    0.3379294217276218,
    -0.07263752278646252,
    -0.021060292512300564,
    0.04472490177066578,
    0.0017677118642428036,
    -0.007800708325034148,
)

# One product with a matrix [6 side, side] is 20 to 50 times as fast on a CPU as padding and filtering at every side
# from 32 to 256 (16x3x32x32, one thread: 1.4 against 78 ms); on a GPU its work grows with the cube of the side.
LARGEST_DENSE_SIDE_ON_GPU = 256


def warp(images: Tensor, inverse: Tensor) -> Tensor:
    """Sample pictures through an affine map, at twice their resolution.

    Beyond the border lies the picture's reflection, and beyond one reflection (side - 1 pixels) black.

    Args:
        images: [batch, channels, height, width].
        inverse: [batch, 2 or 3, 3]: from a place in the result to its place in the source, (x, y) in pixels from the
            centre of the picture. It gets no gradient.

    Returns:
        [batch, channels, 2 height + 10, 2 width + 10]: what `downsample` wants.

    Source: Karras et al. 2020, arXiv:2006.06676, appendix B.
    """
    height, width = images.shape[2:]
    index, weights = _sampling_points(inverse.to(images.dtype), height, width)
    extended = _extend_and_upsample(images)
    samples = _Sample.apply(extended.flatten(2), index, weights, 2 * _extended_side(width))
    return samples.unflatten(2, (2 * height + 10, 2 * width + 10))


def downsample(samples: Tensor) -> Tensor:
    """Back from the grid of `warp` to pixels: [batch, channels, 2 height + 10, 2 width + 10] -> [..., height, width]."""
    height, width = (samples.shape[2] - 10) // 2, (samples.shape[3] - 10) // 2
    if _use_matrices(samples, height, width):
        rows = _downsampling_matrix(height, samples.device, samples.dtype)
        columns = _downsampling_matrix(width, samples.device, samples.dtype)
        return rows @ (samples @ columns.T)
    return upfirdn2d(samples, _low_pass(samples), down=2, flip=True)


def _use_matrices(x: Tensor, height: int, width: int) -> bool:
    return x.device.type == "cpu" or max(height, width) <= LARGEST_DENSE_SIDE_ON_GPU


def _extended_side(side: int) -> int:
    return 3 * side - 2


def _low_pass(like: Tensor) -> Tensor:
    taps = torch.tensor(SYM6, dtype=torch.float64)
    return (taps / taps.sum()).to(like.dtype).to(like.device)


def _extend_and_upsample(images: Tensor) -> Tensor:
    """[..., H, W] -> [..., 2(3H-2), 2(3W-2)]: one reflection on each side, then twice the resolution."""
    height, width = images.shape[2:]
    if _use_matrices(images, height, width):
        rows = _upsampling_matrix(height, images.device, images.dtype)
        columns = _upsampling_matrix(width, images.device, images.dtype)
        return rows @ (images @ columns.T)
    return upfirdn2d(_reflect(_reflect(images, 3), 2), _low_pass(images), up=2, padding=(6, 5, 6, 5), gain=4)


def _reflect(x: Tensor, dim: int) -> Tensor:
    # Not F.pad: the gradient of its reflection adds with atomics on a GPU, in an order that changes.
    side = x.shape[dim]
    before, after = x.narrow(dim, 1, side - 1).flip(dim), x.narrow(dim, 0, side - 1).flip(dim)
    return torch.cat([before, x, after], dim=dim)


@lru_cache(maxsize=16)
def _upsampling_matrix(side: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[2(3 side - 2), side]: reflection and upsampling along one axis; sample j takes 2 f[j + 5 - 2k] of pixel k."""
    with torch.inference_mode(False):
        pixels = _extended_side(side)
        source = (torch.arange(pixels) - (side - 1)).abs()
        source = torch.where(source > side - 1, 2 * side - 2 - source, source)
        taps = _taps(torch.arange(2 * pixels)[:, None] + 5 - 2 * torch.arange(pixels))
        matrix = torch.zeros(2 * pixels, side, dtype=torch.float64).index_add_(1, source, 2 * taps)
        return matrix.to(dtype).to(device)


@lru_cache(maxsize=16)
def _downsampling_matrix(side: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[side, 2 side + 10]: pixel i takes f[j - 2i] of sample j."""
    with torch.inference_mode(False):
        return _taps(torch.arange(2 * side + 10) - 2 * torch.arange(side)[:, None]).to(dtype).to(device)


def _taps(index: Tensor) -> Tensor:
    """The filter's taps at INDEX, zero outside, float64."""
    taps = torch.tensor(SYM6, dtype=torch.float64)
    inside = (index >= 0) & (index < len(SYM6))
    return torch.where(inside, (taps / taps.sum())[index.clamp(0, len(SYM6) - 1)], 0.0)


def _sampling_points(inverse: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where the samples lie on the extended grid.

    Returns:
        the index of each sample's upper left neighbour in the flattened grid, [batch, points], and the weights of it
        and of its right, lower and lower right neighbours, [4, batch, 1, points].
    """
    # The filter is centred on its tap 5, not on 5.5, so a pixel's centre lies on the even samples of the fine grid.
    x = torch.arange(2 * width + 10, device=inverse.device, dtype=inverse.dtype) / 2 - (width / 2 + 2)
    y = torch.arange(2 * height + 10, device=inverse.device, dtype=inverse.dtype) / 2 - (height / 2 + 2)
    a = inverse[:, :2, :, None, None]
    source = a[:, :, 0] * x + a[:, :, 1] * y[:, None] + a[:, :, 2]
    column, right = _neighbours(2 * source[:, 0] + (3 * width - 3), 2 * _extended_side(width))
    row, lower = _neighbours(2 * source[:, 1] + (3 * height - 3), 2 * _extended_side(height))
    weights = torch.stack(
        [lower[0] * right[0], lower[0] * right[1], lower[1] * right[0], lower[1] * right[1]]
    )
    index = row.long() * (2 * _extended_side(width)) + column.long()
    return index.flatten(1), weights.flatten(2).unsqueeze(2)


def _neighbours(position: Tensor, side: int) -> tuple[Tensor, tuple[Tensor, Tensor]]:
    """The lower of the two grid points around each POSITION, kept inside the grid, and the weights of both.

    A triangle around each point gives zero weight to whatever lies a sample or more outside.
    """
    first = position.floor().clamp(0, side - 2)
    offset = position - first
    return first, ((1 - offset.abs()).clamp(min=0), (1 - (offset - 1).abs()).clamp(min=0))


class _Sample(torch.autograd.Function):
    """Weighted sums of four neighbours: [batch, channels, grid] -> [batch, channels, points]."""

    @staticmethod
    def forward(ctx: Any, grid: Tensor, index: Tensor, weights: Tensor, row_length: int) -> Tensor:
        ctx.save_for_backward(index, weights)
        ctx.row_length, ctx.grid_points = row_length, grid.shape[2]
        result = grid.new_zeros(grid.shape[0], grid.shape[1], index.shape[1])
        for weight, place in zip(weights, _four_places(index, row_length, grid.shape[1]), strict=True):
            result.addcmul_(grid.gather(2, place), weight)
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None, None]:
        index, weights = ctx.saved_tensors
        return _Spread.apply(grads[0], index, weights, ctx.row_length, ctx.grid_points), None, None, None


class _Spread(torch.autograd.Function):
    """The adjoint of `_Sample`: [batch, channels, points] -> [batch, channels, grid]."""

    @staticmethod
    def forward(
        ctx: Any, samples: Tensor, index: Tensor, weights: Tensor, row_length: int, grid_points: int
    ) -> Tensor:
        ctx.save_for_backward(index, weights)
        ctx.row_length = row_length
        result = samples.new_zeros(samples.shape[0], samples.shape[1], grid_points)
        for weight, place in zip(weights, _four_places(index, row_length, samples.shape[1]), strict=True):
            result.scatter_add_(2, place, samples * weight)
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None, None, None]:
        index, weights = ctx.saved_tensors
        return _Sample.apply(grads[0], index, weights, ctx.row_length), None, None, None, None


def _four_places(index: Tensor, row_length: int, channels: int) -> list[Tensor]:
    steps = (0, 1, row_length, row_length + 1)
    return [(index + step).unsqueeze(1).expand(-1, channels, -1) for step in steps]
