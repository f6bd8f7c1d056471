"""The second look at a face: landmarks precise enough to level a portrait by, and how sure a face it is.

One pass of MTCNN has a levelling noise of about 1.8 degrees. Here its last network, O-Net, looks again at the
photo's own pixels through many slightly shifted, turned, scaled and mirrored windows, and the mean is taken.
Source: Zhang et al. 2016, arXiv:1604.02878; the weights are those of facenet-pytorch 2.5.3.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from adatune.images import Pixels
from adatune.prep.crop import Points
from adatune.prep.opencv import cv2

# Windows [count, 3, 48, 48] in [-1, 1] -> box corrections, landmarks [count, 10], probabilities [count, 2].
OutputNetwork = Callable[[Tensor], tuple[Tensor, Tensor, Tensor]]

# Where O-Net sees the five points in its own square input: the mean over frontal portraits.
MEAN_FACE = np.array([[0.336, 0.368], [0.676, 0.368], [0.506, 0.578], [0.358, 0.717], [0.668, 0.717]])
_WINDOW = 48  # input side of that network, pixels
_PATCH = 192  # side of the levelled patch that the windows are cut from
_PATCH_SPAN = 1.5  # side of the patch, in windows
_GREY = 127  # outside the photo: reflected, a face that fills its photo would stand among copies of itself
# Shift right, shift down (windows), scale, turn (degrees) of each look.
_FIRST_LOOKS = np.array([[0, 0, 1, 0], [0.04, 0.04, 1.08, 0], [-0.04, -0.04, 0.94, 0]])
_MORE_ROUNDS = 3  # at most: where the border cuts a face, MTCNN may be half an eye distance off
_STILL = 0.05  # eye distances that the landmarks may still move for the first looks to be over
_SECOND_LOOKS = 16
_SPREAD = np.array([0.05, 0.05, math.log(1.1), 4.0])  # of the second looks: shifts, scale, turn
_PART_LOOKS = 4  # of the second looks, for the parts
# Rows of the window that are left when the rest of a face is painted over.
_PARTS = {"eyes": (11, 24), "lower": (23, 48), "mouth": (30, 48)}


@dataclass(frozen=True)
class Refined:
    """Landmarks after a second look at the original pixels."""

    landmarks: Points  # [5, 2], pixels of the photo
    part_logits: dict[str, float]  # log odds of a face when all but one part of `_PARTS` is painted over


@dataclass(frozen=True)
class Looks:
    """What O-Net saw of one face."""

    points: Points  # in the photo, [plain and mirrored, looks, 5, 2]
    log_odds: Tensor  # of a face, [2 * looks]
    windows: Tensor  # [2 * looks, 3, 48, 48]

    @property
    def landmarks(self) -> Points:
        """The mean over all windows, [5, 2]."""
        return self.points.mean(axis=(0, 1))

    @property
    def logit(self) -> float:
        """Log odds of a face, the mean over all windows; at most 11.5 either way."""
        return float(self.log_odds.mean())


def refine(network: OutputNetwork, pixels: Pixels, landmarks: Points) -> Refined:
    """Look again at one face, twice: the second time levelled.

    Args:
        network: MTCNN's O-Net.
        pixels: [height, width, 3] uint8 RGB.
        landmarks: left eye, right eye, nose, left and right mouth corner (left in the picture), [5, 2].
    """
    settled = settle(network, pixels, landmarks)
    second = look(network, pixels, settled.landmarks, spread_looks(_SECOND_LOOKS))
    few = second.windows.unflatten(0, (2, -1))[:, :_PART_LOOKS].flatten(0, 1)
    parts = {name: float(_see(network, _only(few, rows))[1].mean()) for name, rows in _PARTS.items()}
    return Refined(second.landmarks, parts)


def settle(network: OutputNetwork, pixels: Pixels, landmarks: Points) -> Looks:
    """Look at one face, levelled by what was last seen of it, until its landmarks move no more.

    A face that is there holds still and gains; something that only looked like one drifts and loses.
    """
    seen = look(network, pixels, landmarks, _FIRST_LOOKS)
    for _ in range(_MORE_ROUNDS):
        before, landmarks = landmarks, seen.landmarks
        moved = np.hypot(*(landmarks - before).T).max()
        if moved < _STILL * np.hypot(*(landmarks[1] - landmarks[0])):
            break
        seen = look(network, pixels, landmarks, _FIRST_LOOKS)
    return seen


def spread_looks(count: int, start: int = 1) -> Points:
    """Shift right, shift down, scale and turn of COUNT looks, evenly spread; other STARTs give others.

    Source: Roberts 2018, "The unreasonable effectiveness of quasirandom sequences": multiples of the powers
    of the root of x^5 = x + 1.
    """
    steps = 1.1673039782614187 ** -np.arange(1.0, 5.0)
    spread = (2 * ((np.arange(start, start + count)[:, None] * steps + 0.5) % 1) - 1) * _SPREAD
    spread -= spread.mean(axis=0)
    spread[:, 2] = np.exp(spread[:, 2])
    return spread


def look(network: OutputNetwork, pixels: Pixels, landmarks: Points, looks: Points) -> Looks:
    """The landmarks as seen through several windows around a face, plain and mirrored."""
    corners = _window_corners(landmarks)
    patch = torch.from_numpy(_patch(pixels, corners)).permute(2, 0, 1)[None].float()
    matrices = _look_matrices(looks)
    grid = F.affine_grid(matrices, [len(looks), 3, 2 * _WINDOW, 2 * _WINDOW], align_corners=False)
    plain = F.grid_sample(
        patch.expand(len(looks), -1, -1, -1), grid, padding_mode="reflection", align_corners=False
    )
    plain = F.avg_pool2d((plain - 127.5) * 0.0078125, 2)
    windows = torch.cat([plain, plain.flip(3)]).contiguous(memory_format=torch.channels_last)
    points, log_odds = _see(network, windows)
    seen = points.reshape(2, len(looks), 2, 5).transpose(2, 3)
    seen[1, :, :, 0] = 1 - seen[1, :, :, 0]
    seen[1] = seen[1][:, [1, 0, 2, 4, 3]]
    in_patch = torch.einsum("lij,mlpj->mlpi", matrices[:, :, :2], seen * 2 - 1)
    unit = ((in_patch + matrices[:, None, :, 2]).double().numpy() + 1) / 2
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    return Looks(corners[0] + unit[..., :1] * across + unit[..., 1:] * down, log_odds, windows)


def _see(network: OutputNetwork, windows: Tensor) -> tuple[Tensor, Tensor]:
    """Landmarks [count, 10] and log odds of a face [count]."""
    with torch.no_grad():
        _, points, scores = network(windows)
    return points, torch.logit(scores[:, 1].clamp(1e-5, 1 - 1e-5))


def _patch(pixels: Pixels, corners: Points) -> Pixels:
    """The photo within CORNERS as a square of `_PATCH` pixels, averaged where it shrinks, grey outside."""
    side = max(1.0, float(np.hypot(*(corners[1] - corners[0]))))
    height, width = pixels.shape[:2]
    size = np.array([width, height])
    low, high = corners.min(axis=0), corners.max(axis=0)
    start = np.clip(np.floor(low - 2), 0, size - 1).astype(int)
    stop = np.clip(np.ceil(high + 2), start + 1, size).astype(int)
    part = pixels[start[1] : stop[1], start[0] : stop[0]]
    factor = int(side / _PATCH)
    reduced = (part.shape[1] // factor, part.shape[0] // factor) if factor > 1 else (0, 0)
    if min(reduced) > 0:  # a whole factor: OpenCV's fast path, a third of the time of any other
        part = part[: reduced[1] * factor, : reduced[0] * factor]
        part = np.asarray(cv2.resize(part, reduced, interpolation=cv2.INTER_AREA), dtype=np.uint8)
    else:
        factor = 1
    across, down = (corners[1] - corners[0]) / _PATCH, (corners[3] - corners[0]) / _PATCH
    origin = corners[0] - start + (across + down) / 2  # OpenCV puts pixel centres at whole numbers
    matrix = np.stack([across / factor, down / factor, origin / factor - 0.5], axis=1)
    patch = cv2.warpAffine(
        np.ascontiguousarray(part),
        matrix,
        (_PATCH, _PATCH),
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_CONSTANT,
        borderValue=(_GREY, _GREY, _GREY),
    )
    return np.asarray(patch, dtype=np.uint8)


def _only(windows: Tensor, rows: tuple[int, int]) -> Tensor:
    """Windows with everything outside ROWS painted over in their mean colour."""
    painted = windows.mean(dim=(2, 3), keepdim=True).expand_as(windows).clone()
    painted[:, :, rows[0] : rows[1]] = windows[:, :, rows[0] : rows[1]]
    return painted


def face_size(landmarks: Points) -> float:
    """Side of the square around a face that O-Net would look at, in pixels; about 2.9 eye distances."""
    return float(np.hypot(*similarity(MEAN_FACE, landmarks)[0][:, 0]))


def _look_matrices(looks: Points) -> Tensor:
    """From coordinates in [-1, 1] of each window to those of the patch, [looks, 2, 3]."""
    shift, scale, angle = looks[:, :2] * 2, looks[:, 2], np.deg2rad(looks[:, 3])
    cosine, sine = np.cos(angle) * scale, np.sin(angle) * scale
    rows = np.stack(
        [np.stack([cosine, -sine, shift[:, 0]], 1), np.stack([sine, cosine, shift[:, 1]], 1)], axis=1
    )
    return torch.from_numpy(rows / _PATCH_SPAN).float()


def _window_corners(landmarks: Points) -> Points:
    """The levelled square patch around a face, by the similarity that brings it nearest to `MEAN_FACE`."""
    turn, shift = similarity(MEAN_FACE, landmarks)
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
