import numpy as np
import pytest

from adatune.demo.face_canvas import Canvas, dome, smooth_union, smoothstep, touched
from adatune.demo.face_traits import draw_traits


@pytest.fixture
def canvas():
    return Canvas(draw_traits(0), 64, 80)


def test_an_ellipse_with_equal_radii_is_a_circle(canvas):
    distance = canvas.ellipse(0.2, -0.1, 0.7, 0.7)
    exact = np.hypot(canvas.x - 0.2, canvas.y + 0.1) - 0.7
    np.testing.assert_allclose(distance, exact, atol=1e-4)


def test_cover_fills_the_area_of_the_shape(canvas):
    area = canvas.cover(canvas.ellipse(0, 0, 0.9, 1.1)).sum() * canvas.pixel**2 / canvas.traits.zoom**2
    assert area == pytest.approx(np.pi * 0.9 * 1.1, rel=0.02)


def test_a_surface_that_faces_the_light_is_brighter_than_one_that_turns_away(canvas):
    light = canvas.traits.light
    toward = canvas.shade(np.ones(3), canvas.x * -float(light[0]) + canvas.y * -float(light[1]))
    away = canvas.shade(np.ones(3), canvas.x * float(light[0]) + canvas.y * float(light[1]))
    assert toward[5:-5, 5:-5].mean() > away[5:-5, 5:-5].mean()


def test_paint_replaces_only_where_the_mask_is(canvas):
    mask = np.zeros((80, 64), np.float32)
    mask[10:20, 30:40] = 1
    canvas.paint(np.array([1.0, 0.5, 0.25]), mask)
    np.testing.assert_allclose(canvas.image[10:20, 30:40], np.broadcast_to([1, 0.5, 0.25], (10, 10, 3)))
    assert canvas.image.sum() == pytest.approx(100 * 1.75)


def test_darken_multiplies_the_light_down(canvas):
    canvas.image[:] = 0.8
    canvas.darken(np.ones((80, 64), np.float32), 0.25)
    np.testing.assert_allclose(canvas.image, 0.6, rtol=1e-6)


def test_touched_is_empty_for_an_empty_mask():
    rows, columns = touched(np.zeros((4, 5), np.float32))
    assert np.zeros((4, 5))[rows, columns].size == 0


def test_smoothstep_runs_both_ways():
    x = np.array([-1.0, 0.5, 2.0])
    np.testing.assert_allclose(smoothstep(0, 1, x), [0, 0.5, 1])
    np.testing.assert_allclose(smoothstep(1, 0, x), [1, 0.5, 0])


def test_smooth_union_equals_the_union_away_from_the_seam():
    a, b = np.array([0.3, 2.0]), np.array([1.3, 0.5])
    np.testing.assert_allclose(smooth_union(a, b, 0.2), [0.3, 0.5])


def test_dome_rises_from_its_edge_to_its_radius():
    np.testing.assert_allclose(dome(np.array([0.0, -0.5, -2.0]), 0.5), [0, 0.5, 0.5], atol=1e-3)
