"""Where to cut: the box around a face, around the middle of a photo, or drawn by hand, as four corners.

Networks are square, so a box of any shape is squashed to a square by `resample.cut`; the recorded aspect
undoes the squash wherever a picture is shown.
"""

import math

import numpy as np
from numpy.typing import NDArray

from adatune.errors import PhotosError
from adatune.prep.config import PORTRAIT_ASPECT

# [count, 2], x and y in pixels; pixel centres lie at whole numbers plus one half.
Points = NDArray[np.float64]

_FACE_WIDTH, _FACE_HEIGHT = 4.0, 5.0  # eye distances that a portrait holds, whatever its ratio
_EYE_LINE = 0.47  # of the height, from the top
_MOST_PIXELS = 100_000  # of a side of a hand-made box: above is a slip of the hand


def face_corners(landmarks: Points, align: str, aspect: float) -> Points:
    """Corners of the box around a face: upper left, upper right, lower right, lower left, [4, 2].

    `portrait54` is levelled by the eye line and centred between the eyes, which lie at 0.47 of the height.
    It is the smallest box of its aspect that holds four eye distances across and five down: at 5:4 the eyes
    are at 0.375 and 0.625 of the width, where FFHQ has them; a taller ratio keeps that and adds height, a
    wider one keeps the height of five and adds to the sides, so no ratio cuts a face.

    `ffhq` is the square of FFHQ's alignment, which the mouth levels as well as the eyes. Another aspect makes
    it taller or wider about its centre.

    Args:
        landmarks: left eye, right eye, nose, left and right mouth corner (as seen), [5, 2]; `portrait54`
            looks at the eyes only.
        align: 'portrait54' or 'ffhq'.
        aspect: height / width.
    Source: Karras et al. 2019, arXiv:1812.04948 (FFHQ).
    """
    if align == "ffhq":
        return _ffhq_corners(landmarks, aspect)
    left_eye, right_eye = landmarks[0], landmarks[1]
    across = (right_eye - left_eye) * max(_FACE_WIDTH, _FACE_HEIGHT / aspect)
    down = _turned(across) * aspect
    return _box((left_eye + right_eye) / 2 - across / 2 - down * _EYE_LINE, across, down)


def portrait_corners(landmarks: Points) -> Points:
    """The 5:4 box in which faces are looked at and measured, whatever they are cut by, [4, 2]."""
    return face_corners(landmarks, "portrait54", PORTRAIT_ASPECT)


def _ffhq_corners(landmarks: Points, aspect: float) -> Points:
    between_eyes = landmarks[1] - landmarks[0]
    eyes, mouth = landmarks[:2].mean(axis=0), landmarks[3:5].mean(axis=0)
    eyes_to_mouth = mouth - eyes
    direction = between_eyes - _turned(eyes_to_mouth)
    reach = max(2.0 * _length(between_eyes), 1.8 * _length(eyes_to_mouth))
    half = direction / max(1e-12, _length(direction)) * reach
    across, down = half * 2 * max(1.0, 1 / aspect), _turned(half) * 2 * max(1.0, aspect)
    return _box(eyes + 0.1 * eyes_to_mouth - across / 2 - down / 2, across, down)


def centre_corners(width: int, height: int, aspect: float) -> Points:
    """Corners of the largest centred box of ASPECT (height / width) within WIDTH x HEIGHT pixels, [4, 2]."""
    size = np.array([min(width, height / aspect), min(height, width * aspect)])
    upper_left = (np.array([width, height]) - size) / 2
    return _box(upper_left, np.array([size[0], 0]), np.array([0, size[1]]))


def box_corners(x: float, y: float, width: float, height: float, angle: float, aspect: float) -> Points:
    """Corners of a hand-made box, made wider or taller about its centre until it has ASPECT, [4, 2].

    Args:
        x, y: the upper left corner before turning, pixels of the upright photo.
        width, height: pixels, above 0.
        angle: degrees that the box is turned clockwise, as seen, about its centre.
        aspect: height / width.
    Raises: PhotosError for a box without an area, or numbers that no photo has.
    """
    if (
        not all(abs(number) <= _MOST_PIXELS for number in (x, y, width, height, angle))
        or min(width, height) <= 0
    ):
        raise PhotosError(
            f"A box of {width} x {height} pixels at ({x}, {y}), turned by {angle} degrees, holds no picture. "
            f"Give numbers of at most {_MOST_PIXELS:,}, with width and height above 0."
        )
    centre = np.array([x + width / 2, y + height / 2])
    direction = np.array([math.cos(math.radians(angle)), math.sin(math.radians(angle))])
    across = direction * max(width, height / aspect)
    down = _turned(direction) * max(height, width * aspect)
    return _box(centre - across / 2 - down / 2, across, down)


def box_size(corners: Points) -> tuple[float, float]:
    """Width and height of a box in the photo's pixels."""
    return _length(corners[1] - corners[0]), _length(corners[3] - corners[0])


def invented_share(corners: Points, width: int, height: int) -> float:
    """The share of the box, 0 to 1, that lies outside a photo of WIDTH x HEIGHT and has to be invented."""
    whole = _area(corners)
    if whole <= 0:
        return 1.0
    inside = corners
    for axis, limit in ((0, width), (1, height)):
        inside = _clip(inside, inside[:, axis])
        inside = _clip(inside, limit - inside[:, axis])
    return min(1.0, max(0.0, 1 - _area(inside) / whole))


def _clip(polygon: Points, depth: Points) -> Points:
    """The part of a convex polygon where DEPTH, given at its corners, is not negative.

    Source: Sutherland and Hodgman 1974.
    """
    kept: list[Points] = []
    for index in range(len(polygon)):
        before, here = depth[index - 1], depth[index]
        if before * here < 0:
            share = before / (before - here)
            kept.append(polygon[index - 1] + share * (polygon[index] - polygon[index - 1]))
        if here >= 0:
            kept.append(polygon[index])
    return np.array(kept).reshape(-1, 2)


def _area(polygon: Points) -> float:
    """By the shoelace formula."""
    following = np.roll(polygon, -1, axis=0)
    return abs(float((polygon[:, 0] * following[:, 1] - polygon[:, 1] * following[:, 0]).sum())) / 2


def _box(upper_left: Points, across: Points, down: Points) -> Points:
    return np.stack([upper_left, upper_left + across, upper_left + across + down, upper_left + down])


def _turned(vector: Points) -> Points:
    """A quarter turn clockwise, as seen: from 'to the right' to 'down'."""
    return np.array([-vector[1], vector[0]])


def _length(vector: Points) -> float:
    return float(np.hypot(vector[0], vector[1]))
