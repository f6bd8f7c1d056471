from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.images import Pixels
from adatune.prep.exposure import measure_exposure
from adatune.prep.view import VIEW_HEIGHT, VIEW_WIDTH

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"


@pytest.fixture(scope="module")
def face() -> Pixels:
    picture = Image.open(ASTRONAUT).convert("RGB")
    box = (79.6, 1.6, 251.2, 216.1)  # eyes near (144, 101) and (187, 104)
    return np.asarray(picture.resize((VIEW_WIDTH, VIEW_HEIGHT), Image.Resampling.BICUBIC, box=box))


def _with_light(face: Pixels, stops: float) -> Pixels:
    """Exposed by so many stops more, in linear light, clipped as a sensor does."""
    value = face.astype(np.float64) / 255
    light = np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4) * 2.0**stops
    light = light.clip(0, 1)
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return np.round(value * 255).astype(np.uint8)


@pytest.mark.parametrize("stops", [-0.5, 0, 0.5])
def test_a_face_as_it_was_taken_has_no_fault(face: Pixels, stops: float) -> None:
    exposure = measure_exposure(_with_light(face, stops))
    assert exposure.score < 0.5


@pytest.mark.parametrize(("stops", "words"), [(-3, "too dark"), (3, "burnt out")])
def test_three_stops_either_way_are_a_fault(face: Pixels, stops: float, words: str) -> None:
    exposure = measure_exposure(_with_light(face, stops))
    assert exposure.score > 0.5
    assert exposure.words == words


def test_a_flat_face_is_called_so(face: Pixels) -> None:
    exposure = measure_exposure((170 + (face.astype(np.float64) - 128) * 0.15).astype(np.uint8))
    assert exposure.score > 0.5
    assert exposure.words == "flat"


def test_dark_skin_in_good_light_has_no_fault(face: Pixels) -> None:
    dark = face.copy()
    y, x = np.mgrid[0:VIEW_HEIGHT, 0:VIEW_WIDTH]
    skin = ((x - 128) / 70) ** 2 + ((y - 170) / 105) ** 2 < 1
    highlights = face.max(axis=-1) > 225
    dark[skin & ~highlights] = (face[skin & ~highlights] * 0.45).astype(np.uint8)
    assert measure_exposure(dark).score < 0.25


def test_a_face_against_the_light_is_too_dark_though_the_picture_is_not(face: Pixels) -> None:
    against = _with_light(face, -4)
    against[:, :50] = against[:, -50:] = 255
    assert measure_exposure(against).words == "too dark"


@pytest.mark.parametrize(("level", "words"), [(0, "too dark"), (255, "burnt out")])
def test_a_face_without_any_tone_is_a_complete_fault(level: int, words: str) -> None:
    exposure = measure_exposure(np.full((VIEW_HEIGHT, VIEW_WIDTH, 3), level, np.uint8))
    assert exposure.score == 1
    assert exposure.words == words
