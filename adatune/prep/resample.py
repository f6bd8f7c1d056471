"""Cuts a box out of a photo in one warp from the original pixels, so that nothing is blurred twice.

A box that shrinks has every photo pixel averaged into it, none skipped, so nothing aliases: whole blocks of
pixels first while that is harmless, then samples no coarser than those blocks, reduced by Lanczos.
"""

import math
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adatune.images import Pixels
from adatune.prep.border import soften_border
from adatune.prep.crop import Points, box_size, invented_share
from adatune.prep.opencv import cv2

# At least so many blocks across make one output pixel. With 2.5, stripes too fine for the output come
# through half as strongly as by plain area averaging, at the worst ratio; with 2 more do, and with 3 a
# 12-megapixel portrait at 512 takes 3.6 times as long (0.26 s). benchmarks/resampling.py measures it.
_BLOCKS_PER_PIXEL = 2.5
_SUPPORT = 3  # output pixels that Lanczos reaches to either side
_STRIP = 2**22  # photo pixels that are averaged into blocks at a time: memory does not grow with the photo
_NOTHING_TO_SEE = 0.99  # share of a box outside the photo; without it, a slip in a size takes minutes
_REACH = 3  # blocks around the box that cubic interpolation may touch

Values = NDArray[Any]  # [height, width, 3]: sRGB in uint8, or linear light in uint16


def cut(pixels: Pixels, corners: Points, size: int, *, linear_light: bool = False) -> Pixels:
    """The picture of a dataset: the box squashed to SIZE x SIZE, what lies outside the photo softened.

    Args:
        pixels: [photo height, photo width, 3] uint8 sRGB.
        corners: upper left, upper right, lower right, lower left in the photo, [4, 2].
        size: pixels.
        linear_light: average light instead of sRGB values where the box shrinks; see `warp`.
    Returns: [size, size, 3] uint8; of one colour when hardly anything of the box is photo.
    """
    height, width = pixels.shape[:2]
    if invented_share(corners, width, height) > _NOTHING_TO_SEE:
        return np.full((size, size, 3), np.median(pixels, axis=(0, 1)).astype(np.uint8))
    picture = warp(pixels, corners, size, size, linear_light=linear_light)
    return soften_border(picture, corners, width, height)


def warp(pixels: Pixels, corners: Points, width: int, height: int, *, linear_light: bool = False) -> Pixels:
    """Resample the box of a photo to WIDTH x HEIGHT pixels; what lies outside the photo is reflected.

    Args:
        pixels: [photo height, photo width, 3] uint8 sRGB.
        corners: upper left, upper right, lower right, lower left in the photo, [4, 2].
        linear_light: where the box shrinks, average light, as a camera with fewer pixels would, instead of
            sRGB values, as FFHQ was made. (To enlarge in linear light puts dark rims around what is bright.)
    Returns: [height, width, 3] uint8 sRGB.
    """
    size = np.array([width, height])
    shrinking = np.array(box_size(corners)) / size
    block = _block_size(float(shrinking.min()))
    finer = np.array([_samples_per_pixel(ratio / block) for ratio in shrinking])
    shrinks = bool(finer.max() > 1)
    linear_light = linear_light and shrinks
    margin = _SUPPORT if shrinks else 0
    wider = _widened(corners, *(margin / size))
    low = np.floor(wider.min(axis=0) / block).astype(int) - _REACH
    high = np.ceil(wider.max(axis=0) / block).astype(int) + _REACH
    blocks = _average_blocks(pixels, low, high, block, linear_light)
    columns, rows = np.ceil((size + 2 * margin) * finer).astype(int).tolist()
    samples = _sample(blocks, wider / block - low, columns, rows)
    if shrinks:
        samples = _shrink(samples, width, height, margin)
    return _to_srgb(samples) if linear_light else samples.astype(np.uint8, copy=False)


def _block_size(shrinking: float) -> int:
    """Side of the blocks that are averaged first: 1, 2, 4, ... photo pixels."""
    return 2 ** max(0, math.floor(math.log2(max(1.0, shrinking / _BLOCKS_PER_PIXEL))))


def _samples_per_pixel(shrinking: float) -> float:
    """How many samples make an output pixel across, for so many photo pixels: never fewer than those.

    A small shrinking takes a few more: without, it is 2.5 decibels further from Lanczos than with.
    """
    return 1.0 if shrinking < 1 + 1e-6 else max(shrinking, min(1.15 * shrinking, 2.3))


def _widened(corners: Points, across: float, down: float) -> Points:
    """The box with these shares of its width and height added on each side."""
    x, y = (corners[1] - corners[0]) * across, (corners[3] - corners[0]) * down
    return corners + np.stack([-x - y, x - y, x + y, y - x])


def _average_blocks(
    pixels: Pixels, low: NDArray[Any], high: NDArray[Any], block: int, linear_light: bool
) -> Values:
    """Means of BLOCK x BLOCK pixels, from block LOW to before block HIGH (x, y), the photo reflected."""
    (left, top), (right, bottom) = low.tolist(), high.tolist()
    if block == 1:
        whole = _window(pixels, (left, right), (top, bottom))
        return np.asarray(cv2.LUT(whole, _linear_table())) if linear_light else whole
    means = np.empty((bottom - top, right - left, 3), np.uint16 if linear_light else np.uint8)
    rows = max(1, _STRIP // ((right - left) * block * block))
    for start in range(top, bottom, rows):
        stop = min(bottom, start + rows)
        strip = _window(pixels, (left * block, right * block), (start * block, stop * block))
        if linear_light:
            strip = np.asarray(cv2.LUT(strip, _linear_table()))
        side = block
        while side > 1:  # halving is the one ratio that OpenCV has fast code for: a third of the time
            half = (strip.shape[1] // 2, strip.shape[0] // 2)
            strip = np.asarray(cv2.resize(strip, half, interpolation=cv2.INTER_AREA))
            side //= 2
        means[start - top : stop - top] = strip
    return means


def _window(pixels: Pixels, columns: tuple[int, int], rows: tuple[int, int]) -> Values:
    """The photo from start to before stop, reflected at its edges as often as asked; a view if it can be."""
    height, width = pixels.shape[:2]
    first, last = columns
    again = 2 * width * ((first + width) // (2 * width))  # the reflections repeat: begin as near as possible
    first, last = first - again, last - again
    start, stop = _touched(first, last, width)
    part = pixels[:, start:stop]
    part = part[rows[0] : rows[1]] if rows[0] >= 0 and rows[1] <= height else part[_mirrored(*rows, height)]
    left, right = max(0, -first), max(0, last - width)
    if left or right:  # by index, as the rows, it would take five times as long
        part = np.asarray(cv2.copyMakeBorder(part, 0, 0, left, right, cv2.BORDER_REFLECT))
    offset = first - start + left
    return part[:, offset : offset + last - first]


def _mirrored(start: int, stop: int, size: int) -> NDArray[Any]:
    """Which of SIZE places is seen at each from START to before STOP when both ends are mirrors."""
    place = np.arange(start, stop) % (2 * size)
    return np.minimum(place, 2 * size - 1 - place)


def _touched(start: int, stop: int, size: int) -> tuple[int, int]:
    """From which to before which of SIZE places is seen, the same way."""
    first, last = max(0, start), min(size, stop)
    if start < 0:
        last = max(last, min(size, -start))
    if stop > size:
        first = min(first, max(0, 2 * size - stop))
    return first, last


def _sample(blocks: Values, corners: Points, width: int, height: int) -> Values:
    across, down = (corners[1] - corners[0]) / width, (corners[3] - corners[0]) / height
    # OpenCV puts pixel centres at whole numbers: shift by half a pixel on both sides.
    origin = corners[0] + (across + down) / 2 - 0.5
    matrix: NDArray[Any] = np.stack([across, down, origin], axis=1)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    return np.asarray(
        cv2.warpAffine(blocks, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REFLECT)
    )


def _shrink(samples: Values, width: int, height: int, margin: int) -> Values:
    """To WIDTH x HEIGHT by Lanczos, less a margin (output pixels) that it looks at and leaves out."""
    x, y = samples.shape[1] / (width + 2 * margin), samples.shape[0] / (height + 2 * margin)
    inner = (margin * x, margin * y, (margin + width) * x, (margin + height) * y)
    if samples.dtype == np.uint8:
        return np.asarray(Image.fromarray(samples).resize((width, height), Image.Resampling.LANCZOS, inner))
    planes = [Image.fromarray(samples[..., channel].astype(np.float32)) for channel in range(3)]
    small = [plane.resize((width, height), Image.Resampling.LANCZOS, inner) for plane in planes]
    return np.stack([np.asarray(plane) for plane in small], axis=-1)


@cache
def _linear_table() -> NDArray[np.uint16]:
    """The light of each sRGB value, 65535 the brightest (IEC 61966-2-1)."""
    value = np.arange(256) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)
    return np.rint(light * 65535).astype(np.uint16)


def _to_srgb(values: Values) -> Pixels:
    """The inverse of `_linear_table`, rounded."""
    light = np.clip(values.astype(np.float32) / 65535, 0, 1)
    curved = 1.055 * np.maximum(light, 0.0031308) ** (1 / 2.4) - 0.055
    return np.rint(np.where(light <= 0.0031308, light * 12.92, curved) * 255).astype(np.uint8)
