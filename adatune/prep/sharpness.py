"""Measures how sharp a found face is, by its own edges."""

import numpy as np
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.opencv import cv2

VIEW_WIDTH, VIEW_HEIGHT = 256, 320  # of the levelled face that is measured: 64 pixels between the eyes
_VIEW_EYES = VIEW_WIDTH / 4


def edge_blur(view: Pixels) -> float:
    """The blur of a face's own edges (lids, brows, lips, nostrils), as the standard deviation of a Gaussian.

    An edge blurred by s has its slope divided by sqrt(s^2 + a^2) when blurred by a further a, so the ratio of
    the slopes under two known blurs tells s, whatever the contrast. Only the strongest edges inside the face
    count: smooth skin and a blurred background are no fault of a portrait.

    Args:
        view: the levelled face, [VIEW_HEIGHT, VIEW_WIDTH, 3] uint8, cut by `crop.portrait_corners`.
    Returns: eye distances; about 0.01 is sharp, 0.05 visibly blurred.
    Source: after Zhuo and Sim 2011, "Defocus map estimation from a single image".
    """
    grey = np.asarray(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    fine, coarse = 1.0, 2.0
    slope_fine, slope_coarse = _slope(grey, fine), _slope(grey, coarse)
    inside = _FACE_MASK
    strong = inside & (slope_fine >= np.quantile(slope_fine[inside], 0.96)) & (slope_coarse > 1e-3)
    if not strong.any():
        return 1.0  # one flat colour
    ratio = float(np.median(slope_fine[strong] / slope_coarse[strong]))
    if ratio <= 1.02:
        return 1.0
    variance = (coarse**2 - ratio**2 * fine**2) / (ratio**2 - 1)
    return float(np.sqrt(max(0.0, variance))) / _VIEW_EYES


def _slope(grey: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(grey, (0, 0), blur)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)
    return np.hypot(np.asarray(across, np.float32), np.asarray(down, np.float32))


def _face_mask() -> NDArray[np.bool_]:
    """From above the brows to below the lips; hair, background and borders stay out."""
    y, x = np.mgrid[0:VIEW_HEIGHT, 0:VIEW_WIDTH]
    middle_y = 0.47 * VIEW_HEIGHT + 0.45 * _VIEW_EYES
    return ((x - VIEW_WIDTH / 2) / (0.85 * _VIEW_EYES)) ** 2 + ((y - middle_y) / (1.1 * _VIEW_EYES)) ** 2 <= 1


_FACE_MASK = _face_mask()
