from dataclasses import replace

import numpy as np

from adatune.demo.face_canvas import Canvas
from adatune.demo.face_head import head_outline, is_facing, paint_ears, paint_neck, paint_skin
from adatune.demo.face_traits import draw_traits

FRONTAL = replace(draw_traits(2), yaw=0.0, pitch=0.0, roll=0.0, shift=(0.0, 0.0), zoom=1.0)


def test_a_frontal_head_is_symmetric_and_as_high_as_its_traits_say():
    canvas = Canvas(FRONTAL, 128, 160)
    head = head_outline(canvas)
    np.testing.assert_allclose(head, head[:, ::-1], atol=1e-3)
    inside = canvas.y[(head < 0).any(axis=1), 0]
    assert abs(inside.max() - FRONTAL.chin) < 0.1
    assert inside.min() < -1.6


def test_light_from_the_left_makes_the_left_half_brighter():
    light = np.array([-0.7, -0.2, 0.7]) / np.linalg.norm([-0.7, -0.2, 0.7])
    canvas = Canvas(replace(FRONTAL, light=light), 64, 80)
    head = head_outline(canvas)
    paint_skin(canvas, head, np.zeros_like(head))
    assert canvas.image[20:60, :32].mean() > 1.2 * canvas.image[20:60, 32:].mean()


def test_neck_and_ears_are_painted_beyond_the_head():
    canvas = Canvas(FRONTAL, 64, 80)
    head = head_outline(canvas)
    paint_neck(canvas, head)
    neck = (canvas.image.sum(axis=2) > 0) & (head > 0)
    paint_ears(canvas)
    ears = (canvas.image.sum(axis=2) > 0) & (head > 0) & ~neck
    assert canvas.y[neck].min() > 0.9
    assert np.abs(canvas.x[ears]).min() > 0.7


def test_the_far_half_of_a_turned_face_looks_narrower():
    turned = replace(FRONTAL, yaw=0.3)
    assert is_facing(turned, 1) < is_facing(FRONTAL, 1) < is_facing(turned, -1)
