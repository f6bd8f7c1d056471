"""Finds the faces of a photo and their five landmarks, precisely enough to level a portrait by its eyes.

One pass of MTCNN has a levelling noise of about 1.8 degrees. Here its last network looks again, at the
original pixels, through several slightly shifted, turned and mirrored windows, and the mean is taken.
Source: Zhang et al. 2016, arXiv:1604.02878; facenet-pytorch 2.5.3, whose weights ship with the package.
"""

import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch

from adatune.images import Pixels
from adatune.prep.crop import Points
from adatune.prep.landmarks import Refined, refine, similarity
from adatune.prep.opencv import cv2

__all__ = ["Face", "FaceFinder", "Refined", "similarity"]

_LONG_SIDE = 1024  # pixels of the copy that is searched; 12 megapixels in full would take ten times as long
_RETRY_LONG_SIDE = 640  # of the copy that is searched again, turned
_SURE_SCORE = 0.98  # of an upright face; below, the turned photo may show a better one
_TURNED_SCORE = 0.97  # turned pictures without a face yield false faces more easily


@dataclass(frozen=True)
class Face:
    """One face, in pixels of the upright photo."""

    box: tuple[float, float, float, float]  # left, top, right, bottom, as the detector saw it
    score: float  # the detector's confidence, 0 to 1
    landmarks: Points  # left eye, right eye, nose, left and right mouth corner (left in the picture), [5, 2]
    turn: int  # degrees the photo was turned counter-clockwise to find it: 0, 90, 180 or 270

    @property
    def eye_distance(self) -> float:
        """Pixels between the eyes."""
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))


class FaceFinder:
    """MTCNN, loaded once. Use one in each process."""

    def __init__(self, min_face_pixels: int = 40) -> None:
        """Load the networks; MIN_FACE_PIXELS is the smallest face searched for, in the reduced copy."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from facenet_pytorch import MTCNN

            self._networks = cast(Any, MTCNN)(keep_all=True, min_face_size=min_face_pixels)
            # Channels-last: on a CPU max-pooling, a fifth of the work otherwise, becomes a tenth of that.
            self._networks.to(memory_format=torch.channels_last)
        self._min_face_pixels = min_face_pixels

    def find(self, pixels: Pixels, min_score: float) -> list[Face]:
        """All faces scoring MIN_SCORE or more, the largest first; if none, those of the turned photo.

        Args:
            pixels: [height, width, 3] uint8 RGB.
            min_score: 0 to 1.
        """
        upright = [face for face in self._search(pixels, _LONG_SIDE, 0) if face.score >= min_score]
        if _best(upright) >= _SURE_SCORE:
            return upright
        # A face lying on its side is sometimes found upright as well, in the wrong place and with doubts.
        floor = max(min_score, _TURNED_SCORE)
        turned = [self._search(pixels, _RETRY_LONG_SIDE, turn) for turn in (90, 270, 180)]
        good = [[face for face in found if face.score >= floor] for found in turned]
        return max([upright, *good], key=_best)

    def _search(self, pixels: Pixels, long_side: int, turn: int) -> list[Face]:
        height, width = pixels.shape[:2]
        scale = min(1.0, long_side / max(height, width))
        copy = pixels
        if scale < 1:
            size = (max(1, round(width * scale)), max(1, round(height * scale)))
            copy = np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        if (
            min(copy.shape[:2]) < self._min_face_pixels
        ):  # MTCNN fails on pictures smaller than its smallest face
            return []
        boxes, scores, points = self._detect(np.ascontiguousarray(np.rot90(copy, turn // 90)))
        back = np.array([width / copy.shape[1], height / copy.shape[0]])
        turned_size = copy.shape[:2]
        faces = [
            Face(
                _box(_turn_back(box.reshape(2, 2), turned_size, turn) * back),
                float(score),
                _turn_back(five, turned_size, turn) * back,
                turn,
            )
            for box, score, five in zip(boxes, scores, points, strict=True)
        ]
        return sorted(faces, key=lambda face: _area(face.box), reverse=True)

    def _detect(self, pixels: Pixels) -> tuple[Points, Points, Points]:
        """Boxes [count, 4], scores [count], landmarks [count, 5, 2]: MTCNN's object arrays made plain."""
        try:
            found = self._networks.detect(pixels, landmarks=True)
        except (RuntimeError, IndexError, ValueError):  # all candidates degenerate: MTCNN joins an empty list
            found = (None, None, None)
        if found[0] is None or len(found[0]) == 0:
            return np.zeros((0, 4)), np.zeros(0), np.zeros((0, 5, 2))
        boxes, scores, points = (np.stack([np.asarray(x, np.float64) for x in part]) for part in found)
        return boxes, scores, points

    def refine(self, pixels: Pixels, landmarks: Points) -> Refined:
        """Look again at one face, at the photo's own resolution, twice: the second time levelled.

        Args:
            pixels: [height, width, 3] uint8 RGB.
            landmarks: five points from `find`, [5, 2].
        """
        return refine(self._networks.onet, pixels, landmarks)


def _best(faces: list[Face]) -> float:
    return max((face.score for face in faces), default=0.0)


def _turn_back(points: Points, size: tuple[int, ...], turn: int) -> Points:
    """Points in a picture turned counter-clockwise by TURN degrees, to where they are in the upright one."""
    height, width = size[0], size[1]
    x, y = points[:, 0], points[:, 1]
    if turn == 90:
        return np.stack([width - y, x], axis=1)
    if turn == 180:
        return np.stack([width - x, height - y], axis=1)
    if turn == 270:
        return np.stack([y, height - x], axis=1)
    return points


def _box(corners: Points) -> tuple[float, float, float, float]:
    low, high = corners.min(axis=0), corners.max(axis=0)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _area(box: tuple[float, float, float, float]) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])
