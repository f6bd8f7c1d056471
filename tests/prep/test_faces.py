from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.prep.faces import Face, FaceFinder

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"  # public domain (NASA); 340 x 400
# Read off the picture by eye: eyes, tip of the nose, corners of the mouth.
SEEN = np.array([[144.0, 102.0], [187.0, 103.0], [165.0, 130.0], [147.0, 146.0], [187.0, 146.0]])
EYE_DISTANCE = 43.0


@cache
def _finder() -> FaceFinder:
    return FaceFinder()


def _portrait() -> np.ndarray:
    return np.asarray(Image.open(ASTRONAUT).convert("RGB"))


def _find(pixels: np.ndarray) -> list[Face]:
    return _finder().find(np.ascontiguousarray(pixels), 0.9)


def _enlarged(factor: float) -> np.ndarray:
    picture = Image.open(ASTRONAUT).convert("RGB")
    size = (round(340 * factor), round(400 * factor))
    return np.asarray(picture.resize(size, Image.Resampling.LANCZOS))


def _texture(height: int, width: int) -> np.ndarray:
    """Coloured clouds: something to search in that is no face."""
    coarse = np.random.default_rng(3).integers(40, 215, (height // 40, width // 40, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)).copy()


def test_a_portrait_has_one_face_where_a_person_sees_it() -> None:
    (face,) = _find(_portrait())
    assert np.abs(face.landmarks - SEEN).max() < 7
    left, top, right, bottom = face.box
    assert left < 144 < 187 < right
    assert top < 102 < 146 < bottom


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_photo_gives_the_same_landmarks_turned(turn: int) -> None:
    upright = _find(_portrait())[0]
    (found,) = _find(np.rot90(_portrait(), -turn // 90))  # turned clockwise: counter-clockwise turns it back
    x, y = upright.landmarks[:, 0], upright.landmarks[:, 1]
    expected = {90: (400 - y, x), 180: (340 - x, 400 - y), 270: (y, 340 - x)}[turn]
    assert found.turn == turn
    assert np.abs(found.landmarks - np.stack(expected, axis=1)).max() < 0.1 * EYE_DISTANCE


@pytest.mark.parametrize("angle", [-30, 30])
def test_a_tilted_head_is_not_a_turned_photo(angle: int) -> None:
    tilted = Image.fromarray(_portrait()).rotate(angle, Image.Resampling.BICUBIC, fillcolor="grey")
    assert [face.turn for face in _find(np.asarray(tilted))] == [0]


def test_small_eyes_in_a_large_photo_are_found() -> None:
    photo = _texture(3000, 4000)
    photo[2200:2572, 3000:3316] = _enlarged(40 / EYE_DISTANCE)  # 40 pixels between the eyes
    (face,) = _find(photo)
    assert face.eye_distance == pytest.approx(40, rel=0.1)
    expected = SEEN * 40 / EYE_DISTANCE + np.array([3000, 2200])
    assert np.abs(face.landmarks - expected)[:2].max() < 0.1 * 40


@pytest.mark.parametrize(("border", "window"), [("left", (0, 400, 130, 340)), ("right", (0, 400, 0, 205))])
def test_a_face_that_touches_the_border_is_found(border: str, window: tuple[int, int, int, int]) -> None:
    top, bottom, left, right = window
    (face,) = _find(_portrait()[top:bottom, left:right])
    assert np.abs(face.landmarks[:2] + np.array([left, top]) - SEEN[:2]).max() < 0.2 * EYE_DISTANCE


def test_a_face_that_fills_its_photo_is_found() -> None:
    (face,) = _find(_portrait()[75:165, 125:208])
    assert np.abs(face.landmarks + np.array([125, 75]) - SEEN).max() < 0.2 * EYE_DISTANCE


def test_several_faces_come_largest_first_and_each_once() -> None:
    photo = _texture(600, 1200)
    photo[100:500, 50:390] = _portrait()
    photo[100:300, 500:670] = _enlarged(0.5)
    photo[20:580, 715:1191] = _enlarged(1.4)
    sizes = [face.eye_distance for face in _find(photo)]
    assert sizes == pytest.approx([1.4 * EYE_DISTANCE, EYE_DISTANCE, 0.5 * EYE_DISTANCE], rel=0.12)


def test_a_larger_copy_of_the_photo_gives_the_same_landmarks_enlarged() -> None:
    small, large = _find(_portrait())[0], _find(_enlarged(6))[0]
    assert large.landmarks / 6 == pytest.approx(small.landmarks, abs=0.06 * EYE_DISTANCE)


def test_clouds_have_no_face_whichever_way_up() -> None:
    assert _find(_texture(800, 1000)) == []


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (2000, 2), (24, 24), (39, 39), (41, 41)])
def test_tiny_and_flat_pictures_have_no_face(size: tuple[int, int]) -> None:
    assert _find(np.full((*size, 3), 90, np.uint8)) == []
