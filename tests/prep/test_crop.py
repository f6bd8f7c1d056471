import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adatune.errors import PhotosError
from adatune.prep.crop import (
    box_corners,
    box_size,
    centre_corners,
    face_corners,
    invented_share,
)

ANGLES = st.floats(-180, 180)
PLACES = st.floats(-100, 3000)
ASPECTS = st.floats(0.3, 3)
RATIOS = st.tuples(st.integers(1, 20), st.integers(1, 20))


def turned(points, degrees, about=(0, 0)):
    """Clockwise, as seen."""
    turn = np.exp(1j * np.deg2rad(degrees))
    places = ((points - about) @ [1, 1j]) * turn
    return np.stack([places.real, places.imag], axis=1) + about


@st.composite
def faces(draw):
    """Landmarks of a face of any size, place and turn, not always symmetric."""
    shape = np.array([[-0.5, 0], [0.5, 0], [0, 0.6], [-0.4, 1.0], [0.4, 1.1]])
    shape[2:] += np.array(draw(st.tuples(st.floats(-0.3, 0.3), st.floats(-0.3, 0.3))))
    place = np.array([draw(PLACES), draw(PLACES)])
    return place + turned(shape * draw(st.floats(5, 500)), draw(ANGLES))


def places_in(corners, points):
    """Where points of the photo lie in a box, as shares of its width and height."""
    axes = np.stack([corners[1] - corners[0], corners[3] - corners[0]], axis=1)
    return np.linalg.solve(axes, (points - corners[0]).T).T


def holds(corners, points):
    shares = places_in(corners, points)
    return (shares > -1e-6).all() and (shares < 1 + 1e-6).all()


@given(face=faces())
@settings(max_examples=60, deadline=None)
def test_the_box_is_level_five_to_four_with_the_eyes_in_their_places(face):
    corners = face_corners(face, "portrait54", 1.25)
    eyes = math.dist(face[0], face[1])
    assert box_size(corners) == pytest.approx((4 * eyes, 5 * eyes))
    assert places_in(corners, face[:2]) == pytest.approx(np.array([[0.375, 0.47], [0.625, 0.47]]), abs=1e-9)


@given(face=faces(), ratio=RATIOS)
@settings(max_examples=60, deadline=None)
def test_a_box_of_any_ratio_holds_the_whole_face_and_no_more_than_it_must(face, ratio):
    aspect = ratio[1] / ratio[0]
    corners = face_corners(face, "portrait54", aspect)
    width, height = (side / math.dist(face[0], face[1]) for side in box_size(corners))
    assert height / width == pytest.approx(aspect)
    assert min(width / 4, height / 5) == pytest.approx(1)
    assert holds(corners, face_corners(face, "portrait54", 1.25))


def test_the_ffhq_box_of_an_upright_face_is_a_square_below_the_eyes():
    face = np.array([[100, 200], [200, 200], [150, 260], [120, 310], [180, 310]], float)
    # e = (100, 0), v = (0, 110): half a side is max(2.0 * 100, 1.8 * 110) = 200, around (150, 200 + 11).
    expected = [[-50, 11], [350, 11], [350, 411], [-50, 411]]
    assert face_corners(face, "ffhq", 1.0) == pytest.approx(np.array(expected, float))
    face[3:, 1] = 350  # v = (0, 150): 1.8 * 150 = 270 is more than 200
    expected = [[-120, -55], [420, -55], [420, 485], [-120, 485]]
    assert face_corners(face, "ffhq", 1.0) == pytest.approx(np.array(expected, float))


@given(face=faces())
@settings(max_examples=60, deadline=None)
def test_the_ffhq_box_follows_its_formula_in_complex_numbers(face):
    left, right, _, *mouth = face @ [1, 1j]
    between, down = right - left, np.mean(mouth) - (left + right) / 2
    x = between - 1j * down
    x *= max(2.0 * abs(between), 1.8 * abs(down)) / abs(x)
    centre = (left + right) / 2 + 0.1 * down
    quad = centre + np.array([-x - 1j * x, x - 1j * x, x + 1j * x, -x + 1j * x])
    assert face_corners(face, "ffhq", 1.0) @ [1, 1j] == pytest.approx(quad)


@given(face=faces(), ratio=RATIOS)
@settings(max_examples=60, deadline=None)
def test_another_ratio_only_adds_to_the_ffhq_square(face, ratio):
    aspect = ratio[1] / ratio[0]
    corners = face_corners(face, "ffhq", aspect)
    square = face_corners(face, "ffhq", 1.0)
    assert holds(corners, square)
    assert corners.mean(axis=0) == pytest.approx(square.mean(axis=0))
    width, height = box_size(corners)
    assert height / width == pytest.approx(aspect)
    assert min(width, height) == pytest.approx(box_size(square)[0])


@given(face=faces(), align=st.sampled_from(["portrait54", "ffhq"]), aspect=ASPECTS, angle=ANGLES)
@settings(max_examples=60, deadline=None)
def test_a_turned_photo_has_the_same_box_turned(face, align, aspect, angle):
    about = (400, 300)
    of_turned = face_corners(turned(face, angle, about), align, aspect)
    assert of_turned == pytest.approx(turned(face_corners(face, align, aspect), angle, about), abs=1e-6)


@given(face=faces(), align=st.sampled_from(["portrait54", "ffhq"]), aspect=ASPECTS)
@settings(max_examples=60, deadline=None)
def test_a_mirrored_photo_has_the_same_box_mirrored(face, align, aspect):
    mirrored = face[[1, 0, 2, 4, 3]] * [-1, 1] + [1000, 0]
    corners = face_corners(face, align, aspect)
    expected = corners[[1, 0, 3, 2]] * [-1, 1] + [1000, 0]
    assert face_corners(mirrored, align, aspect) == pytest.approx(expected, abs=1e-6)


def test_a_face_without_extent_has_a_box_without_extent():
    nowhere = np.full((5, 2), 10.0)
    for align in ("portrait54", "ffhq"):
        assert face_corners(nowhere, align, 1.25) == pytest.approx(np.full((4, 2), 10.0))


@given(width=st.integers(1, 5000), height=st.integers(1, 5000), aspect=ASPECTS)
@settings(max_examples=60, deadline=None)
def test_the_centred_box_is_the_largest_of_its_aspect(width, height, aspect):
    corners = centre_corners(width, height, aspect)
    box_width, box_height = box_size(corners)
    assert box_height / box_width == pytest.approx(aspect)
    assert max(box_width / width, box_height / height) == pytest.approx(1)
    assert min(box_width / width, box_height / height) <= 1 + 1e-9
    assert corners.mean(axis=0) == pytest.approx([width / 2, height / 2])


def test_a_box_by_hand_turns_clockwise_about_its_centre():
    assert box_corners(10, 20, 40, 50, 0, 1.25)[[0, 2]] == pytest.approx(np.array([[10, 20], [50, 70]]))
    # A quarter turn: what was the upper left corner is now the upper right one, as seen.
    expected = [[55, 25], [55, 65], [5, 65], [5, 25]]
    assert box_corners(10, 20, 40, 50, 90, 1.25) == pytest.approx(np.array(expected))


@given(x=PLACES, y=PLACES, width=st.floats(1, 900), height=st.floats(1, 900), angle=ANGLES, aspect=ASPECTS)
@settings(max_examples=60, deadline=None)
def test_a_box_by_hand_gets_its_aspect_and_loses_nothing(x, y, width, height, angle, aspect):
    corners = box_corners(x, y, width, height, angle, aspect)
    assert box_size(corners)[1] / box_size(corners)[0] == pytest.approx(aspect)
    drawn = np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]])
    assert holds(corners, turned(drawn, angle, (x + width / 2, y + height / 2)))
    assert min(box_size(corners)[0] / width, box_size(corners)[1] / height) == pytest.approx(1)


BAD_BOXES = [
    (0, 0, 0, 5, 0),
    (0, 0, 5, -1, 0),
    (math.nan, 0, 5, 5, 0),
    (0, 0, 5, 5, math.inf),
    (0, 0, 1e6, 5, 0),
]


@pytest.mark.parametrize("numbers", BAD_BOXES)
def test_a_box_by_hand_that_holds_nothing_is_refused(numbers):
    with pytest.raises(PhotosError, match="holds no picture"):
        box_corners(*numbers, aspect=1.25)


@given(
    x=st.floats(-60, 160),
    y=st.floats(-60, 160),
    width=st.floats(1, 150),
    height=st.floats(1, 150),
    angle=ANGLES,
)
@settings(max_examples=60, deadline=None)
def test_the_invented_share_is_what_counting_finds(x, y, width, height, angle):
    corners = box_corners(x, y, width, height, angle, height / width)
    u, v = np.meshgrid((np.arange(200) + 0.5) / 200, (np.arange(200) + 0.5) / 200)
    places = corners[0] + u[..., None] * (corners[1] - corners[0]) + v[..., None] * (corners[3] - corners[0])
    outside = ((places < 0) | (places > [100, 80])).any(axis=-1)
    assert invented_share(corners, 100, 80) == pytest.approx(outside.mean(), abs=0.008)


def test_the_invented_share_is_exact_where_it_is_plain():
    corners = np.array([[-5, 0], [5, 0], [5, 10], [-5, 10]], float)
    assert invented_share(corners, 100, 100) == pytest.approx(0.5, abs=1e-12)
    assert invented_share(centre_corners(30, 20, 1.0), 30, 20) == 0
    assert invented_share(corners - 50, 100, 100) == 1
    assert invented_share(np.zeros((4, 2)), 100, 100) == 1  # nothing of a box without area is in the photo
