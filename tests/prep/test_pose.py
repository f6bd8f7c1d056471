from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.images import Pixels
from adatune.prep.faces import Face, FaceFinder
from adatune.prep.pose import FACE_SHAPE, Pose, estimate_pose, solve_pose

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"


def _seen(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """Landmarks of the model face, turned and seen from far away; signs as `Pose` documents them."""
    a, b, c = np.deg2rad([yaw, pitch, roll])
    about_y = np.array([[np.cos(a), 0, -np.sin(a)], [0, 1, 0], [np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), np.sin(b)], [0, -np.sin(b), np.cos(b)]])
    points = FACE_SHAPE @ about_x.T @ about_y.T
    seen = points[:, :2] * (20 / (20 + points[:, 2:]))
    spin = np.array([[np.cos(c), -np.sin(c)], [np.sin(c), np.cos(c)]])
    return seen @ spin.T * 80 + 500


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def photo() -> Pixels:
    return np.asarray(Image.open(ASTRONAUT).convert("RGB"))


def _pose(pixels: Pixels, finder: FaceFinder) -> tuple[Pose, Face]:
    face = finder.find(pixels, 0.9)[0]
    return estimate_pose(finder.refine(pixels, face.landmarks).landmarks, face, pixels), face


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (25, 0, 0), (-30, 0, 5), (0, 20, 0), (0, -20, -40)]
)
def test_the_turn_of_a_model_head_is_recovered(yaw: float, pitch: float, roll: float) -> None:
    pose = solve_pose(_seen(yaw, pitch, roll))
    assert (pose.yaw, pose.pitch) == pytest.approx((yaw, pitch), abs=6)
    assert pose.roll == pytest.approx(roll, abs=4)


def test_without_a_photo_the_landmarks_decide() -> None:
    landmarks = _seen(20, 0, 5)
    assert estimate_pose(landmarks) == solve_pose(landmarks)


def test_a_frontal_portrait_is_within_the_limits(photo: Pixels, finder: FaceFinder) -> None:
    pose, _ = _pose(photo, finder)
    assert abs(pose.yaw) < 25
    assert abs(pose.pitch) < 20


def test_the_mirrored_photo_is_turned_the_other_way(photo: Pixels, finder: FaceFinder) -> None:
    pose, mirrored = (_pose(pixels, finder)[0] for pixels in (photo, photo[:, ::-1].copy()))
    assert mirrored.yaw == pytest.approx(-pose.yaw, abs=8)
    assert mirrored.pitch == pytest.approx(pose.pitch, abs=8)


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side_shows_the_same_yaw_and_pitch(
    photo: Pixels, finder: FaceFinder, quarters: int
) -> None:
    upright, turned = (_pose(pixels, finder)[0] for pixels in (photo, np.rot90(photo, quarters).copy()))
    assert turned.yaw == pytest.approx(upright.yaw, abs=10)
    assert turned.pitch == pytest.approx(upright.pitch, abs=10)


def test_a_nose_away_from_the_middle_of_the_head_means_a_turned_head(
    photo: Pixels, finder: FaceFinder
) -> None:
    """The face squeezed on one side, as a turned one is; landmarks and box stay where they were."""
    face = finder.find(photo, 0.9)[0]
    left, top, right, bottom = (round(side) for side in face.box)
    nose = round(face.landmarks[2, 0])
    target = round(left + 0.85 * (right - left))
    near = Image.fromarray(photo[top:bottom, left:nose]).resize((target - left, bottom - top))
    far = Image.fromarray(photo[top:bottom, nose:right]).resize((right - target, bottom - top))
    turned = photo.copy()
    turned[top:bottom, left:right] = np.concatenate([np.asarray(near), np.asarray(far)], axis=1)
    assert (
        estimate_pose(face.landmarks, face, turned).yaw > estimate_pose(face.landmarks, face, photo).yaw + 10
    )


def test_roll_is_that_of_the_refined_landmarks(photo: Pixels, finder: FaceFinder) -> None:
    _, face = _pose(photo, finder)
    assert estimate_pose(_seen(0, 0, 8), face, photo).roll == pytest.approx(8, abs=0.5)


def test_a_box_outside_the_photo_leaves_the_landmarks_alone(photo: Pixels) -> None:
    landmarks = _seen(10, 0, 0)
    face = Face((-300.0, -300.0, -200.0, -200.0), 0.99, landmarks, 0)
    assert estimate_pose(landmarks, face, photo) == solve_pose(landmarks)
