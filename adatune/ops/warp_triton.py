"""Sample pictures through an affine map in one kernel; the adjoint in another. Not yet measured on a card.

Fused: reflection, upsampling by 2 with sym6 and bilinear sampling as one gather of 7x7 pixels per sample. The
three steps apart write and read the picture three times as large (9 pixels for each one), upsampled (36 for
each one), and then read 4 of those for each of 4 samples. Float32 numbers moved per pixel and channel, caches
aside: (1+9) + (9+36) + (16+4) = 75 before, 1 + 4 = 5 after. Each sample takes 49 loads from the cache.

The adjoint gathers too: each pixel, and each of its up to eight reflections, looks for the samples that it
reached. So there are no atomics, and the result is the same in every run. Fixed point, the usual way to make
atomics so, would need a scale for gradients that may be 1e-9.
"""

# pyright: basic, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
# Functions of triton have no types; it wraps the constants itself.

import triton
import triton.language as tl
from torch import Tensor

# Of a program with 4 warps: samples, with 8 columns of the 7x7 neighbourhood each; pixels, with a loop over
# their candidates and 1 or 4 channels each. Some 1000 to 2000 elements at a time.
SAMPLES = 128
PIXELS = 32
CANDIDATES = 16


@triton.jit
def _position(inverse, qx, qy, side, height, width, row: tl.constexpr):
    """Where sample (qx, qy) lies along axis ROW (0: x), on a grid of half pixels: lower neighbour, offset."""
    x = qx.to(tl.float32) * 0.5 - (width * 0.5 + 2)
    y = qy.to(tl.float32) * 0.5 - (height * 0.5 + 2)
    a, b = tl.load(inverse + 3 * row), tl.load(inverse + 3 * row + 1)
    place = 2 * (a * x + b * y + tl.load(inverse + 3 * row + 2)) + (side - 1)
    # Farther out all weights are 0, and the conversion to integers stays defined.
    place = tl.minimum(tl.maximum(place, -2.0 * side - 8), 4.0 * side + 8)
    lower = tl.floor(place)
    return lower.to(tl.int32), place - lower


@triton.jit
def _weight(taps, lower, offset, pixel, side):
    """What PIXEL of the reflected picture adds to a sample between two points of the grid, along one axis.

    The grid ends where the reflected picture ends: points -2 (side - 1) to 4 side - 3.
    """
    tap = lower - 2 * pixel + 6  # of `padded_taps`
    is_pixel = (pixel > -side) & (pixel < 2 * side - 1) & (tap >= 0) & (tap <= 12)
    low = tl.load(taps + tap, mask=is_pixel & (lower >= 2 - 2 * side) & (lower <= 4 * side - 3), other=0.0)
    high = tl.load(
        taps + tap + 1, mask=is_pixel & (lower >= 1 - 2 * side) & (lower <= 4 * side - 4), other=0.0
    )
    return 2 * (low + offset * (high - low))


@triton.jit
def _reflected(pixel, side):
    pixel = tl.abs(pixel)
    return tl.where(pixel > side - 1, 2 * side - 2 - pixel, pixel)


@triton.jit
def warp_kernel(
    images,
    inverse,
    taps,
    samples,
    height,
    width,
    inverse_stride,
    BLOCK: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """One block of samples of one image, all channels."""
    image = tl.program_id(1).to(tl.int64)
    points = (2 * height + 10) * (2 * width + 10)
    q = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    qx, qy = q % (2 * width + 10), q // (2 * width + 10)
    matrix = inverse + image * inverse_stride
    x, offset_x = _position(matrix, qx, qy, width, height, width, 0)
    y, offset_y = _position(matrix, qx, qy, height, height, width, 1)
    columns = ((x - 5) >> 1)[:, None] + tl.arange(0, 8)[None, :]
    weight_x = _weight(taps, x[:, None], offset_x[:, None], columns, width)
    columns = _reflected(columns, width)
    for channel in range(CHANNELS):
        plane = images + (image * CHANNELS + channel) * height * width
        total = tl.zeros([BLOCK], dtype=tl.float32)
        for step in range(7):
            row = ((y - 5) >> 1) + step
            weight_y = _weight(taps, y, offset_y, row, height)
            places = _reflected(row, height)[:, None] * width + columns
            needed = (weight_y != 0)[:, None] & (weight_x != 0) & (q < points)[:, None]
            pixels = tl.load(plane + places, mask=needed, other=0.0).to(tl.float32)
            total += weight_y * tl.sum(pixels * weight_x, axis=1)
        tl.store(samples + (image * CHANNELS + channel) * points + q, total, mask=q < points)


@triton.jit
def _copy(pixel, side, kind):
    """Where copy KIND of PIXEL lies on the reflected picture's axis, and whether there is one."""
    place = tl.where(kind == 0, pixel, tl.where(kind == 1, -pixel, 2 * side - 2 - pixel))
    return place, (kind == 0) | ((kind == 1) & (pixel > 0)) | ((kind == 2) & (pixel < side - 1))


@triton.jit
def warp_adjoint_kernel(
    samples,
    inverse,
    taps,
    images,
    channels,
    height,
    width,
    inverse_stride,
    image_stride,
    channel_stride,
    row_stride,
    column_stride,
    BLOCK: tl.constexpr,
    CANDIDATES: tl.constexpr,
    CHANNELS: tl.constexpr,
):
    """One block of pixels of one image: the sum over all samples that they reached."""
    image = tl.program_id(1).to(tl.int64)
    columns, rows = 2 * width + 10, 2 * height + 10
    p = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    px, py = p % width, p // width
    matrix = inverse + image * inverse_stride
    a, b, e = tl.load(matrix), tl.load(matrix + 1), tl.load(matrix + 2)
    c, d, f = tl.load(matrix + 3), tl.load(matrix + 4), tl.load(matrix + 5)
    determinant = a * d - b * c
    # A sample is reached from less than 6.5 half pixels around the middle of the taps: seen from the sample's
    # side a parallelogram, of which the box is searched. One sample more for the rounding.
    reach_x = 6.5 * (tl.abs(d) + tl.abs(b)) / tl.abs(determinant) + 1
    reach_y = 6.5 * (tl.abs(c) + tl.abs(a)) / tl.abs(determinant) + 1
    box_x = tl.minimum(2 * reach_x + 1, columns * 1.0).to(tl.int32) + 1
    box_y = tl.minimum(2 * reach_y + 1, rows * 1.0).to(tl.int32) + 1
    channel = tl.arange(0, CHANNELS)
    planes = samples + (image * channels + channel)[None, None, :] * (rows * columns)
    total = tl.zeros([BLOCK, CHANNELS], dtype=tl.float32)
    for copy in range(9):
        kx, is_x = _copy(px, width, copy % 3)
        ky, is_y = _copy(py, height, copy // 3)
        x = (2 * kx + 0.5 - (width - 1)) * 0.5 - e
        y = (2 * ky + 0.5 - (height - 1)) * 0.5 - f
        middle_x = 2 * ((d * x - b * y) / determinant + (width * 0.5 + 2))
        middle_y = 2 * ((a * y - c * x) / determinant + (height * 0.5 + 2))
        reaches = is_x & is_y & (p < width * height)
        reaches &= (middle_x + reach_x >= 0) & (middle_x - reach_x <= columns)
        reaches &= (middle_y + reach_y >= 0) & (middle_y - reach_y <= rows)
        first_x = tl.minimum(tl.maximum(middle_x - reach_x, 0.0), columns * 1.0).to(tl.int32)
        first_y = tl.minimum(tl.maximum(middle_y - reach_y, 0.0), rows * 1.0).to(tl.int32)
        is_any = tl.max(reaches.to(tl.int32), axis=0)
        start = 0
        while start < box_x * box_y * is_any:  # Triton 3.6 interprets no `range` of what was computed
            candidate = start + tl.arange(0, CANDIDATES)[None, :]
            qx, qy = first_x[:, None] + candidate % box_x, first_y[:, None] + candidate // box_x
            lower_x, offset_x = _position(matrix, qx, qy, width, height, width, 0)
            lower_y, offset_y = _position(matrix, qx, qy, height, height, width, 1)
            weight = _weight(taps, lower_x, offset_x, kx[:, None], width)
            weight *= _weight(taps, lower_y, offset_y, ky[:, None], height)
            weight = tl.where((candidate < box_x * box_y) & (qx < columns) & (qy < rows), weight, 0.0)
            needed = (reaches[:, None] & (weight != 0))[:, :, None] & (channel < channels)[None, None, :]
            values = tl.load(planes + (qy * columns + qx)[:, :, None], mask=needed, other=0.0)
            total += tl.sum(values.to(tl.float32) * weight[:, :, None], axis=1)
            start += CANDIDATES
    places = image * image_stride + (py * row_stride + px * column_stride)[:, None]
    places += (channel * channel_stride)[None, :]
    tl.store(images + places, total, mask=(p < width * height)[:, None] & (channel < channels)[None, :])


def warp_samples(images: Tensor, inverse: Tensor, taps: Tensor) -> Tensor:
    """Samples [batch, channels, 2 height + 10, 2 width + 10] of images [batch, channels, height, width].

    Args:
        images: fp32, fp16 or bf16; made contiguous here, since each pixel is read some 200 times.
        inverse: [batch, 2 or 3, 3] float32; the innermost six numbers of an image lie together.
        taps: `padded_taps`, [14] float32.
    """
    batch, channels, height, width = images.shape
    samples = images.new_empty(batch, channels, 2 * height + 10, 2 * width + 10)
    if samples.numel():
        images, inverse = images.contiguous(), _with_rows_together(inverse)
        grid = (triton.cdiv(samples[0, 0].numel(), SAMPLES), batch)
        warp_kernel[grid](
            images,
            inverse,
            taps,
            samples,
            height,
            width,
            inverse.stride(0),
            BLOCK=SAMPLES,
            CHANNELS=channels,
        )
    return samples


def warp_adjoint(samples: Tensor, inverse: Tensor, taps: Tensor) -> Tensor:
    """The adjoint of `warp_samples`, in channels-last layout."""
    batch, channels = samples.shape[:2]
    height, width = (samples.shape[2] - 10) // 2, (samples.shape[3] - 10) // 2
    images = samples.new_empty(batch, height, width, channels).permute(0, 3, 1, 2)
    if images.numel():
        samples, inverse = samples.contiguous(), _with_rows_together(inverse)
        grid = (triton.cdiv(height * width, PIXELS), batch)
        warp_adjoint_kernel[grid](
            samples,
            inverse,
            taps,
            images,
            channels,
            height,
            width,
            inverse.stride(0),
            *images.stride(),
            BLOCK=PIXELS,
            CANDIDATES=CANDIDATES,
            CHANNELS=triton.next_power_of_2(channels),
        )
    return images


def _with_rows_together(inverse: Tensor) -> Tensor:
    return inverse if inverse.stride()[1:] == (3, 1) else inverse.contiguous()
