"""Measures which way a head is turned, from five landmarks and the place of the nose within the head.

Landmarks alone are not enough: trained on mostly frontal faces, MTCNN draws the far eye and mouth corner of a
turned face towards a frontal one. Its box, which follows the outline of the head, does not.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.crop import Points
from adatune.prep.faces import Face
from adatune.prep.opencv import cv2
from adatune.prep.output_network import output_network

# A face in eye distances: left eye, right eye, nose tip, mouth corners; x right, y down, z away from the
# camera. Across and down: the mean shape that MTCNN reports for frontal faces. Depth: round
# numbers for an adult, chosen by us (nose tip 35 mm before the pupils, mouth
# corners 6 mm before them, pupils 63 mm apart).
FACE_SHAPE = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.617, -0.55], [-0.456, 1.026, -0.1], [0.456, 1.026, -0.1]]
)
_CAMERA_DISTANCE = 10.0  # eye distances; portraits are taken from 0.6 m and more
# Fitted to 385 small faces judged by eye in steps of about 20 degrees: see DECISIONS.md.
_NOSE_BEFORE_HEAD = 1.07  # eye distances that the nose tip lies before the head's axis
_PITCH_OF_LANDMARKS = 0.55  # degrees per degree
_PITCH_OF_HEAD = -111.0  # degrees per size of the head that the nose lies below its middle
_PITCH_LEVEL = 8.0  # degrees, so that level heads come out at 0
_LEAST_WINDOW = 4  # pixels

Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Pose:
    """Where a head is turned, in degrees; all three are 0 for a face that looks into the camera."""

    yaw: float  # positive: the nose points to the right of the picture
    pitch: float  # positive: the nose points up
    roll: float  # positive: the eye line falls to the right of the picture (clockwise)


def estimate_pose(landmarks: Points, face: Face | None = None, pixels: Pixels | None = None) -> Pose:
    """The turn of a head; yaw and pitch are those of the levelled face.

    The nose tip moves across the head by the sine of the yaw and the eyes come closer by its cosine, so the
    nose's distance from the middle of the head over the eye distance is the tangent, up to a constant. Pitch
    adds up what the landmarks and the height of the nose in the head say.

    Args:
        landmarks: left eye, right eye, nose, left and right mouth corner (as seen), [5, 2] pixels; refined,
            as roll is taken from them.
        face: the same face as the detector saw it, with its box.
        pixels: the photo that the face was found in, [height, width, 3] uint8. Without both the landmarks
            decide alone, and a yaw of more than 30 degrees is underestimated.
    """
    by_landmarks = solve_pose(landmarks)
    seen = None if pixels is None or face is None else _look_at_head(pixels, face.box, by_landmarks.roll)
    if seen is None:
        return by_landmarks
    right, down, eyes = seen
    yaw = math.degrees(math.atan2(right, eyes * _NOSE_BEFORE_HEAD))
    pitch = _PITCH_OF_LANDMARKS * by_landmarks.pitch + _PITCH_OF_HEAD * down + _PITCH_LEVEL
    return Pose(yaw, pitch, by_landmarks.roll)


def _look_at_head(pixels: Pixels, box: Box, roll: float) -> tuple[float, float, float] | None:
    """How far the nose lies right of and below the middle of the head, and the eye distance, in head sizes.

    O-Net looks at the square around the box as MTCNN lets it: where the photo's border cuts the square, the
    rest is stretched. Grey in its place, or looking by landmarks, draws turned faces to the front. The face
    is first turned upright by whole quarters.
    """
    left, top, right, bottom = box
    half = max(right - left, bottom - top) / 2
    middle = np.array([(left + right) / 2, (top + bottom) / 2])
    limit = np.array(pixels.shape[1::-1])
    low, high = (np.clip(middle + side * half, 0, limit).astype(int) for side in (-1, 1))
    if (high - low).min() < _LEAST_WINDOW:
        return None
    quarters = round(roll / 90) % 4
    window = np.rot90(pixels[low[1] : high[1], low[0] : high[0]], quarters)
    small = cv2.resize(np.ascontiguousarray(window), (48, 48), interpolation=cv2.INTER_AREA)
    plain = torch.from_numpy(np.asarray(small, dtype=np.float32)).permute(2, 0, 1)[None]
    plain = (plain - 127.5) * 0.0078125
    with torch.no_grad():
        corrections, points, _ = output_network()(torch.cat([plain, plain.flip(3)]))
    first, second = points.double().numpy().reshape(2, 2, 5)
    second = np.stack([1 - second[0], second[1]])[:, [1, 0, 2, 4, 3]]
    five = ((first + second) / 2).T
    here, mirrored = corrections.double().numpy()
    sides = (here + mirrored[[2, 1, 0, 3]] * [-1, 1, -1, 1]) / 2 + [0, 0, 1, 1]
    return _nose_in_head(five, sides)


def _nose_in_head(five: Points, sides: NDArray[np.float64]) -> tuple[float, float, float]:
    """The nose right of and below the middle, and the eye distance, over the root of the head's area."""
    eyes = five[1] - five[0]
    distance = max(1e-6, float(np.hypot(*eyes)))
    along = eyes / distance
    size = math.sqrt(max(1e-6, float((sides[2] - sides[0]) * (sides[3] - sides[1]))))
    offset = (five[2] - (sides[:2] + sides[2:]) / 2) / size
    return float(offset @ along), float(offset @ np.array([-along[1], along[0]])), distance / size


def solve_pose(landmarks: Points) -> Pose:
    """The turn of a head from five landmarks alone, by the perspective-n-point solver SQPnP.

    Args:
        landmarks: left eye, right eye, nose, left and right mouth corner (as seen), [5, 2] pixels.
    Source: Terzakis and Lourakis 2020 (SQPnP; OpenCV's iterative solver diverges on five points).
    """
    across = landmarks[1] - landmarks[0]
    roll = float(np.arctan2(across[1], across[0]))
    level = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    points = (landmarks - landmarks.mean(axis=0)) @ level.T
    # Scale by the whole shape, not by the eyes: turned heads have their eyes closer together in the picture.
    points = (
        points / max(1e-9, float(np.sqrt((points**2).sum()))) * float(np.sqrt((_CENTRED[:, :2] ** 2).sum()))
    )
    focal = 1000.0
    camera = np.array([[focal, 0, 0], [0, focal, 0], [0, 0, 1]])
    found, turn, _ = cv2.solvePnP(
        _CENTRED, points * focal / _CAMERA_DISTANCE, camera, None, flags=cv2.SOLVEPNP_SQPNP
    )
    if not found:
        return Pose(90.0, 90.0, float(np.degrees(roll)))
    forward = np.asarray(cv2.Rodrigues(turn)[0]) @ np.array([0, 0, -1.0])  # where the nose points
    yaw = np.degrees(np.arctan2(forward[0], -forward[2]))
    pitch = np.degrees(np.arctan2(-forward[1], np.hypot(forward[0], forward[2])))
    return Pose(float(yaw), float(pitch), float(np.degrees(roll)))


_CENTRED: NDArray[np.float64] = FACE_SHAPE - FACE_SHAPE.mean(axis=0)
