from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.prep.crop import portrait_corners, warp
from adatune.prep.faces import FaceFinder, similarity

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"  # public domain (NASA)
EYES = np.array([[144.0, 102.0], [187.0, 103.0]])  # read off the picture by eye


@cache
def finder() -> FaceFinder:
    return FaceFinder()


def _portrait() -> Image.Image:
    return Image.open(ASTRONAUT).convert("RGB")


def _refined(picture: Image.Image) -> np.ndarray:
    pixels = np.asarray(picture)
    faces = finder().find(pixels, 0.9)
    assert len(faces) == 1
    return finder().refine(pixels, faces[0].landmarks).landmarks


def test_the_eyes_are_where_a_person_sees_them() -> None:
    assert np.abs(_refined(_portrait())[:2] - EYES).max() < 6


@pytest.mark.parametrize("turn", [90, 180, 270])
def test_a_turned_photo_gives_the_same_landmarks_turned(turn: int) -> None:
    upright = _refined(_portrait())
    turned = np.rot90(np.asarray(_portrait()), turn // 90)
    found = _refined(Image.fromarray(turned))
    height, width = 400, 340
    x, y = upright[:, 0], upright[:, 1]
    expected = {90: (y, width - x), 180: (width - x, height - y), 270: (height - y, x)}[turn]
    assert np.abs(found - np.stack(expected, axis=1)).max() < 2.5


def test_refined_landmarks_do_not_mind_a_mirror() -> None:
    plain = _refined(_portrait())
    mirrored = _refined(_portrait().transpose(Image.Transpose.FLIP_LEFT_RIGHT))
    mirrored[:, 0] = 340 - mirrored[:, 0]
    assert np.abs(plain - mirrored[[1, 0, 2, 4, 3]]).max() < 1.5


def test_a_tilted_portrait_comes_out_level() -> None:
    tilted = np.asarray(_portrait().rotate(17, Image.Resampling.BICUBIC, expand=True, fillcolor="grey"))
    level = warp(tilted, portrait_corners(_refined(Image.fromarray(tilted))), 256, 320)
    eyes = _refined(Image.fromarray(level))[:2]
    assert abs(np.degrees(np.arctan2(*(eyes[1] - eyes[0])[::-1]))) < 1.5
    assert eyes == pytest.approx(np.array([[96, 150.4], [160, 150.4]]), abs=5)


@pytest.mark.parametrize("size", [(1, 1), (3, 900), (39, 39), (41, 41)])
def test_tiny_and_flat_pictures_have_no_face(size: tuple[int, int]) -> None:
    assert finder().find(np.full((*size, 3), 90, np.uint8), 0.9) == []


def test_a_similarity_is_recovered_exactly() -> None:
    points = np.random.default_rng(0).normal(size=(5, 2))
    turn = np.array([[1.2, -0.7], [0.7, 1.2]])
    matrix, shift = similarity(points, points @ turn.T + [3, -4])
    assert matrix == pytest.approx(turn)
    assert shift == pytest.approx([3, -4])
