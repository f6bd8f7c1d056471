import numpy as np
import pytest

from adatune.prep.faces import Face
from adatune.prep.pose import FACE_SHAPE, estimate_pose, solve_pose


def _seen(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Landmarks of the model face, turned and seen from far away; signs as `Pose` documents them."""
    a, b, c = np.deg2rad([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    points = FACE_SHAPE @ about_x.T @ about_y.T
    seen = points[:, :2] * (20 / (20 + points[:, 2:]))
    spin = np.array([[np.cos(c), -np.sin(c)], [np.sin(c), np.cos(c)]])
    return seen @ spin.T * 80 + 500


def _face(landmarks: np.ndarray, nose_right: float, nose_down: float, roll: float = 0) -> Face:
    """A face whose nose lies so many eye distances right of and below the middle of its box of 2 x 2.6."""
    eyes = np.hypot(*(landmarks[1] - landmarks[0]))
    c = np.deg2rad(roll)
    spin = np.array([[np.cos(c), -np.sin(c)], [np.sin(c), np.cos(c)]])
    x, y = landmarks[2] - spin @ np.array([nose_right, nose_down]) * eyes
    box = (x - eyes, y - 1.3 * eyes, x + eyes, y + 1.3 * eyes)
    return Face(box, 0.99, landmarks, 0)


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (25, 0, 0), (-30, 0, 5), (0, 20, 0), (0, -20, -40)]
)
def test_the_turn_of_a_model_head_is_recovered(yaw: float, pitch: float, roll: float) -> None:
    pose = solve_pose(_seen(yaw, pitch, roll))
    assert (pose.yaw, pose.pitch) == pytest.approx((yaw, pitch), abs=6)
    assert pose.roll == pytest.approx(roll, abs=4)


def test_without_a_box_the_landmarks_decide() -> None:
    landmarks = _seen(20, 0, 5)
    assert estimate_pose(landmarks) == solve_pose(landmarks)


def test_a_nose_in_the_middle_of_the_box_means_a_frontal_head() -> None:
    landmarks = _seen(0, 0, 0)
    pose = estimate_pose(landmarks, _face(landmarks, 0, 0.25))
    assert pose.yaw == pytest.approx(0, abs=0.1)
    assert abs(pose.pitch) < 10


@pytest.mark.parametrize("roll", [0, 30, -60])
def test_a_nose_near_the_edge_of_the_box_means_a_turned_head_at_any_roll(roll: float) -> None:
    landmarks = _seen(0, 0, roll)
    assert estimate_pose(landmarks, _face(landmarks, 0.9, 0.25, roll)).yaw > 35
    assert estimate_pose(landmarks, _face(landmarks, -0.9, 0.25, roll)).yaw < -35
    assert abs(estimate_pose(landmarks, _face(landmarks, 0.4, 0.25, roll)).yaw) < 25


def test_a_nose_low_in_the_box_means_a_lowered_head() -> None:
    landmarks = _seen(0, 0, 0)
    low, high = (estimate_pose(landmarks, _face(landmarks, 0, down)).pitch for down in (0.6, -0.1))
    assert low < -10 < 10 < high


def test_roll_is_that_of_the_refined_landmarks() -> None:
    rough, refined = _seen(0, 0, 3), _seen(0, 0, 8)
    assert estimate_pose(refined, _face(rough, 0, 0.25)).roll == pytest.approx(8, abs=0.5)
