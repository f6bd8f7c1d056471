"""Finds the faces of a photo, upright or turned, with five landmarks each, and none where there is none.

MTCNN proposes; its last network then looks again at each proposal, levelled. A face gains by that, something
that only resembled one loses: together they tell which proposals, and which way up of a photo, to believe.
Source: Zhang et al. 2016, arXiv:1604.02878; facenet-pytorch 2.5.3, whose weights ship with the package.
"""

import math
import warnings
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
import torch

from adatune.images import Pixels
from adatune.prep.crop import Points
from adatune.prep.landmarks import MEAN_FACE, Refined, face_size, refine, settle, similarity
from adatune.prep.opencv import cv2
from adatune.prep.second_opinion import compare

_SURE = 8.0  # evidence; one wrong face in 1,182 turned copies had more, 86% of small upright faces have
_DOUBTFUL = 3.0  # evidence below which smaller faces are searched for as well
_SURE_SECOND = 0.7  # YuNet's score of a face that it alone sees
_DENIED = 1.0  # evidence below which a proposal is no face, whatever MTCNN's first score
_SAME_FACE = 0.5  # two sets of landmarks nearer than this, in face sizes, are of one face

_LONG_SIDE = 640  # pixels of the copy that is searched; 12 megapixels in full would take forty times as long
_LONG_SIDE_FOR_SMALL_FACES = 1600
_SMALLEST = 25  # pixels of a face in the copy
_MARGIN = 0.2  # grey put around the copy, in long sides: MTCNN squeezes faces that a border cuts


@dataclass(frozen=True)
class Face:
    """One face, in pixels of the upright photo."""

    box: tuple[float, float, float, float]  # left, top, right, bottom, as the detector saw it
    score: float  # the detector's confidence, 0 to 1
    landmarks: Points  # left eye, right eye, nose, left and right mouth corner (left in the picture), [5, 2]
    turn: int  # degrees to turn the photo counter-clockwise for an upright face: 0, 90, 180 or 270
    second: float | None = None  # YuNet's score of the same face, 0 if it sees none; None: not asked
    evidence: float = 0.0  # log odds of a face after a second look, see `FaceFinder`

    @property
    def eye_distance(self) -> float:
        """Pixels between the eyes."""
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))


class FaceFinder:
    """MTCNN, loaded once. Use one in each process."""

    def __init__(self, min_face_pixels: int = 40) -> None:
        """Load the networks; MIN_FACE_PIXELS is the smallest face searched for in a copy of 1,024 pixels."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from facenet_pytorch import MTCNN

            self._networks = cast(Any, MTCNN)(keep_all=True, min_face_size=_SMALLEST)
            # Channels-last: on a CPU max-pooling, a fifth of the work otherwise, becomes a tenth of that.
            self._networks.to(memory_format=torch.channels_last)
        self._fineness = 40 / min_face_pixels

    def find(self, pixels: Pixels, min_score: float) -> list[Face]:
        """All faces scoring MIN_SCORE or more, the largest first; a doubtful one counts as smaller.

        Args:
            pixels: [height, width, 3] uint8 RGB; 1,600 pixels long or more where small faces matter.
            min_score: 0 to 1.
        """
        copy = _reduce(pixels, round(_LONG_SIDE * self._fineness))
        faces = self._search(copy, min_score)
        if _best(faces) < _SURE:
            margin = round(_MARGIN * max(copy.shape[:2]))
            padded = np.pad(copy, ((margin, margin), (margin, margin), (0, 0)), constant_values=127)
            more = [self._search(padded, min_score, turn) for turn in (0, 90, 270, 180)]
            faces = _distinct([*faces, *(_moved(face, 1, -margin) for found in more for face in found)])
        faces = [_moved(face, _ratio(pixels, copy)) for face in faces]
        if _best(faces) < _DOUBTFUL and max(pixels.shape[:2]) > max(copy.shape[:2]):
            large = _reduce(pixels, round(_LONG_SIDE_FOR_SMALL_FACES * self._fineness))
            small = self._search(large, min_score)
            faces = _distinct([*faces, *(_moved(face, _ratio(pixels, large)) for face in small)])
        faces = self._confirmed(copy, [_moved(face, 1 / _ratio(pixels, copy)) for face in faces])
        faces = [_moved(face, _ratio(pixels, copy)) for face in faces]
        return sorted(_one_way_up(faces), key=_weight, reverse=True)

    def refine(self, pixels: Pixels, landmarks: Points) -> Refined:
        """Look again at one face, at the photo's own resolution: see `landmarks.refine`."""
        return refine(self._networks.onet, pixels, landmarks)

    def _search(self, pixels: Pixels, min_score: float, turn: int = 0) -> list[Face]:
        """The faces of a photo turned counter-clockwise by TURN, each once, looked at again."""
        turned = np.ascontiguousarray(np.rot90(pixels, turn // 90))
        faces: list[Face] = []
        for box, score, points in zip(*self._detect(turned), strict=True):
            seen = settle(self._networks.onet, pixels, _turn_back(points, turned.shape, turn))
            evidence = _evidence(seen.logit, score)
            way_up = round(_roll(seen.landmarks) / 90) * 90 % 360
            if score >= min_score and evidence >= (_DOUBTFUL if way_up else _DENIED):
                corners = _turn_back(box, turned.shape, turn)
                faces.append(Face(_box(corners), score, seen.landmarks, way_up, evidence=evidence))
        return _distinct(faces)

    def _confirmed(self, copy: Pixels, faces: list[Face]) -> list[Face]:
        """The faces less the doubtful ones that YuNet does not see, and those that it alone sees."""
        scores, missed = compare(copy, faces)
        kept = [
            replace(face, second=score)
            for face, score in zip(faces, scores, strict=True)
            if face.evidence >= _SURE or score != 0
        ]
        for sight in missed:
            if sight.score >= _SURE_SECOND:
                seen = settle(self._networks.onet, copy, sight.landmarks)
                evidence = _evidence(seen.logit, sight.score)
                face = Face(sight.box, sight.score, seen.landmarks, 0, sight.score, evidence)
                astray = _distance(face, replace(face, landmarks=sight.landmarks)) > _SAME_FACE
                kept.append(replace(face, landmarks=sight.landmarks) if astray else face)
        return _distinct(kept)

    def _detect(self, pixels: Pixels) -> tuple[Points, list[float], Points]:
        """Corners [count, 2, 2], scores, landmarks [count, 5, 2]: MTCNN's object arrays made plain."""
        nothing = np.zeros((0, 2, 2)), [], np.zeros((0, 5, 2))
        if min(pixels.shape[:2]) < _SMALLEST:  # MTCNN fails on pictures smaller than its smallest face
            return nothing
        try:
            found = self._networks.detect(pixels, landmarks=True)
        except (RuntimeError, IndexError, ValueError):  # all candidates degenerate: MTCNN joins an empty list
            return nothing
        if found[0] is None or len(found[0]) == 0:
            return nothing
        boxes, scores, points = (np.stack([np.asarray(x, np.float64) for x in part]) for part in found)
        return boxes.reshape(-1, 2, 2), scores.tolist(), points


def _ratio(pixels: Pixels, copy: Pixels) -> float:
    return max(pixels.shape[:2]) / max(copy.shape[:2])


def _best(faces: list[Face]) -> float:
    return max((face.evidence for face in faces), default=-math.inf)


def _evidence(logit: float, score: float) -> float:
    """Log odds of the second look, and half those of the first: wrong ways up are told apart best so."""
    return logit + 0.5 * math.log((score + 1e-4) / (1 - score + 1e-4))


def _weight(face: Face) -> float:
    """Size in pixels, times how likely the face is one."""
    return face_size(face.landmarks) / (1 + math.exp(_DOUBTFUL - face.evidence))


def _distinct(faces: list[Face]) -> list[Face]:
    """Each face once, the likeliest of those that lie in the same place."""
    kept: list[Face] = []
    for face in sorted(faces, key=lambda face: face.evidence, reverse=True):
        if all(_distance(face, other) > _SAME_FACE for other in kept):
            kept.append(face)
    return kept


def _distance(face: Face, other: Face) -> float:
    """Between two faces' middles, in sizes of the larger."""
    apart = face.landmarks.mean(axis=0) - other.landmarks.mean(axis=0)
    return float(np.hypot(*apart)) / max(1e-6, face_size(face.landmarks), face_size(other.landmarks))


def _one_way_up(faces: list[Face]) -> list[Face]:
    """The faces but those that stand otherwise than the likeliest one and are not sure themselves."""
    if not faces:
        return []
    upright = math.radians(_roll(max(faces, key=lambda face: face.evidence).landmarks))
    return [
        face
        for face in faces
        if face.evidence >= _SURE or math.cos(math.radians(_roll(face.landmarks)) - upright) > 0.5
    ]


def _roll(landmarks: Points) -> float:
    """Degrees by which the whole face, not only the eye line, is turned clockwise in the picture."""
    matrix, _ = similarity(MEAN_FACE, landmarks)
    return math.degrees(math.atan2(matrix[1, 0], matrix[0, 0]))


def _moved(face: Face, scale: float, shift: float = 0.0) -> Face:
    left, top, right, bottom = (x * scale + shift for x in face.box)
    return replace(face, box=(left, top, right, bottom), landmarks=face.landmarks * scale + shift)


def _reduce(pixels: Pixels, long_side: int) -> Pixels:
    """A copy no longer than LONG_SIDE: by a whole factor first, which OpenCV does in a third of the time."""
    height, width = pixels.shape[:2]
    factor = max(height, width) // long_side
    if factor > 1 and min(height, width) >= factor:
        whole = pixels[: height // factor * factor, : width // factor * factor]
        pixels = _shrink(whole, width // factor, height // factor)
    scale = long_side / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    return _shrink(pixels, max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))


def _shrink(pixels: Pixels, width: int, height: int) -> Pixels:
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _turn_back(points: Points, size: tuple[int, ...], turn: int) -> Points:
    """Points in a picture turned counter-clockwise by TURN degrees, to where they are in the upright one."""
    height, width = size[0], size[1]
    x, y = points[:, 0], points[:, 1]
    if turn == 90:
        return np.stack([height - y, x], axis=1)
    if turn == 180:
        return np.stack([width - x, height - y], axis=1)
    if turn == 270:
        return np.stack([y, width - x], axis=1)
    return points


def _box(corners: Points) -> tuple[float, float, float, float]:
    low, high = corners.min(axis=0), corners.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])
