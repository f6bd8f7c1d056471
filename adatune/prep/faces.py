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
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from adatune.images import Pixels
from adatune.prep.crop import Points, warp
from adatune.prep.opencv import cv2

_LONG_SIDE = 1024  # pixels of the copy that is searched; 12 megapixels in full would take ten times as long
_RETRY_LONG_SIDE = 640  # of the copy that is searched again, turned
_SURE_SCORE = 0.98  # of an upright face; below, the turned photo may show a better one
_TURNED_SCORE = 0.97  # turned pictures without a face yield false faces more easily
# Where MTCNN's last network sees the five points in its own square input: its mean over frontal portraits.
_IN_WINDOW = np.array([[0.336, 0.368], [0.676, 0.368], [0.506, 0.578], [0.358, 0.717], [0.668, 0.717]])
_WINDOW = 48  # input side of that network, pixels
_PATCH = 192  # side of the levelled patch that the windows are cut from
_PATCH_SPAN = 1.5  # side of the patch, in windows
# Shift right, shift down (windows), scale, turn (degrees) of each look.
_FIRST_LOOKS = np.array([[0, 0, 1, 0], [0.04, 0.04, 1.08, 0], [-0.04, -0.04, 0.94, 0]])
_SECOND_LOOKS = np.array(
    [
        [0, 0, 1, 0],
        [0.05, 0, 1.05, 0],
        [-0.05, 0, 1.05, 0],
        [0, 0.05, 0.95, 0],
        [0, -0.05, 0.95, 0],
        [0, 0, 1.15, 0],
        [0.03, 0.03, 1, 6],
        [-0.03, -0.03, 1, -6],
    ]
)

# Rows of the window that are left when the rest of a face is painted over.
_PARTS = {"eyes": (11, 24), "lower": (23, 48), "mouth": (30, 48)}


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


@dataclass(frozen=True)
class Refined:
    """Landmarks after a second look at the original pixels."""

    landmarks: Points  # [5, 2], pixels of the photo
    confidence: float  # mean face probability over all windows
    spread: float  # standard deviation of the landmarks over all windows, in eye distances
    mirror_gap: float  # mean distance of the landmarks from plain and from mirrored windows, in eye distances
    part_logits: dict[str, float]  # log odds of a face when all but one part of `_PARTS` is painted over


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
        first, _ = self._look(pixels, landmarks, _FIRST_LOOKS)
        second, windows = self._look(pixels, first.mean(axis=(0, 1)), _SECOND_LOOKS)
        mean = second.mean(axis=(0, 1))
        eyes = max(1e-6, float(np.hypot(*(mean[1] - mean[0]))))
        deviation = np.sqrt(((second - mean) ** 2).sum(axis=-1).mean())
        gap = np.hypot(*(second[0].mean(axis=0) - second[1].mean(axis=0)).T).mean()
        confidence = float(torch.sigmoid(self._log_odds(windows)).mean())
        parts = {name: float(self._log_odds(_only(windows, rows)).mean()) for name, rows in _PARTS.items()}
        return Refined(mean, confidence, float(deviation / eyes), float(gap / eyes), parts)

    def _look(self, pixels: Pixels, landmarks: Points, looks: Points) -> tuple[Points, Tensor]:
        """The landmarks seen through several windows, and those windows.

        Returns: points in the photo, [plain and mirrored, looks, 5, 2]; windows [2 * looks, 3, 48, 48].
        """
        corners = _window_corners(landmarks)
        patch = torch.from_numpy(warp(pixels, corners, _PATCH, _PATCH).copy()).permute(2, 0, 1)[None].float()
        matrices = _look_matrices(looks)
        grid = F.affine_grid(matrices, [len(looks), 3, 2 * _WINDOW, 2 * _WINDOW], align_corners=False)
        plain = F.grid_sample(
            patch.expand(len(looks), -1, -1, -1), grid, padding_mode="reflection", align_corners=False
        )
        plain = F.avg_pool2d((plain - 127.5) * 0.0078125, 2)
        windows = torch.cat([plain, plain.flip(3)]).contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            points: Tensor = self._networks.onet(windows)[1]
        seen = points.reshape(2, len(looks), 2, 5).transpose(2, 3)
        seen[1, :, :, 0] = 1 - seen[1, :, :, 0]
        seen[1] = seen[1][:, [1, 0, 2, 4, 3]]
        in_patch = torch.einsum("lij,mlpj->mlpi", matrices[:, :, :2], seen * 2 - 1)
        unit = ((in_patch + matrices[:, None, :, 2]).double().numpy() + 1) / 2
        across, down = corners[1] - corners[0], corners[3] - corners[0]
        return corners[0] + unit[..., :1] * across + unit[..., 1:] * down, windows

    def _log_odds(self, windows: Tensor) -> Tensor:
        """Log odds of a face in each window, [count]."""
        with torch.no_grad():
            scores: Tensor = self._networks.onet(windows)[2]
        return torch.logit(scores[:, 1].clamp(1e-5, 1 - 1e-5))


def _best(faces: list[Face]) -> float:
    return max((face.score for face in faces), default=0.0)


def _only(windows: Tensor, rows: tuple[int, int]) -> Tensor:
    """Windows with everything outside ROWS painted over in their mean colour."""
    painted = windows.mean(dim=(2, 3), keepdim=True).expand_as(windows).clone()
    painted[:, :, rows[0] : rows[1]] = windows[:, :, rows[0] : rows[1]]
    return painted


def _look_matrices(looks: Points) -> Tensor:
    """From coordinates in [-1, 1] of each window to those of the patch, [looks, 2, 3]."""
    shift, scale, angle = looks[:, :2] * 2, looks[:, 2], np.deg2rad(looks[:, 3])
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    rows = np.stack(
        [np.stack([cosine, -sine, shift[:, 0]], 1), np.stack([sine, cosine, shift[:, 1]], 1)], axis=1
    )
    return torch.from_numpy(rows / _PATCH_SPAN).float()


def _window_corners(landmarks: Points) -> Points:
    """The levelled square patch around a face, by the similarity that brings it nearest to `_IN_WINDOW`."""
    turn, shift = similarity(_IN_WINDOW, landmarks)
    margin = (_PATCH_SPAN - 1) / 2
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1]]) * _PATCH_SPAN - margin
    return square @ turn.T + shift


def similarity(source: Points, target: Points) -> tuple[NDArray[np.float64], Points]:
    """The turn-and-scale matrix [2, 2] and shift [2] that bring SOURCE nearest to TARGET, both [count, 2].

    Source: Umeyama 1991, in its two-dimensional closed form without reflection.
    """
    a, b = source - source.mean(axis=0), target - target.mean(axis=0)
    norm = max(1e-12, float((a**2).sum()))
    cosine = float((a * b).sum()) / norm
    sine = float((a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]).sum()) / norm
    matrix = np.array([[cosine, -sine], [sine, cosine]])
    return matrix, target.mean(axis=0) - matrix @ source.mean(axis=0)


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
