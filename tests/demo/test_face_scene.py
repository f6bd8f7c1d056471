from dataclasses import replace

import numpy as np
import pytest

from adatune.demo.face_canvas import Canvas
from adatune.demo.face_scene import paint_background, paint_shoulders
from adatune.demo.face_traits import BACKGROUNDS, TOPS, draw_traits


@pytest.mark.parametrize("background", BACKGROUNDS)
def test_a_background_covers_the_whole_frame(background):
    canvas = Canvas(replace(draw_traits(1), background=background), 64, 80)
    paint_background(canvas)
    assert np.isfinite(canvas.image).all()
    assert canvas.image.max(axis=2).min() > 0
    assert canvas.image.std() > 1e-4


@pytest.mark.parametrize("top", TOPS)
def test_clothes_change_the_bottom_of_the_frame_and_nothing_at_the_top(top):
    canvas = Canvas(replace(draw_traits(1), top=top), 64, 80)
    paint_shoulders(canvas)
    assert canvas.image[-2:].mean() > 0
    assert canvas.image[:40].max() == 0


def test_the_space_suit_is_orange():
    canvas = Canvas(replace(draw_traits(1), top="suit"), 64, 80)
    paint_shoulders(canvas)
    red, green, blue = canvas.image[-1, 5]
    assert red > 2 * green > 4 * blue
