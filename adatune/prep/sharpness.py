"""Measures how sharp a face is by its own edges: smooth skin and a blurred background cost nothing."""

import numpy as np
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.opencv import cv2
from adatune.prep.view import FACE, VIEW_EYES

_FINE, _COARSE, _FORM = 1.0, 2.0, 4.0  # standard deviations of the known blurs, pixels of the view
_DIRECTIONS = np.arange(8) * np.pi / 8
_VIEW_BLUR = 0.5  # pixels: what sharp portraits of 200 pixels and more between the eyes measure in the view
_MEAN_PER_MEDIAN = 2.2  # of the squares of normal noise
_FAINTEST = 0.02  # squared slope, grey levels per pixel, of a picture that has edges at all
_BLURRED_WHOLLY = 1.0  # eye distances


def edge_blur(view: Pixels) -> float:
    """The blur of a face (lids, brows, lips, nostrils), as the standard deviation of a Gaussian.

    The energy of the slopes across an edge that is blurred by s, and then by a further a, falls as
    1 / sqrt(s^2 + a^2). So the ratio r of the energies under two known blurs a < b tells s, whatever the
    contrast: s^2 = (b^2 - r^2 a^2) / (r^2 - 1). It is measured along eight directions, of which the most
    blurred counts: motion blurs only one. The energy of noise and grain, known from the flattest third of the
    face, is taken off first.

    Args:
        view: the levelled face, [VIEW_HEIGHT, VIEW_WIDTH, 3] uint8.
    Returns: eye distances; below 0.012 is sharp, 0.025 soft, 0.05 clearly blurred; at most 1. A disc of
        radius R reads R / 2; straight motion over a length L reads about 0.22 L.
    """
    grey = np.asarray(cv2.cvtColor(view[_BOX], cv2.COLOR_RGB2GRAY), dtype=np.float32)
    fine, coarse, form = (_slopes(grey, blur) for blur in (_FINE, _COARSE, _FORM))
    strength = (form**2).sum(axis=0)
    flat = strength <= np.quantile(strength, 0.35)
    return max(_blur_along(angle, fine, coarse, flat) for angle in _DIRECTIONS)


def _blur_along(
    angle: float, fine: NDArray[np.float32], coarse: NDArray[np.float32], flat: NDArray[np.bool_]
) -> float:
    """Blur in eye distances along one direction; FINE and COARSE are slopes [2, pixels], FLAT [pixels]."""
    along = np.array([np.cos(angle), np.sin(angle)], dtype=np.float32)
    energy_fine, energy_coarse = (_energy(along @ slopes, flat) for slopes in (fine, coarse))
    if energy_coarse < _FAINTEST:
        return _BLURRED_WHOLLY  # one flat colour
    ratio = (energy_fine / energy_coarse) ** 2
    if ratio <= 1.001:
        return _BLURRED_WHOLLY
    variance = (_COARSE**2 - ratio * _FINE**2) / (ratio - 1) - _VIEW_BLUR**2
    return min(_BLURRED_WHOLLY, float(np.sqrt(max(0.0, variance))) / VIEW_EYES)


def _energy(slopes: NDArray[np.float32], flat: NDArray[np.bool_]) -> float:
    squares = slopes**2
    return float(squares.mean() - _MEAN_PER_MEDIAN * np.median(squares[flat]))


def _slopes(grey: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    """Slopes across and down inside the face after a further BLUR, grey levels per pixel, [2, pixels]."""
    soft = cv2.GaussianBlur(grey, (0, 0), blur)
    across = np.asarray(cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3), dtype=np.float32)
    down = np.asarray(cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3), dtype=np.float32)
    return np.stack([across[_INSIDE], down[_INSIDE]]) / np.float32(8)


_BOX = (slice(92, 267), slice(57, 199))  # around the mask, with a margin for the coarsest blur
_INSIDE = FACE[_BOX]
