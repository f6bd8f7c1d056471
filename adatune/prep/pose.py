"""Measures which way a head is turned, from five landmarks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adatune.prep.crop import Points
from adatune.prep.opencv import cv2

# A face in eye distances: left eye, right eye, nose tip, mouth corners; x right, y down, z away from the
# camera. Across and down: the mean shape that MTCNN reports for frontal faces. Depth: round
# numbers for an adult, chosen by us (nose tip 35 mm before the pupils, mouth
# corners 6 mm before them, pupils 63 mm apart).
FACE_SHAPE = np.array(
    [[-0.5, 0, 0], [0.5, 0, 0], [0, 0.617, -0.55], [-0.456, 1.026, -0.1], [0.456, 1.026, -0.1]]
)
_CAMERA_DISTANCE = 10.0  # eye distances; portraits are taken from 0.6 m and more


@dataclass(frozen=True)
class Pose:
    """Where a head is turned, in degrees; all three are 0 for a face that looks into the camera."""

    yaw: float  # positive: the nose points to the right of the picture
    pitch: float  # positive: the nose points up
    roll: float  # positive: the eye line falls to the right of the picture (clockwise)


def estimate_pose(landmarks: Points) -> Pose:
    """The turn of a head from five landmarks, by the perspective-n-point solver SQPnP.

    Yaw and pitch are those of the levelled face; roll is the angle of the eye line, which cropping undoes.

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
