"""Tells whether something covers a face: a mask, a scarf, sunglasses, a hand, a microphone.

MTCNN finds masked faces with full confidence, so its score says nothing. What does: whether the parts of the
face have the colours of its own skin, the edges and the symmetry that eyes and mouths have, and how sure of a
face MTCNN's last network, O-Net, still is when some parts are shown alone or painted over.
"""

import math
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.landmarks import Refined
from adatune.prep.opencv import cv2
from adatune.prep.output_network import output_network
from adatune.prep.view import EYE_LINE, VIEW_EYES

Floats = NDArray[np.float32]
Box = tuple[int, int, int, int]  # left, right, top, bottom in pixels

# Parts of the view (64 pixels between the eyes).
_EYES: tuple[Box, Box] = ((80, 112, 140, 162), (144, 176, 140, 162))
_UNDER_EYES: tuple[Box, Box] = ((82, 110, 166, 178), (146, 174, 166, 178))
_CHEEKS: tuple[Box, Box] = ((84, 104, 182, 206), (152, 172, 182, 206))
_JAWS: tuple[Box, Box] = ((88, 108, 214, 238), (148, 168, 214, 238))
_OTHER_SKIN: tuple[Box, ...] = (
    (118, 138, 168, 190),  # nose
    (120, 136, 140, 158),  # bridge
    (112, 144, 236, 256),  # chin
    (106, 150, 104, 126),  # forehead
)
_MOUTH: Box = (106, 150, 206, 228)
_AROUND_MOUTH: Box = (92, 164, 196, 250)
_MOUTH_LINE: Box = (100, 156, 196, 240)
_INNER_FACE: Box = (70, 186, 120, 240)
_UPPER_HALF: Box = (70, 128, 120, 172)  # of the left side

_WINDOW = 48  # input side of O-Net, pixels, which sees the eyes at (0.336, 0.368) and (0.676, 0.368) of it
_WINDOW_IN_VIEW = VIEW_EYES / 0.34
_WINDOW_LEFT, _WINDOW_TOP = 96 - 0.336 * _WINDOW_IN_VIEW, EYE_LINE - 0.368 * _WINDOW_IN_VIEW
# Shown alone, the rest painted in the mean colour; or painted over in the mean colour of the face.
_ALONE: dict[str, Box] = {
    "left_eye": (6, 24, 11, 24),
    "right_eye": (24, 42, 11, 24),
    "left": (0, 24, 0, 48),
    "right": (24, 48, 0, 48),
}
_WITHOUT: dict[str, Box] = {
    "eyes": (6, 42, 11, 24),
    "left_cheek": (4, 17, 21, 38),
    "right_cheek": (31, 44, 21, 38),
}

# Logistic fits by benchmarks/occlusion.py over one half of the people: log odds, 0 at the usual limit of 0.5.
LOWER: dict[str, float] = {
    "lower_alone": -0.424,
    "without_eyes": -0.172,
    "mouth_colour": 0.111,
    "better_eye_alone": 0.31,
    "mouth_line": -1.94,
    "mouth_upright_edges": 1.14,
    "jaw_difference": -0.0909,
    "mouth_unlike_skin": 2.59,
    "mouth_alone": -0.354,
    "constant": -2.83,
}
EYES: dict[str, float] = {
    "eye_edges_relative": -3.6,
    "worse_half_alone": -0.0694,
    "under_eye_colour": 0.151,
    "eyes_alone": -0.208,
    "under_eye_light": -0.0395,
    "eye_edges": -1.53,
    "constant": 1.42,
}
SIDE: dict[str, float] = {
    "eye_edges_relative": -4.53,
    "cheek_colour": 0.0136,
    "eye_symmetry": -3.17,
    "cheek_needed": -0.872,
    "under_eye_colour_worse": 0.124,
    "lower_alone": -0.0421,
    "eye_contrast": 0.0945,
    "constant": 1.21,
}


def measure_occlusion(view: Pixels, refined: Refined) -> float:
    """How likely a face is covered, 0 to 1.

    Args:
        view: the levelled face, [320, 256, 3] uint8, 64 pixels between the eyes.
        refined: the same face as O-Net saw it in the photo.
    Returns: the largest of the scores for the lower half, both eyes, and one side.
    """
    features = occlusion_features(view, refined)
    odds = max(weighed(LOWER, features), weighed(EYES, features), weighed(SIDE, features))
    return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def weighed(weights: Mapping[str, float], features: Mapping[str, float]) -> float:
    """Log odds: the features by their weights, and the weight named 'constant'."""
    return sum(weight * features.get(name, 1.0) for name, weight in weights.items())


def occlusion_features(view: Pixels, refined: Refined) -> dict[str, float]:
    """What the scores are made of: differences in CIE Lab, edges in its lightness, and log odds of a face."""
    lab = np.asarray(cv2.cvtColor(view.astype(np.float32) / 255, cv2.COLOR_RGB2LAB), dtype=np.float32)
    return {
        **_colour_features(np.asarray(cv2.GaussianBlur(lab, (0, 0), 2.5), dtype=np.float32)),
        **_edge_features(lab[..., 0]),
        **_part_features(view, refined),
    }


def _colour_features(soft: Floats) -> dict[str, float]:
    """How parts differ from the face's skin: the patch that is nearest to all others, whatever its tone.

    Lipstick is no cover, so the mouth may be as red as it likes.
    """
    under, cheeks, jaws = ([_median(soft, box) for box in pair] for pair in (_UNDER_EYES, _CHEEKS, _JAWS))
    skin = _most_typical([*under, *cheeks, *jaws, *(_median(soft, box) for box in _OTHER_SKIN)])
    around = _crop(soft, _AROUND_MOUTH) - skin
    is_unlike = (_unlike_lips(around) > 8) | (np.abs(around[..., 0]) > 25)
    left_jaw, right_jaw = (_colour_distance(part, skin) for part in jaws)
    beneath = [_colour_distance(part, skin) for part in under]
    return {
        "mouth_colour": float(_unlike_lips(_median(soft, _MOUTH) - skin)),
        "mouth_unlike_skin": float(is_unlike.mean()),
        "jaw_difference": abs(left_jaw - right_jaw),
        "cheek_colour": max(_colour_distance(part, skin) for part in cheeks),
        "under_eye_colour": sum(beneath) / 2,
        "under_eye_colour_worse": max(beneath),
        "under_eye_light": float(
            np.mean([part[0] for part in under]) - np.mean([part[0] for part in cheeks])
        ),
    }


def _edge_features(light: Floats) -> dict[str, float]:
    soft = np.asarray(cv2.GaussianBlur(light, (0, 0), 1.5), dtype=np.float32)
    across, down = (_slope(soft, *way) for way in ((1, 0), (0, 1)))
    eyes = min(float(_crop(down, box).mean()) for box in _EYES)
    face = float(_crop(across, _INNER_FACE).mean() + _crop(down, _INNER_FACE).mean())
    rows = _crop(soft, _MOUTH_LINE).mean(axis=1)
    return {
        "eye_edges": math.log(eyes + 0.1),
        "eye_edges_relative": eyes / (face + 0.3),
        "eye_contrast": max(float(_crop(light, box).std()) for box in _EYES),
        "eye_symmetry": _correlation(_crop(soft, _UPPER_HALF), _crop(soft[:, ::-1], _UPPER_HALF)),
        "mouth_line": float(np.abs(np.diff(rows)).mean()),
        "mouth_upright_edges": float(_crop(across, _MOUTH).mean()),
    }


def _part_features(view: Pixels, refined: Refined) -> dict[str, float]:
    """Log odds of a face with parts of it hidden."""
    whole, alone, without = _part_log_odds(_window(view))
    return {
        "lower_alone": refined.part_logits["lower"],
        "mouth_alone": refined.part_logits["mouth"],
        "eyes_alone": refined.part_logits["eyes"],
        "better_eye_alone": max(alone["left_eye"], alone["right_eye"]),
        "worse_half_alone": min(alone["left"], alone["right"]),
        "without_eyes": without["eyes"],
        "cheek_needed": min(whole - without["left_cheek"], whole - without["right_cheek"]),
    }


def _part_log_odds(window: Floats) -> tuple[float, dict[str, float], dict[str, float]]:
    """Of the whole window, of each part of `_ALONE`, without each of `_WITHOUT`; as seen and mirrored."""
    everywhere = window.mean(axis=(1, 2), keepdims=True)
    inner = window[:, 8:44, 8:40].mean(axis=(1, 2), keepdims=True)
    shown = [window]
    for left, right, top, bottom in _ALONE.values():
        painted = np.broadcast_to(everywhere, window.shape).copy()
        painted[:, top:bottom, left:right] = window[:, top:bottom, left:right]
        shown.append(painted)
    for left, right, top, bottom in _WITHOUT.values():
        painted = window.copy()
        painted[:, top:bottom, left:right] = inner
        shown.append(painted)
    both = torch.from_numpy(np.stack([*shown, *(picture[:, :, ::-1] for picture in shown)]))
    with torch.no_grad():
        scores = output_network()(both.contiguous(memory_format=torch.channels_last))[2].clamp_min(1e-30)
    odds = (scores[:, 1].log() - scores[:, 0].log()).reshape(2, -1).mean(dim=0).tolist()
    alone = dict(zip(_ALONE, odds[1:], strict=False))
    return odds[0], alone, dict(zip(_WITHOUT, odds[1 + len(_ALONE) :], strict=True))


def _window(view: Pixels) -> Floats:
    """The face as O-Net takes it: [3, 48, 48], about -1 to 1."""
    step = _WINDOW_IN_VIEW / (2 * _WINDOW)
    offset = step / 2 - 0.5  # OpenCV puts pixel centres at whole numbers
    matrix = np.array([[step, 0, _WINDOW_LEFT + offset], [0, step, _WINDOW_TOP + offset]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    fine = np.asarray(cv2.warpAffine(view, matrix, (2 * _WINDOW, 2 * _WINDOW), flags=flags), dtype=np.float32)
    window = fine.reshape(_WINDOW, 2, _WINDOW, 2, 3).mean(axis=(1, 3))
    return np.ascontiguousarray(((window - 127.5) * 0.0078125).transpose(2, 0, 1))


def _crop(picture: Floats, box: Box) -> Floats:
    left, right, top, bottom = box
    return picture[top:bottom, left:right]


def _median(lab: Floats, box: Box) -> Floats:
    return np.median(_crop(lab, box).reshape(-1, 3), axis=0)


def _most_typical(colours: list[Floats]) -> Floats:
    """The colour whose median distance from the others is least; light and shade count a quarter."""
    scaled = np.stack(colours) * np.array([0.25, 1, 1], dtype=np.float32)
    distances = np.sqrt(((scaled[:, None] - scaled[None]) ** 2).sum(axis=-1))
    return colours[int(np.median(distances, axis=1).argmin())]


def _colour_distance(colour: Floats, other: Floats) -> float:
    return float(np.hypot(*(colour - other)[1:]))


def _unlike_lips(offset: Floats) -> Floats:
    """How far colours [..., 3] are from skin in a direction in which lips are not: green, blue or yellow."""
    return np.hypot(np.minimum(0, offset[..., 1]), 0.7 * offset[..., 2])


def _slope(soft: Floats, x: int, y: int) -> Floats:
    return np.abs(np.asarray(cv2.Sobel(soft, cv2.CV_32F, x, y, ksize=3, scale=1 / 8), dtype=np.float32))


def _correlation(left: Floats, right: Floats) -> float:
    if min(left.std(), right.std()) < 0.1:
        return 0.0
    return float(np.corrcoef(left.ravel(), right.ravel())[0, 1])
