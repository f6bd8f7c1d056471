"""Affine resampling of pictures on a grid of twice the resolution, differentiable twice on every torch.

Augmentation turns, scales and shifts pictures without aliasing. `warp` extends them by reflection, upsamples
by 2 with a wavelet filter and samples bilinearly through the map; `downsample` filters back to pixels. Under
the identity the two filters cancel, because the wavelet is orthogonal.

Torch's own `grid_sample` has no second derivative before 2.12, so the sampling here is a pair of autograd
functions of which each is the derivative of the other: one pair around the kernels of warp_triton.py, one in
plain torch. `warp_reference` and `downsample_reference` are the definition, with neither matrix products nor
convolutions, so that TF32 takes no digits, and with shapes that depend on no value. On a CPU the same is done
by matrices.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import torch
from torch import Tensor

from adatune.kernels import may_fuse

# Decomposition low-pass filter of the symlet with 6 vanishing moments (Daubechies 1992).
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
TAPS = tuple(tap / sum(SYM6) for tap in SYM6)


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
    if may_fuse("warp", images, inverse):
        return _FusedWarp.apply(images, inverse.to(torch.float32))
    if _may_read_values(images):
        return _warp_by_matrices(images, inverse)
    return warp_reference(images, inverse)


def warp_reference(images: Tensor, inverse: Tensor) -> Tensor:
    """The definition of `warp`: each sample is a weighted sum of 7x7 pixels of the reflected picture."""
    height, width = images.shape[2:]
    y, x = _positions(inverse.to(images.dtype), height, width)
    rows, row_weights = _seven_pixels(y, height)
    columns, column_weights = _seven_pixels(x, width)
    samples = _Sample.apply(images.flatten(2), rows * width, row_weights, columns, column_weights)
    return samples.reshape(*images.shape[:2], *y.shape[1:])


def downsample(samples: Tensor) -> Tensor:
    """Filter the grid of `warp`, [..., 2 height + 10, 2 width + 10], to pixels, [..., height, width]."""
    if not _may_read_values(samples):
        return downsample_reference(samples)
    height, width = (samples.shape[2] - 10) // 2, (samples.shape[3] - 10) // 2
    along_y = _downsampling_matrix(height, samples.device, samples.dtype)
    along_x = _downsampling_matrix(width, samples.device, samples.dtype)
    return _multiply(along_y, samples, along_x)


def downsample_reference(samples: Tensor) -> Tensor:
    """The definition of `downsample`: pixel i takes f[j - 2i] of sample j, along both axes."""
    height, width = (samples.shape[2] - 10) // 2, (samples.shape[3] - 10) // 2
    rows = samples.new_zeros(*samples.shape[:2], height, samples.shape[3])
    for i, tap in enumerate(TAPS):
        rows = rows + tap * samples[:, :, i : i + 2 * height : 2]
    pixels = samples.new_zeros(*samples.shape[:2], height, width)
    for i, tap in enumerate(TAPS):
        pixels = pixels + tap * rows[:, :, :, i : i + 2 * width : 2]
    return pixels


def padded_taps(device: torch.device) -> Tensor:
    """The 12 taps of the filter with a 0 on each side, [14] float32: what the kernels read."""
    return _padded_taps(device, torch.float32)


def _may_read_values(x: Tensor) -> bool:
    return x.device.type == "cpu"


def _extended_side(side: int) -> int:
    return 3 * side - 2


def _warp_by_matrices(images: Tensor, inverse: Tensor) -> Tensor:
    """`warp` on a CPU: upsample by dense matrices, then sample four neighbours.

    One product with a matrix [6 side, side] took 1.4 ms where padding and filtering took 78 (16x3x32x32, one
    thread), and 11 against 306 at 64x64.
    """
    height, width = images.shape[2:]
    y, x = _positions(inverse.to(images.dtype), height, width)
    used_rows, rows, row_weights = _two_neighbours(y, 2 * _extended_side(height))
    used_columns, columns, column_weights = _two_neighbours(x, 2 * _extended_side(width))
    along_y = _upsampling_matrix(height, images.device, images.dtype)[used_rows]
    along_x = _upsampling_matrix(width, images.device, images.dtype)[used_columns]
    grid = _multiply(along_y, images, along_x)
    # Once for three passes here; for 49 pixels, on a GPU, this would take gigabytes.
    places = (rows[:, None] * grid.shape[3] + columns).flatten(0, 1)
    weights = (row_weights[:, None] * column_weights).flatten(0, 1)
    samples = _Sample.apply(grid.flatten(2), places, weights, None, None)
    return samples.reshape(*images.shape[:2], *y.shape[1:])


def _multiply(along_y: Tensor, images: Tensor, along_x: Tensor) -> Tensor:
    """ALONG_Y @ image @ ALONG_X^T for each image and channel."""
    # Spelled out, because without gradients matmul would fold the batch into one product and copy everything
    # twice.
    x = (images @ along_x.T).flatten(0, 1)
    return torch.bmm(along_y.expand(x.shape[0], -1, -1), x).reshape(
        *images.shape[:2], len(along_y), len(along_x)
    )


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
    taps = torch.tensor(TAPS, dtype=torch.float64)
    inside = (index >= 0) & (index < len(TAPS))
    return torch.where(inside, taps[index.clamp(0, len(TAPS) - 1)], 0.0)


@lru_cache(maxsize=8)
def _padded_taps(device: torch.device, dtype: torch.dtype) -> Tensor:
    with torch.inference_mode(False):
        return _taps(torch.arange(-1, len(TAPS) + 1)).to(dtype).to(device)


def _positions(inverse: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
    """Where the samples lie on the extended grid: y and x, [batch, 2 height + 10, 2 width + 10] each."""
    # The filter is centred on tap 5, not 5.5, so pixel centres lie on every second sample of the grid.
    x = torch.arange(2 * width + 10, device=inverse.device, dtype=inverse.dtype) / 2 - (width / 2 + 2)
    y = torch.arange(2 * height + 10, device=inverse.device, dtype=inverse.dtype) / 2 - (height / 2 + 2)
    a = inverse[:, :2, :, None, None]
    source = a[:, :, 0] * x + a[:, :, 1] * y[:, None] + a[:, :, 2]
    return 2 * source[:, 1] + (3 * height - 3), 2 * source[:, 0] + (3 * width - 3)


def _seven_pixels(position: Tensor, side: int) -> tuple[Tensor, Tensor]:
    """The pixels that make up a sample at each POSITION of the extended grid, along one axis.

    Returns:
        their places in the picture (int64) and their weights, [7, batch, samples] each.
    """
    position = position.flatten(1)
    # A triangle around each point of the grid gives 0 to whatever lies a sample or more outside.
    lower = position.floor().clamp(-1, 2 * _extended_side(side) - 1)
    low, high = ((1 - (position - point).abs()).clamp(min=0) for point in (lower, lower + 1))
    low, high = low * (lower >= 0), high * (lower < 2 * _extended_side(side) - 1)
    lower = lower.long() - 2 * (side - 1)  # 0 is now the picture's first pixel
    first = (lower - 5) >> 1
    # Sample j takes 2 f[j + 5 - 2k] of pixel k; the table starts at f[-1].
    pixels = torch.stack([first + step for step in range(7)])
    taps = lower + 6 - 2 * pixels
    is_pixel = (pixels > -side) & (pixels < 2 * side - 1) & (taps >= 0)
    table, taps = _padded_taps(position.device, position.dtype), taps.clamp(min=0)
    weights = 2 * (low * table[taps] + high * table[taps + 1])
    pixels = pixels.abs()
    pixels = torch.where(pixels > side - 1, 2 * side - 2 - pixels, pixels)
    return torch.where(is_pixel, pixels, 0), torch.where(is_pixel, weights, 0)


def _two_neighbours(position: Tensor, side: int) -> tuple[slice, Tensor, Tensor]:
    """The two grid points around each position, along one axis, on a CPU.

    Returns:
        the part of the grid that is needed, the places in it of the neighbours (int64) and their weights,
        [2, batch, samples] each. A triangle around each point gives 0 to whatever lies a sample or more
        outside.
    """
    position = position.flatten(1)
    first = position.floor().clamp(0, side - 2)
    offset = position - first
    weights = (1 - torch.stack([offset, offset - 1]).abs()).clamp(min=0)
    first = first.long()
    if not len(first):
        return slice(0, side), torch.stack([first, first]), weights
    # On a CPU reading a value waits for nothing, so that shapes may depend on values: it halves the work.
    start, stop = int(first.min()), int(first.max()) + 2
    return slice(start, stop), torch.stack([first, first + 1]) - start, weights


class _Sample(torch.autograd.Function):
    """Weighted sums of pixels: [batch, channels, height * width] -> [batch, channels, samples].

    The rows are given as the places of their first pixels; without columns they are the pixels themselves.
    """

    @staticmethod
    def forward(
        ctx: Any,
        pixels: Tensor,
        rows: Tensor,
        row_weights: Tensor,
        columns: Tensor | None,
        column_weights: Tensor | None,
    ) -> Tensor:
        ctx.save_for_backward(rows, row_weights, columns, column_weights)
        ctx.pixels = pixels.shape[2]
        result = pixels.new_zeros(*pixels.shape[:2], rows.shape[2])
        for place, weight in _places_and_weights(rows, row_weights, columns, column_weights):
            result.addcmul_(pixels.gather(2, place.expand(-1, pixels.shape[1], -1)), weight)
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        gradient = _Spread.apply(grads[0], *ctx.saved_tensors, ctx.pixels)
        return gradient, None, None, None, None


class _Spread(torch.autograd.Function):
    """The adjoint of `_Sample`: [batch, channels, samples] -> [batch, channels, height * width]."""

    @staticmethod
    def forward(
        ctx: Any,
        samples: Tensor,
        rows: Tensor,
        row_weights: Tensor,
        columns: Tensor | None,
        column_weights: Tensor | None,
        pixels: int,
    ) -> Tensor:
        ctx.save_for_backward(rows, row_weights, columns, column_weights)
        result = samples.new_zeros(*samples.shape[:2], pixels)
        for place, weight in _places_and_weights(rows, row_weights, columns, column_weights):
            # Where torch is asked for deterministic algorithms, this adds in a fixed order on a GPU, too.
            result.scatter_add_(2, place.expand(-1, samples.shape[1], -1), samples * weight)
        return result

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        gradient = _Sample.apply(grads[0], *ctx.saved_tensors)
        return gradient, None, None, None, None, None


def _places_and_weights(
    rows: Tensor, row_weights: Tensor, columns: Tensor | None, column_weights: Tensor | None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Place in the flat picture and weight of each pixel of a neighbourhood, [batch, 1, samples] each."""
    for row, row_weight in zip(rows, row_weights, strict=True):
        if columns is None or column_weights is None:
            yield row.unsqueeze(1), row_weight.unsqueeze(1)
            continue
        for column, column_weight in zip(columns, column_weights, strict=True):
            yield (row + column).unsqueeze(1), (row_weight * column_weight).unsqueeze(1)


class _FusedWarp(torch.autograd.Function):
    """`warp` by its kernel."""

    @staticmethod
    def forward(ctx: Any, images: Tensor, inverse: Tensor) -> Tensor:
        from adatune.ops.warp_triton import warp_samples  # triton is optional

        ctx.save_for_backward(inverse)
        return warp_samples(images, inverse, padded_taps(images.device))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None]:
        return _FusedAdjoint.apply(grads[0], *ctx.saved_tensors), None


class _FusedAdjoint(torch.autograd.Function):
    """The adjoint of `warp` by its kernel."""

    @staticmethod
    def forward(ctx: Any, samples: Tensor, inverse: Tensor) -> Tensor:
        from adatune.ops.warp_triton import warp_adjoint  # triton is optional

        ctx.save_for_backward(inverse)
        return warp_adjoint(samples, inverse, padded_taps(samples.device))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None]:
        return _FusedWarp.apply(grads[0], *ctx.saved_tensors), None
