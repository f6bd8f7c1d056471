from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.prep.crop import portrait_corners
from adatune.prep.faces import FaceFinder
from adatune.prep.landmarks import Refined, similarity, spread_looks
from adatune.prep.resample import warp

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"  # public domain (NASA)
# Read off the picture by eye: eyes, tip of the nose, corners of the mouth.
SEEN = np.array([[144.0, 102.0], [187.0, 103.0], [165.0, 130.0], [147.0, 146.0], [187.0, 146.0]])
EYE_DISTANCE = 43.0


@cache
def _finder() -> FaceFinder:
    return FaceFinder()


def _portrait() -> np.ndarray:
    return np.asarray(Image.open(ASTRONAUT).convert("RGB"))


def _refine(pixels: np.ndarray, start: np.ndarray) -> Refined:
    return _finder().refine(np.ascontiguousarray(pixels), start)


def test_the_landmarks_are_where_a_person_sees_them() -> None:
    assert np.abs(_refine(_portrait(), SEEN).landmarks - SEEN).max() < 7


@pytest.mark.parametrize("shift", [(14, 0), (-14, 0), (0, 14), (0, -14)])
def test_a_start_a_third_of_an_eye_distance_off_ends_in_the_same_place(shift: tuple[int, int]) -> None:
    straight = _refine(_portrait(), SEEN).landmarks
    astray = _refine(_portrait(), SEEN + shift).landmarks
    assert np.abs(astray - straight).max() < 0.02 * EYE_DISTANCE


def test_a_mirrored_photo_gives_the_mirrored_landmarks() -> None:
    plain = _refine(_portrait(), SEEN).landmarks
    start = np.stack([340 - SEEN[:, 0], SEEN[:, 1]], axis=1)[[1, 0, 2, 4, 3]]
    mirrored = _refine(_portrait()[:, ::-1], start).landmarks
    mirrored[:, 0] = 340 - mirrored[:, 0]
    assert np.abs(plain - mirrored[[1, 0, 2, 4, 3]]).max() < 0.02 * EYE_DISTANCE


@pytest.mark.parametrize("border", ["left", "right", "top", "bottom"])
def test_a_border_close_to_the_face_does_not_move_its_landmarks(border: str) -> None:
    whole = _refine(_portrait(), SEEN).landmarks
    left, top = (123 if border == "left" else 0), (68 if border == "top" else 0)
    right, bottom = (208 if border == "right" else 340), (163 if border == "bottom" else 400)
    part = _refine(_portrait()[top:bottom, left:right], SEEN - [left, top]).landmarks
    assert np.abs(part[:2] + np.array([left, top]) - whole[:2]).max() < 0.05 * EYE_DISTANCE


def test_a_photo_enlarged_four_times_gives_the_same_landmarks_enlarged() -> None:
    large = np.asarray(Image.open(ASTRONAUT).convert("RGB").resize((1360, 1600), Image.Resampling.BICUBIC))
    assert _refine(large, SEEN * 4).landmarks / 4 == pytest.approx(
        _refine(_portrait(), SEEN).landmarks, abs=0.015 * EYE_DISTANCE
    )


def test_a_tilted_portrait_comes_out_level() -> None:
    tilted = np.asarray(
        Image.fromarray(_portrait()).rotate(17, Image.Resampling.BICUBIC, expand=True, fillcolor="grey")
    )
    found = _finder().find(tilted, 0.9)[0].landmarks
    level = warp(tilted, portrait_corners(_refine(tilted, found).landmarks), 256, 320)
    eyes = _refine(level, np.array([[96, 150], [160, 150], [128, 190], [103, 215], [153, 215]])).landmarks[:2]
    assert abs(np.degrees(np.arctan2(*(eyes[1] - eyes[0])[::-1]))) < 0.5
    assert eyes == pytest.approx(np.array([[96, 150.4], [160, 150.4]]), abs=2)


def test_a_face_is_likelier_than_a_collar() -> None:
    face, collar = (_refine(_portrait(), SEEN + np.array([0, down])).part_logits for down in (0, 120))
    assert all(face[part] > collar[part] + 1 for part in face)


@pytest.mark.parametrize("start", [np.zeros((5, 2)), SEEN - 5000.0, SEEN * 1e-3])
def test_nonsense_to_start_from_gives_finite_landmarks(start: np.ndarray) -> None:
    refined = _refine(_portrait(), start)
    assert np.isfinite(refined.landmarks).all()
    assert np.isfinite(list(refined.part_logits.values())).all()


def test_a_photo_of_one_pixel_can_be_looked_at() -> None:
    assert np.isfinite(_refine(np.full((1, 1, 3), 90, np.uint8), SEEN).landmarks).all()


def test_the_looks_balance_out_and_no_two_sets_share_one() -> None:
    looks = np.concatenate([spread_looks(16), spread_looks(16, start=17)])
    assert looks[:16, [0, 1, 3]].mean(axis=0) == pytest.approx(0, abs=1e-12)
    assert np.log(looks[:16, 2]).mean() == pytest.approx(0, abs=1e-12)
    assert len(np.unique(looks.round(9), axis=0)) == 32


def test_a_similarity_is_recovered_exactly() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    turn = np.array([[1.2, -0.7], [0.7, 1.2]])
    matrix, shift = similarity(points, points @ turn.T + [3, -4])
    assert matrix == pytest.approx(turn)
    assert shift == pytest.approx([3, -4])
