import numpy as np
import pytest

from adatune.prep.pose import FACE_SHAPE, estimate_pose


def _seen(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Landmarks of the model face, turned and seen from far away; signs as `Pose` documents them."""
    a, b, c = np.deg2rad([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    points = FACE_SHAPE @ about_x.T @ about_y.T
    seen = points[:, :2] * (20 / (20 + points[:, 2:]))
    spin = np.array([[np.cos(c), -np.sin(c)], [np.sin(c), np.cos(c)]])
    return seen @ spin.T * 80 + 500


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (25, 0, 0), (-30, 0, 5), (0, 20, 0), (0, -20, -40)]
)
def test_the_turn_of_a_model_head_is_recovered(yaw: float, pitch: float, roll: float) -> None:
    pose = estimate_pose(_seen(yaw, pitch, roll))
    assert (pose.yaw, pose.pitch) == pytest.approx((yaw, pitch), abs=6)
    assert pose.roll == pytest.approx(roll, abs=4)
