"""Measures how usable a found face is: which way it looks and how sharp it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from adatune.images import Pixels
from adatune.prep.crop import Points
from adatune.prep.opencv import cv2

VIEW_WIDTH, VIEW_HEIGHT = 256, 320  # of the levelled face that is measured: 64 pixels between the eyes
_VIEW_EYES = VIEW_WIDTH / 4

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


def edge_blur(view: Pixels) -> float:
    """The blur of a face's own edges (lids, brows, lips, nostrils), as the standard deviation of a Gaussian.

    An edge blurred by s has its slope divided by sqrt(s^2 + a^2) when blurred by a further a, so the ratio of
    the slopes under two known blurs tells s, whatever the contrast. Only the strongest edges inside the face
    count: smooth skin and a blurred background are no fault of a portrait.

    Args:
        view: the levelled face, [VIEW_HEIGHT, VIEW_WIDTH, 3] uint8, cut by `crop.portrait_corners`.
    Returns: eye distances; about 0.01 is sharp, 0.05 visibly blurred.
    Source: after Zhuo and Sim 2011, "Defocus map estimation from a single image".
    """
    grey = np.asarray(cv2.cvtColor(view, cv2.COLOR_RGB2GRAY), dtype=np.float32)
    fine, coarse = 1.0, 2.0
    slope_fine, slope_coarse = _slope(grey, fine), _slope(grey, coarse)
    inside = _FACE_MASK
    strong = inside & (slope_fine >= np.quantile(slope_fine[inside], 0.96)) & (slope_coarse > 1e-3)
    if not strong.any():
        return 1.0  # one flat colour
    ratio = float(np.median(slope_fine[strong] / slope_coarse[strong]))
    if ratio <= 1.02:
        return 1.0
    variance = (coarse**2 - ratio**2 * fine**2) / (ratio**2 - 1)
    return float(np.sqrt(max(0.0, variance))) / _VIEW_EYES


def _slope(grey: NDArray[np.float32], blur: float) -> NDArray[np.float32]:
    soft = cv2.GaussianBlur(grey, (0, 0), blur)
    across = cv2.Sobel(soft, cv2.CV_32F, 1, 0, ksize=3)
    down = cv2.Sobel(soft, cv2.CV_32F, 0, 1, ksize=3)
    return np.hypot(np.asarray(across, np.float32), np.asarray(down, np.float32))


def _face_mask() -> NDArray[np.bool_]:
    """From above the brows to below the lips; hair, background and borders stay out."""
    y, x = np.mgrid[0:VIEW_HEIGHT, 0:VIEW_WIDTH]
    middle_y = 0.47 * VIEW_HEIGHT + 0.45 * _VIEW_EYES
    return ((x - VIEW_WIDTH / 2) / (0.85 * _VIEW_EYES)) ** 2 + ((y - middle_y) / (1.1 * _VIEW_EYES)) ** 2 <= 1


_FACE_MASK = _face_mask()
