"""Measures the colours of a face and its surroundings, and finds photos whose colours differ from the rest.

One grey photo among colour ones, or one under a blue lamp, is what a generator spends a corner of itself on.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.opencv import cv2
from adatune.prep.view import FACE

GREY_CHROMA = 2.5  # below, a photo is grey or toned in one colour
GREY_DISTANCE = 10.0  # how odd a grey photo among colour ones is, and the reverse
_FEWEST = 8  # photos that make a rest to differ from
_RARE = 1 / 3  # of the photos; what more of them have is no oddity
_LEAST_SPREAD = 4.0  # CIE Lab; people and lamps differ by as much in any set


@dataclass(frozen=True)
class Colour:
    """Colours in CIE Lab."""

    chroma: float  # how far colours are from those of one tone at their lightness; 0 is grey, sepia or blue
    a: float  # median of the face, green (negative) to red
    b: float  # median of the face, blue (negative) to yellow


def measure_colour(view: Pixels) -> Colour:
    """How much colour a picture has and which its face has.

    A toned photo (sepia) has colour, but only one at each lightness, so the standard deviation
    of a and b from their mean at the same lightness counts, in steps of 5.

    Args:
        view: the levelled face, [VIEW_HEIGHT, VIEW_WIDTH, 3] uint8.
    """
    small = cv2.resize(view, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    lab = np.asarray(cv2.cvtColor(np.asarray(small, np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float32)
    a, b = (np.median(lab[..., channel][FACE[2::4, 2::4]]) for channel in (1, 2))
    return Colour(_chroma(lab.reshape(-1, 3)), float(a), float(b))


def _chroma(lab: NDArray[np.float32]) -> float:
    step = np.clip(lab[:, 0] / 5, 0, 20).astype(int)
    count = np.maximum(1, np.bincount(step, minlength=21))
    square = 0.0
    for channel in (1, 2):
        mean = np.bincount(step, lab[:, channel], 21) / count
        square += float(((lab[:, channel] - mean[step]) ** 2).mean())
    return float(np.sqrt(square))


def odd_colours(colours: Sequence[Colour]) -> dict[int, float]:
    """Which photos are grey among colour ones, in colour among grey ones, or have another cast than the rest.

    Args:
        colours: of all photos.
    Returns: for each photo that differs, how far: in robust standard deviations of the rest for a cast,
        `GREY_DISTANCE` for a grey photo in a colour set and the reverse. Photos of fewer than 8, and what a
        third of a set or more have in common, are not odd.
    """
    if len(colours) < _FEWEST:
        return {}
    is_grey = np.array([colour.chroma < GREY_CHROMA for colour in colours])
    odd: dict[int, float] = {}
    for some in (is_grey, ~is_grey):
        if some.mean() < _RARE:
            odd |= {int(index): GREY_DISTANCE for index in np.flatnonzero(some)}
    rest = np.array([index for index in range(len(colours)) if index not in odd and not is_grey[index]])
    if len(rest) < _FEWEST:
        return odd
    casts = np.array([[colours[index].a, colours[index].b] for index in rest])
    return odd | dict(zip(rest.tolist(), _distances(casts).tolist(), strict=True))


def _distances(casts: NDArray[np.float64]) -> NDArray[np.float64]:
    """How far each cast [count, 2] lies from the median of all, in their robust standard deviations."""
    offset = casts - np.median(casts, axis=0)
    spread = np.maximum(_LEAST_SPREAD, 1.4826 * np.median(np.abs(offset), axis=0))
    return np.hypot(*(offset / spread).T)
