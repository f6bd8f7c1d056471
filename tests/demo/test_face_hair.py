from dataclasses import replace

import numpy as np
import pytest

from adatune.demo import face_hair
from adatune.demo.face_canvas import Canvas
from adatune.demo.face_head import head_outline
from adatune.demo.face_traits import HAIR_STYLES, draw_traits

FRONTAL = replace(
    draw_traits(2), yaw=0.0, pitch=0.0, roll=0.0, shift=(0.0, 0.0), zoom=1.0, hat=False, woman=True
)


def front(style):
    canvas = Canvas(replace(FRONTAL, hair_style=style), 64, 80)
    return canvas, face_hair.hair_front(canvas, face_hair.hair_outline(canvas))


@pytest.mark.parametrize("style", HAIR_STYLES)
def test_no_style_covers_the_eyes_nose_or_mouth(style):
    canvas, mask = front(style)
    face = (np.abs(canvas.x) < 0.6) & (canvas.y > -0.15) & (canvas.y < 1.4)
    assert mask[face].max() < 0.05


@pytest.mark.parametrize("style", [style for style in HAIR_STYLES if style != "bald"])
def test_every_style_but_bald_covers_some_of_the_head(style):
    assert front(style)[1].mean() > 0.02


def test_long_hair_reaches_the_shoulders_and_short_hair_does_not():
    lowest = {}
    for style in ("long", "short"):
        canvas, mask = front(style)
        lowest[style] = canvas.y[mask > 0.5].max()
    assert lowest["long"] > 1.8
    assert lowest["short"] < 0.4


def test_bald_heads_have_no_hair_in_front_and_throw_no_shadow():
    canvas, mask = front("bald")
    assert mask.max() == 0
    assert face_hair.hair_shadow(canvas, mask).max() == 0


def test_back_hair_shows_beside_the_neck_of_long_styles_only():
    for style, shows in (("long", True), ("short", False)):
        canvas = Canvas(replace(FRONTAL, hair_style=style), 64, 80)
        outline = face_hair.hair_outline(canvas)
        face_hair.paint_back_hair(canvas, outline, face_hair.hair_light(canvas, outline))
        assert (canvas.image[canvas.y > 1.5].max() > 0) == shows


def test_front_hair_takes_the_colour_of_the_traits():
    canvas = Canvas(replace(FRONTAL, hair_style="long", hair=np.array([0.5, 0.1, 0.02], np.float32)), 64, 80)
    outline = face_hair.hair_outline(canvas)
    mask = face_hair.hair_front(canvas, outline)
    face_hair.paint_front_hair(canvas, mask, face_hair.hair_light(canvas, outline))
    red, green, blue = canvas.image[mask > 0.9].mean(axis=0)
    assert red > green > blue


def test_a_hat_covers_the_crown_only_when_worn():
    for hat in (False, True):
        canvas = Canvas(replace(FRONTAL, hat=hat), 64, 80)
        face_hair.paint_hat(canvas, head_outline(canvas))
        assert (canvas.image[(np.abs(canvas.x) < 0.3) & (np.abs(canvas.y + 1.3) < 0.2)].min() > 0) == hat
        assert canvas.image[canvas.y > -0.3].max() == 0
