"""Softens what a crop shows beyond its photo's edges, so that no network learns mirrored hair or hands.

FFHQ's alignment reflects the photo there, blurs the reflection and fades it to the median colour. Here all of
it grows smoothly with the distance from the photo, from nothing at its edge: there is no seam, and what the
photo shows is not touched.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.crop import Points, box_size
from adatune.prep.opencv import cv2

_BLUR_SLOPE = 0.6  # standard deviation of the blur for each pixel of distance
_MOST_BLUR = 0.16  # of the picture's width: the standard deviation it grows to
_FADED = 0.4  # of the picture's width: the distance at which the median colour alone is left
_SHARPEST = 2.0  # standard deviation, pixels, of blurs that are made on a picture half as large

Distances = NDArray[np.float32]  # [height, width]


def soften_border(picture: Pixels, corners: Points, width: int, height: int) -> Pixels:
    """Blur and fade what lies outside a photo of WIDTH x HEIGHT in a picture of its box.

    Args:
        picture: [rows, columns, 3] uint8, the box as `resample.warp` shows it, reflections and all.
        corners: of the box in the photo, [4, 2].
    Returns: [rows, columns, 3] uint8; pixels whose centres lie in the photo keep their values exactly.
    """
    distances = outside_distances(corners, width, height, picture.shape[1], picture.shape[0])
    outside = distances > 0
    if not outside.any():
        return picture
    columns = picture.shape[1]
    how_far = distances[outside]
    softened = _blurred(picture, outside, np.minimum(how_far * _BLUR_SLOPE, columns * _MOST_BLUR), corners)
    shown = picture.reshape(-1, 3) if outside.all() else picture[~outside]
    fading = np.clip(how_far / (columns * _FADED), 0, 1)
    fading = (fading * fading * (3 - 2 * fading))[:, None]
    softened += fading * (np.median(shown, axis=0).astype(np.float32) - softened)
    result = picture.copy()
    result[outside] = np.clip(np.rint(softened), 0, 255)
    return result


def outside_distances(corners: Points, width: int, height: int, columns: int, rows: int) -> Distances:
    """How far each pixel of a box's picture is from the photo, in pixels across the picture; 0 inside.

    Args:
        corners: of the box in the photo of WIDTH x HEIGHT, [4, 2].
        columns, rows: pixels of the picture.
    """
    across, down = (corners[1] - corners[0]) / columns, (corners[3] - corners[0]) / rows
    x, y = (
        corners[0][axis]
        + (np.arange(columns) + 0.5) * across[axis]
        + (np.arange(rows)[:, None] + 0.5) * down[axis]
        for axis in (0, 1)
    )
    beyond = np.hypot(np.maximum(0, np.maximum(-x, x - width)), np.maximum(0, np.maximum(-y, y - height)))
    return (beyond / max(1e-12, float(np.hypot(*across)))).astype(np.float32)


def _blurred(
    picture: Pixels, outside: NDArray[np.bool_], blur: NDArray[Any], corners: Points
) -> NDArray[Any]:
    """The pixels OUTSIDE, each blurred by its own standard deviation (pixels across), [count, 3] float32.

    Blurs of 0, 1, 2, 4, ... pixels are mixed, two at each pixel.
    """
    rows, columns = outside.shape
    width, height = box_size(corners)
    squash = (height / rows) / max(1e-12, width / columns)  # a round blur of the person is flat in the square
    level = np.where(blur < 1, blur, 1 + np.log2(np.maximum(blur, 1)))
    places = np.flatnonzero(outside)
    result = picture.reshape(-1, 3)[places] * np.maximum(0, 1 - level)[:, None]
    for step in range(1, int(np.ceil(level.max())) + 1):
        near = np.flatnonzero(np.abs(level - step) < 1)
        evenly = _blurred_evenly(picture, 2.0 ** (step - 1), max(1e-6, squash)).reshape(-1, 3)
        result[near] += (1 - np.abs(level[near] - step))[:, None] * evenly[places[near]]
    return result


def _blurred_evenly(picture: Pixels, deviation: float, squash: float) -> NDArray[Any]:
    """A Gaussian blur; strong ones on a smaller copy, where they cost little."""
    rows, columns = picture.shape[:2]
    smaller = max(1.0, deviation / _SHARPEST)
    size = (max(2, round(columns / smaller)), max(2, round(rows / smaller)))
    copy = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.float32)
    x, y = deviation * size[0] / columns, deviation / squash * size[1] / rows
    copy = cv2.GaussianBlur(copy, (0, 0), sigmaX=x, sigmaY=y, borderType=cv2.BORDER_REFLECT)
    return np.asarray(cv2.resize(copy, (columns, rows), interpolation=cv2.INTER_CUBIC))
