"""Guesses whether the eyes of a face are open; good for a warning and no more.

An open eye shows the iris, dark and about 12 pixels high in the view, of which lids leave 8 or more; a closed
one shows the line of its lashes. Narrow and shaded eyes lie between, and small photos show no iris at all.
"""

import numpy as np
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.opencv import cv2

_LEFT, _RIGHT = 96, 160  # where the view has the eyes, pixels
_ROWS = slice(138, 166)
_REACH = 16  # pixels to either side that an eye is looked for
_STRIP = 7  # width that is averaged, pixels: narrower than an iris
_LASHES, _IRIS = 5.5, 13.0  # heights of the dark part of a closed and of a wide open eye, pixels


def eyes_open(view: Pixels) -> float:
    """How far the eyes are open, the mean of both: 0 (closed) to 1 (open).

    Args:
        view: the levelled face, [320, 256, 3] uint8, 64 pixels between the eyes.
    """
    lab = cv2.cvtColor(view.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness = np.asarray(cv2.GaussianBlur(lab, (0, 0), 1), dtype=np.float32)[..., 0]
    heights = [_dark_height(lightness, middle) for middle in (_LEFT, _RIGHT)]
    return min(1.0, max(0.0, (float(np.mean(heights)) - _LASHES) / (_IRIS - _LASHES)))


def _dark_height(lightness: NDArray[np.float32], middle: int) -> int:
    """Pixels that the dark part of one eye is high, in the strip where it is highest."""
    skin = float(np.percentile(lightness[130:185, middle - 22 : middle + 22], 80))
    darkness = (skin - lightness[_ROWS, middle - _REACH : middle + _REACH]) / max(skin, 20.0)
    strips = [darkness[:, left : left + _STRIP].mean(axis=1) for left in range(4, 22, 2)]
    return max(_run_through_peak(strip) for strip in strips)


def _run_through_peak(darkness: NDArray[np.float32]) -> int:
    """How many rows around the darkest one are more than half as dark."""
    peak = int(darkness.argmax())
    is_light = darkness <= 0.5 * max(0.15, float(darkness[peak]))
    above = np.flatnonzero(is_light[:peak])
    below = np.flatnonzero(is_light[peak:])
    top = int(above[-1]) + 1 if above.size else 0
    bottom = peak + int(below[0]) if below.size else len(darkness)
    return max(0, bottom - top)
