from dataclasses import replace

import numpy as np
import pytest

from adatune.demo import face_features
from adatune.demo.face_canvas import Canvas
from adatune.demo.face_head import head_outline
from adatune.demo.face_traits import BEARDS, draw_traits

FRONTAL = replace(
    draw_traits(2), yaw=0.0, pitch=0.0, roll=0.0, shift=(0.0, 0.0), zoom=1.0, glasses="none", beard="none"
)


def skin_canvas(**changes):
    canvas = Canvas(replace(FRONTAL, **changes), 128, 160)
    canvas.image[:] = FRONTAL.skin
    return canvas


def changed(canvas):
    """Where a canvas no longer shows plain skin."""
    return np.abs(canvas.image - FRONTAL.skin).max(axis=2) > 0.02


def test_eyes_are_painted_around_their_two_places():
    canvas = skin_canvas()
    face_features.paint_eyes(canvas)
    near = np.minimum(np.hypot(canvas.x - 0.5, canvas.y), np.hypot(canvas.x + 0.5, canvas.y))
    assert changed(canvas)[near < 0.08].all()
    assert not changed(canvas)[near > 0.5].any()


def test_brows_lie_above_the_eyes_and_nostrils_below():
    canvas = skin_canvas()
    face_features.paint_brows(canvas)
    assert canvas.y[changed(canvas)].max() < -0.1
    canvas = skin_canvas()
    face_features.paint_nostrils(canvas)
    assert canvas.y[changed(canvas)].min() > 0.3


def test_an_open_mouth_shows_teeth_brighter_than_the_lips():
    shut, wide = skin_canvas(mouth_open=0.0), skin_canvas(mouth_open=0.18, smile=0.5)
    for canvas in (shut, wide):
        face_features.paint_mouth(canvas)
    middle = (np.abs(shut.x) < 0.1) & (np.abs(shut.y - FRONTAL.mouth_y) < 0.15)
    assert wide.image[middle].min(axis=1).max() > shut.image[middle].min(axis=1).max()


def test_a_smile_lifts_the_corners_of_the_mouth():
    def corner_height(smile):
        canvas = skin_canvas(smile=smile, mouth_open=0.0, makeup=1.0)
        face_features.paint_mouth(canvas)
        marks = changed(canvas) & (np.abs(canvas.x) > 0.3)
        return canvas.y[marks].mean()

    assert corner_height(1.0) < corner_height(0.0) - 0.04


@pytest.mark.parametrize("beard", BEARDS)
def test_beards_stay_in_the_lower_half_of_the_face(beard):
    canvas = skin_canvas(beard=beard)
    head = head_outline(canvas)
    face_features.paint_beard(canvas, head, np.zeros_like(head))
    assert changed(canvas).any() == (beard != "none")
    assert not changed(canvas)[canvas.y < 0.4].any()


@pytest.mark.parametrize("glasses", ["round", "square", "sun"])
def test_glasses_go_around_the_eyes(glasses):
    canvas = skin_canvas(glasses=glasses)
    face_features.paint_glasses(canvas)
    assert changed(canvas).any()
    assert np.abs(canvas.y[changed(canvas)]).max() < 0.7


def test_sunglasses_hide_the_eyes():
    canvas = skin_canvas(glasses="sun")
    face_features.paint_glasses(canvas)
    assert canvas.image[np.hypot(canvas.x - 0.5, canvas.y) < 0.1].max() < FRONTAL.skin.max() / 2
