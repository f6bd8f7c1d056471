"""Affine resampling of pictures on a grid of twice the resolution, differentiable twice on every torch.

Augmentation turns, scales and shifts pictures without aliasing. `warp` extends them by reflection, upsamples
by 2 with a wavelet filter and samples bilinearly through the map; `downsample` filters back to pixels. Under
the identity the two filters cancel, because the wavelet is orthogonal.

Torch's own `grid_sample` has no second derivative before 2.12, so the sampling here is a pair of autograd
functions of which each is the derivative of the other.
"""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from adatune.ops.upfirdn2d import upfirdn2d

# Decomposition low-pass filter of the symlet with 6 vanishing moments (Daubechies 1992); used with sum 1.
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

# On a CPU one product with a matrix [6 side, side] took 1.4 ms where padding and filtering took 78
# (16x3x32x32, one thread), and 11 against 306 at 64x64. Its work grows with the cube of the side, so a GPU
# filters large pictures; where that starts to pay has not been measured on a card.
LARGEST_DENSE_SIDE_ON_GPU = 256


def warp(images: Tensor, inverse: Tensor) -> Tensor:
    """Sample pictures through an affine map, at twice their resolution.

    Beyond the border lies the picture's reflection, and beyond one reflection (side - 1 pixels) black.

    Args:
        images: [batch, channels, height, width].
        inverse: [batch, 2 or 3, 3]: from a place in the result to its place in the source, (x, y) in pixels
            from the centre of the picture. It gets no gradient.

    Returns:
        [batch, channels, 2 height + 10, 2 width + 10]: what `downsample` wants.

    Source: Karras et al. 2020, arXiv:2006.06676, appendix B.
    """
    height, width = images.shape[2:]
    y, x = _positions(inverse.to(images.dtype), height, width)
    rows, row, row_weights = _neighbours(y, 2 * _extended_side(height))
    columns, column, column_weights = _neighbours(x, 2 * _extended_side(width))
    grid = _extend_and_upsample(images, rows, columns)
    index = (row * grid.shape[3] + column).flatten(1)
    weights = (row_weights[:, None] * column_weights).flatten(3).flatten(0, 1).unsqueeze(2)
    samples = _Sample.apply(grid.flatten(2), index, weights, grid.shape[3])
    return samples.reshape(*images.shape[:2], 2 * height + 10, 2 * width + 10)


def downsample(samples: Tensor) -> Tensor:
    """Filter the grid of `warp`, [..., 2 height + 10, 2 width + 10], to pixels, [..., height, width]."""
    height, width = (samples.shape[2] - 10) // 2, (samples.shape[3] - 10) // 2
    if _use_matrices(samples, height, width):
        along_y = _downsampling_matrix(height, samples.device, samples.dtype)
        along_x = _downsampling_matrix(width, samples.device, samples.dtype)
        return _multiply(along_y, samples, along_x)
    return upfirdn2d(samples, _low_pass(samples.device, samples.dtype), down=2, flip=True)


def _use_matrices(x: Tensor, height: int, width: int) -> bool:
    return x.device.type == "cpu" or max(height, width) <= LARGEST_DENSE_SIDE_ON_GPU


def _extended_side(side: int) -> int:
    return 3 * side - 2


@lru_cache(maxsize=8)
def _low_pass(device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):
        return _taps(torch.arange(len(SYM6))).to(dtype).to(device)


def _extend_and_upsample(images: Tensor, rows: slice, columns: slice) -> Tensor:
    """One reflection on each side, twice the resolution; of the 2(3 side - 2) samples those asked for."""
    height, width = images.shape[2:]
    if _use_matrices(images, height, width):
        along_y = _upsampling_matrix(height, images.device, images.dtype)[rows]
        along_x = _upsampling_matrix(width, images.device, images.dtype)[columns]
        return _multiply(along_y, images, along_x)
    extended, low_pass = _reflect(_reflect(images, 3), 2), _low_pass(images.device, images.dtype)
    grid = upfirdn2d(extended, low_pass, up=2, padding=(6, 5, 6, 5), gain=4)
    return grid[:, :, rows, columns]


def _multiply(along_y: Tensor, images: Tensor, along_x: Tensor) -> Tensor:
    """ALONG_Y @ image @ ALONG_X^T for each image and channel."""
    # Spelled out, because without gradients matmul would fold the batch into one product and copy everything
    # twice.
    x = (images @ along_x.T).flatten(0, 1)
    return torch.bmm(along_y.expand(x.shape[0], -1, -1), x).reshape(
        *images.shape[:2], len(along_y), len(along_x)
    )


def _reflect(x: Tensor, dim: int) -> Tensor:
    # Not F.pad: the gradient of its reflection adds with atomics on a GPU, in an order that changes.
    side = x.shape[dim]
    before, after = x.narrow(dim, 1, side - 1).flip(dim), x.narrow(dim, 0, side - 1).flip(dim)
    return torch.cat([before, x, after], dim=dim)


@lru_cache(maxsize=16)
def _upsampling_matrix(side: int, device: torch.device, dtype: torch.dtype) -> Tensor:
    """[2(3 side - 2), side]: reflect and upsample one axis. Sample j takes 2 f[j + 5 - 2k] of pixel k."""
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


def _positions(inverse: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where the samples lie on the extended grid: y and x, [batch, 2 height + 10, 2 width + 10] each."""
    # The filter is centred on tap 5, not 5.5, so pixel centres lie on every second sample of the grid.
    x = torch.arange(2 * width + 10, device=inverse.device, dtype=inverse.dtype) / 2 - (width / 2 + 2)
    y = torch.arange(2 * height + 10, device=inverse.device, dtype=inverse.dtype) / 2 - (height / 2 + 2)
    a = inverse[:, :2, :, None, None]
    source = a[:, :, 0] * x + a[:, :, 1] * y[:, None] + a[:, :, 2]
    return 2 * source[:, 1] + (3 * height - 3), 2 * source[:, 0] + (3 * width - 3)


def _neighbours(position: Tensor, side: int) -> tuple[slice, Tensor, Tensor]:
    """The two grid points around each position, along one axis.

    Returns:
        the part of the grid that is needed, the place in it of the lower neighbour (int64), and the weights
        of both, [2, *position.shape]. A triangle around each point gives 0 to whatever lies a sample or more
        outside.
    """
    first = position.floor().clamp(0, side - 2)
    offset = position - first
    weights = (1 - torch.stack([offset, offset - 1]).abs()).clamp(min=0)
    first = first.long()
    if first.device.type != "cpu" or not len(first):
        return slice(0, side), first, weights
    # On a CPU reading a value waits for nothing, so that shapes may depend on values: it halves the work.
    start, stop = int(first.min()), int(first.max()) + 2
    return slice(start, stop), first - start, weights


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
