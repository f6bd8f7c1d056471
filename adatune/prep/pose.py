"""Measures which way a head is turned, from five landmarks and the place of the nose in the detector's box.

Landmarks alone are not enough: trained on mostly frontal faces, MTCNN draws the far eye and mouth corner of a
turned face towards a frontal one. Its box, which follows the outline of the head, does not.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adatune.prep.crop import Points
from adatune.prep.faces import Face
from adatune.prep.opencv import cv2

# A face in eye distances: left eye, right eye, nose tip, mouth corners; x right, y down, z away from the
# camera. Across and down: the mean shape that MTCNN reports for frontal faces. Depth: round
# numbers for an adult, chosen by us (nose tip 35 mm before the pupils, mouth
# corners 6 mm before them, pupils 63 mm apart).
FACE_SHAPE = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.617, -0.55], [-0.456, 1.026, -0.1], [0.456, 1.026, -0.1]]
)
_CAMERA_DISTANCE = 10.0  # eye distances; portraits are taken from 0.6 m and more
# Fitted to 385 small faces judged by eye in steps of about 20 degrees: see DECISIONS.md.
_NOSE_BEFORE_HEAD = 1.11  # eye distances that the nose tip lies before the head's axis
_PITCH_OF_LANDMARKS = 0.55  # degrees per degree
_PITCH_OF_BOX = -111.0  # degrees per side of the box that the nose lies below its middle
_PITCH_LEVEL = 8.0  # degrees, so that level heads come out at 0


@dataclass(frozen=True)
class Pose:
    """Where a head is turned, in degrees; all three are 0 for a face that looks into the camera."""

    yaw: float  # positive: the nose points to the right of the picture
    pitch: float  # positive: the nose points up
    roll: float  # positive: the eye line falls to the right of the picture (clockwise)


def estimate_pose(landmarks: Points, face: Face | None = None) -> Pose:
    """The turn of a head; yaw and pitch are those of the levelled face.

    The nose tip moves across the head by the sine of the yaw and the eyes come closer by its cosine, so the
    nose's distance from the middle of the box over the eye distance is the tangent, up to a constant. Pitch
    adds up what the landmarks and the height of the nose in the box say.

    Args:
        landmarks: left eye, right eye, nose, left and right mouth corner (as seen), [5, 2] pixels; refined,
            as roll is taken from them.
        face: the same face as the detector's own pass saw it, with its box. None: landmarks alone, which
            underestimate a yaw of more than 30 degrees.
    """
    by_landmarks = solve_pose(landmarks)
    if face is None:
        return by_landmarks
    right, down = _nose_in_box(face)
    across = right / max(1e-6, face.eye_distance)
    yaw = math.degrees(math.atan(across / _NOSE_BEFORE_HEAD))
    side = math.sqrt((face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))
    pitch = _PITCH_OF_LANDMARKS * by_landmarks.pitch + _PITCH_OF_BOX * down / max(1e-6, side) + _PITCH_LEVEL
    return Pose(yaw, pitch, by_landmarks.roll)


def _nose_in_box(face: Face) -> tuple[float, float]:
    """Pixels that the nose lies right of and below the middle of the box, measured along the eye line."""
    eyes = face.landmarks[1] - face.landmarks[0]
    along = eyes / max(1e-6, face.eye_distance)
    left, top, right, bottom = face.box
    offset = face.landmarks[2] - np.array([(left + right) / 2, (top + bottom) / 2])
    return float(offset @ along), float(offset @ np.array([-along[1], along[0]]))


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
