"""Tells whether something covers a face: a mask, a scarf, sunglasses, a bar.

MTCNN finds masked faces with full confidence, so its score says nothing. What does: whether the skin of the
cheeks and the nose is that of the brow, whether there is a mouth, and whether half a face alone still looks
like a face.
"""

import math

import numpy as np
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.faces import Refined
from adatune.prep.opencv import cv2

# Places in the levelled view (256 x 320 pixels, 64 between the eyes), x and y.
_BROW = [(128, 137), (128, 150), (118, 160), (138, 160), (110, 126), (146, 126)]
_CHEEKS = [(92, 190), (164, 190), (100, 205), (156, 205), (84, 178), (172, 178)]
_NOSE = [(128, 185), (120, 188), (136, 188)]
_LEFT_EYE, _RIGHT_EYE = (slice(138, 164), slice(80, 112)), (slice(138, 164), slice(144, 176))
_MOUTH, _EYES = (slice(205, 230), slice(110, 146)), (slice(130, 170), slice(80, 176))


def measure_occlusion(view: Pixels, refined: Refined) -> tuple[float, dict[str, float]]:
    """How likely a face is covered, 0 to 1, and the parts that say so.

    Args:
        view: the levelled face, [320, 256, 3] uint8, 64 pixels between the eyes.
        refined: the face as MTCNN's last network saw it.
    Returns: the larger of the two scores for the lower half and the eyes; each feature by its name.
    """
    parts = occlusion_features(view, refined)
    return max(lower_half_score(parts), eyes_score(parts)), parts


def occlusion_features(view: Pixels, refined: Refined) -> dict[str, float]:
    """What the scores are made of: differences in CIE Lab, edges in units of lightness, and log odds."""
    lab = np.asarray(cv2.cvtColor(view.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float32)
    soft = np.asarray(cv2.GaussianBlur(lab, (0, 0), 3), dtype=np.float32)
    light = lab[..., 0]
    brow, cheeks, nose = (_median(soft, places) for places in (_BROW, _CHEEKS, _NOSE))
    edges = np.abs(np.diff(np.asarray(cv2.GaussianBlur(light, (0, 0), 1.5), dtype=np.float32), axis=0))
    eyes = [light[_LEFT_EYE], light[_RIGHT_EYE]]
    return {
        "cheek_colour": float(np.hypot(*(brow - cheeks)[1:])),
        "nose_light": float(abs(brow[0] - nose[0])),
        "skin_colour": float(np.hypot(*brow[1:])),
        "mouth_edges": float(edges[_MOUTH].mean() / (edges[_EYES].mean() + 0.1)),
        "eye_light": float(max(np.percentile(eye, 90) for eye in eyes) - cheeks[0]),
        "eye_contrast": float(min(eye.std() for eye in eyes)),
        "eye_edges": float(edges[_EYES].mean()),
        "eyes_alone": refined.part_logits["eyes"],
        "lower_alone": refined.part_logits["lower"],
        "mouth_alone": refined.part_logits["mouth"],
        "mirror_gap": refined.mirror_gap,
    }


def lower_half_score(parts: dict[str, float]) -> float:
    """How likely a mask, scarf or hand covers nose and mouth, 0 to 1.

    A logistic fit over six features of 87 real masks, 225 painted bars and hands, and 448 free faces.
    """
    odds = (
        1.45 * math.log(parts["cheek_colour"] + 2)
        - 0.041 * parts["skin_colour"]
        + 0.28 * math.log(parts["nose_light"] + 4)
        - 2.87 * math.log(parts["mouth_edges"] + 0.1)
        - 0.377 * parts["mouth_alone"]
        - 0.461 * parts["lower_alone"]
        - 9.2
    )
    return _logistic(odds)


def eyes_score(parts: dict[str, float]) -> float:
    """How likely sunglasses or a bar cover the eyes, 0 to 1: a fit of 174 painted and 448 free faces."""
    odds = (
        -0.084 * min(10.0, parts["eye_light"])
        - 0.99 * math.log(parts["eye_contrast"] + 1)
        - 4.05 * math.log(parts["eye_edges"] + 0.1)
        - 0.90 * parts["eyes_alone"]
        + 1.60 * math.log(parts["mirror_gap"] + 0.02)
        + 4.8
    )
    return _logistic(odds)


def _median(lab: NDArray[np.float32], places: list[tuple[int, int]]) -> NDArray[np.float32]:
    return np.median(np.stack([lab[y, x] for x, y in places]), axis=0)


def _logistic(odds: float) -> float:
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))
