"""Levels and crops a portrait in one warp from the original pixels, so that nothing is resampled twice.

The box is 5:4, five high and four wide, with the eyes where FFHQ has them, and is squashed to a square:
networks are square, and the recorded aspect undoes the squash wherever a picture is shown.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adatune.images import Pixels
from adatune.prep.opencv import cv2

Points = NDArray[
    np.float64
]  # [count, 2], x and y in pixels; pixel centres lie at whole numbers plus one half

PORTRAIT_ASPECT = 1.25  # height / width
_WIDTH_IN_EYE_DISTANCES = 4.0
_EYE_LINE = 0.47  # of the height, from the top


def portrait_corners(landmarks: Points) -> Points:
    """Corners of the 5:4 box around a face: upper left, upper right, lower right, lower left, [4, 2].

    The box is levelled by the eye line, four eye distances wide and five high; the eyes lie at 0.375 and
    0.625 of its width and 0.47 of its height.

    Args:
        landmarks: left eye, right eye (as seen in the picture), then anything; [2 or more, 2].
    """
    left_eye, right_eye = landmarks[0], landmarks[1]
    across = (right_eye - left_eye) * _WIDTH_IN_EYE_DISTANCES
    down = np.array([-across[1], across[0]]) * PORTRAIT_ASPECT
    upper_left = (left_eye + right_eye) / 2 - across / 2 - down * _EYE_LINE
    return np.stack([upper_left, upper_left + across, upper_left + across + down, upper_left + down])


def centre_square_corners(width: int, height: int) -> Points:
    """Corners of the largest centred square of a picture, [4, 2]."""
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    return np.array([[left, top], [left + side, top], [left + side, top + side], [left, top + side]])


def box_size(corners: Points) -> tuple[float, float]:
    """Width and height of a box in the photo's pixels."""
    width, height = corners[1] - corners[0], corners[3] - corners[0]
    return float(np.hypot(*width)), float(np.hypot(*height))


def invented_share(corners: Points, width: int, height: int) -> float:
    """The share of the box, 0 to 1, that lies outside a photo of WIDTH x HEIGHT and has to be reflected."""
    photo = np.array([[0, 0], [width, 0], [width, height], [0, height]], dtype=np.float32)
    inside, _ = cv2.intersectConvexConvex(corners.astype(np.float32), photo)
    whole = math.prod(box_size(corners))
    return min(1.0, max(0.0, 1 - inside / whole)) if whole > 0 else 1.0


def warp(pixels: Pixels, corners: Points, width: int, height: int) -> Pixels:
    """Resample the box of a photo to WIDTH x HEIGHT pixels; what lies outside the photo is reflected.

    Where the box shrinks, it is first sampled at a whole multiple of the output, no coarser than the photo
    itself, and then reduced by Lanczos: no pixel of the photo is skipped, so nothing aliases.

    Args:
        pixels: [photo height, photo width, 3] uint8.
        corners: upper left, upper right, lower right, lower left in the photo, [4, 2].
    Returns: [height, width, 3] uint8.
    """
    box_width, box_height = box_size(corners)
    finer_x = max(1, math.ceil(box_width / width - 1e-6))
    finer_y = max(1, math.ceil(box_height / height - 1e-6))
    patch, offset = _surroundings(pixels, corners)
    samples = _sample(patch, corners - offset, width * finer_x, height * finer_y)
    if finer_x == finer_y == 1:
        return samples
    return np.asarray(Image.fromarray(samples).resize((width, height), Image.Resampling.LANCZOS))


def _surroundings(pixels: Pixels, corners: Points) -> tuple[Pixels, Points]:
    """The part of the photo that the warp can touch, and where it starts (OpenCV takes 32,767 a side)."""
    height, width = pixels.shape[:2]
    size = np.array([width, height])
    low, high = corners.min(axis=0), corners.max(axis=0)
    margin = 8 + max(0.0, float(-low.min()), float((high - size).max()))  # reflections reach this far inside
    start = np.clip(np.floor(low - margin), 0, size - 1).astype(int)
    stop = np.clip(np.ceil(high + margin), start + 1, size).astype(int)
    return pixels[start[1] : stop[1], start[0] : stop[0]], start.astype(np.float64)


def _sample(patch: Pixels, corners: Points, width: int, height: int) -> Pixels:
    across, down = (corners[1] - corners[0]) / width, (corners[3] - corners[0]) / height
    # OpenCV puts pixel centres at whole numbers: shift by half a pixel on both sides.
    origin = corners[0] + (across + down) / 2 - 0.5
    matrix: NDArray[Any] = np.stack([across, down, origin], axis=1)
    return np.asarray(
        cv2.warpAffine(
            np.ascontiguousarray(patch),
            matrix,
            (width, height),
            flags=cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP,
            borderMode=cv2.BORDER_REFLECT_101,
        ),
        dtype=np.uint8,
    )
