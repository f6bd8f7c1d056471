"""Measures whether a face is well lit: too dark, burnt out, or without contrast."""

from dataclasses import dataclass

import numpy as np

from adatune.images import Pixels
from adatune.prep.opencv import cv2
from adatune.prep.view import FACE

# Where a fault begins and where it is complete. No tone of skin may count as one, so nothing here is a mean:
# even dark skin has highlights, and a picture at its right exposure has something bright somewhere.
_PICTURE_DARK = (68.0, 48.0)  # CIE lightness of the brightest hundredth of the view
_FACE_DARK = (50.0, 30.0)  # the same of the face, for one against the light
_BURNT = (0.05, 0.40)  # share of the face that has no tone left; a shiny brow is no fault
_FLAT = (22.0, 8.0)  # CIE lightness from the darkest twentieth of the face to the brightest
_NO_TONE = 250  # level of the green channel, which lightness follows most
_NEAR = (slice(20, 300), slice(20, 236))  # of the view; frames and borders stay out
_LEAST_WORD = 0.25  # of a fault that is worth a word


@dataclass(frozen=True)
class Exposure:
    """How a face is lit. Dark, bright and score: 0 (no fault) to 1 (complete)."""

    dark: float
    bright: float
    contrast: float  # CIE lightness from the darkest to the brightest tones of the face, 0 to 100
    score: float  # of the worst fault

    @property
    def words(self) -> str:
        """The worst fault: 'too dark', 'burnt out' or 'flat'; empty for a good picture."""
        if self.score < _LEAST_WORD:
            return ""
        faults = {"too dark": self.dark, "burnt out": self.bright}
        return next((word for word, fault in faults.items() if fault == self.score), "flat")


def measure_exposure(view: Pixels) -> Exposure:
    """Judge the light on a face by its highlights, its clipped tones and their spread.

    Args:
        view: the levelled face, [VIEW_HEIGHT, VIEW_WIDTH, 3] uint8.
    """
    lab = cv2.cvtColor(view.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    lightness = np.asarray(lab, dtype=np.float32)[..., 0]
    shade, light, brightest = np.percentile(lightness[FACE], [5, 95, 99])
    dark = max(
        _between(float(np.percentile(lightness[_NEAR], 99)), _PICTURE_DARK),
        _between(float(brightest), _FACE_DARK),
    )
    bright = _between(float((view[..., 1][FACE] >= _NO_TONE).mean()), _BURNT)
    contrast = float(light - shade)
    return Exposure(dark, bright, contrast, max(dark, bright, _between(contrast, _FLAT)))


def _between(value: float, limits: tuple[float, float]) -> float:
    """0 at the first limit and before it, 1 at the second and beyond."""
    return min(1.0, max(0.0, (value - limits[0]) / (limits[1] - limits[0])))
