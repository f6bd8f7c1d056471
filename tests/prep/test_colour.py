from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.images import Pixels
from adatune.prep.colour import GREY_CHROMA, GREY_DISTANCE, Colour, measure_colour, odd_colours
from adatune.prep.view import VIEW_HEIGHT, VIEW_WIDTH

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"
PLAIN, GREY = Colour(15, 14, 16), Colour(0.4, 0, 0)
LIMIT = 4.0


@pytest.fixture(scope="module")
def face() -> Pixels:
    picture = Image.open(ASTRONAUT).convert("RGB")
    box = (79.6, 1.6, 251.2, 216.1)  # eyes near (144, 101) and (187, 104)
    return np.asarray(picture.resize((VIEW_WIDTH, VIEW_HEIGHT), Image.Resampling.BICUBIC, box=box))


def _grey(face: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(face).convert("L").convert("RGB"))


def _people(count: int) -> list[Colour]:
    """Colours of faces as different as people and lamps are."""
    random = np.random.default_rng(3)
    return [Colour(15, *random.normal((14, 16), (3, 4))) for _ in range(count)]


def _far(colours: list[Colour]) -> set[int]:
    return {index for index, distance in odd_colours(colours).items() if distance > LIMIT}


def test_grey_and_sepia_have_no_chroma_and_a_colour_photo_has(face: Pixels) -> None:
    sepia = (_grey(face) * [1.0, 0.84, 0.62]).astype(np.uint8)
    assert measure_colour(_grey(face)).chroma < 0.1
    assert measure_colour(sepia).chroma < GREY_CHROMA
    assert measure_colour(face).chroma > 2 * GREY_CHROMA


def test_blue_light_moves_the_face_towards_blue(face: Pixels) -> None:
    blue = (face * [0.7, 0.9, 1.0]).astype(np.uint8)
    assert measure_colour(blue).b < measure_colour(face).b - 5


def test_a_grey_photo_among_colour_ones_is_odd_and_so_is_the_reverse() -> None:
    assert odd_colours([*_people(12), GREY])[12] == GREY_DISTANCE
    assert odd_colours([GREY] * 12 + [PLAIN]) == {12: GREY_DISTANCE}


def test_one_cast_among_many_people_is_odd_and_the_people_are_not() -> None:
    assert _far([*_people(40), Colour(15, 5, -15)]) == {40}


def test_a_photo_made_blue_is_odd_among_copies_in_light_as_it_comes(face: Pixels) -> None:
    copies = [(face * gains).astype(np.uint8) for gains in np.random.default_rng(0).uniform(0.9, 1, (12, 3))]
    blue = np.minimum(255, face * [0.6, 0.85, 1.3]).astype(np.uint8)
    assert _far([measure_colour(view) for view in [*copies, blue]]) == {12}


@pytest.mark.parametrize("odd", [Colour(15, -10, -30), GREY])
def test_a_set_that_is_half_and_half_has_no_odd_ones(odd: Colour) -> None:
    assert _far([PLAIN] * 10 + [odd] * 10) == set()


def test_a_set_of_seven_is_too_small_to_have_odd_ones() -> None:
    assert odd_colours([PLAIN] * 6 + [GREY]) == {}


def test_nothing_is_odd_among_equals() -> None:
    assert _far([PLAIN] * 20) == set()
