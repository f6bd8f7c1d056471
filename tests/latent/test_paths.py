"""Curves and paces, against what geometry says."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatune.latent.paths import (
    EASINGS,
    arc_lengths,
    cubic_spline,
    frame_times,
    great_circles,
    positions_at,
    random_walk,
    sample_positions,
    straight_lines,
    summed,
    waves_of_walk,
)

CURVES = [great_circles, straight_lines, cubic_spline]


def normal(*shape, seed=0):
    return np.random.RandomState(seed).randn(*shape)


def angles(points):
    """Between neighbours, by an independent formula: the tangent of half the angle."""
    a = points / np.linalg.norm(points, axis=1, keepdims=True)
    difference, total = np.linalg.norm(a[1:] - a[:-1], axis=1), np.linalg.norm(a[1:] + a[:-1], axis=1)
    return 2 * np.arctan2(difference, total)


@pytest.mark.parametrize("make", CURVES)
@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("count", [2, 3, 5])
def test_a_curve_goes_through_its_keys(make, is_closed, count):
    keys = normal(count, 6)
    curve = make(keys, is_closed)
    assert curve.segments == (count if is_closed else count - 1)
    assert np.allclose(curve.at(np.arange(curve.segments) * 1.0), keys[: curve.segments], atol=1e-12)
    assert np.allclose(curve.at(np.array([curve.segments * 1.0])), keys[0 if is_closed else -1], atol=1e-12)


@pytest.mark.parametrize("make", CURVES)
def test_the_first_point_is_the_first_key_bit_for_bit_in_float32(make):
    keys = normal(4, 512).astype(np.float32)
    first = make(keys.astype(np.float64), True).at(np.zeros(1))
    assert np.array_equal(first[0].astype(np.float32), keys[0])


@pytest.mark.parametrize("is_closed", [True, False])
def test_slerp_keeps_one_angular_speed_over_segments_of_different_length(is_closed):
    keys = normal(5, 3)  # in three dimensions angles between keys differ widely
    curve = great_circles(keys, is_closed)
    lengths = arc_lengths(curve)
    per_key = np.diff(lengths)
    assert per_key.max() / per_key.min() > 1.5
    times = frame_times(4001, False)
    steps = angles(curve.at(positions_at(times, lengths, curve.segments)))
    # A step across a key cuts its corner.
    assert np.mean(np.abs(steps / np.median(steps) - 1) < 1e-6) > 1 - 2 * len(keys) / 4000
    assert steps.sum() == pytest.approx(lengths[-1], rel=1e-3)


def test_slerp_stays_on_the_great_circle_and_within_the_lengths():
    a, b = normal(2, 8)
    points = great_circles(np.stack([a, 3 * b]), False).at(np.linspace(0, 1, 9))
    plane = np.linalg.qr(np.stack([a, b], axis=1))[0]
    assert np.allclose(points @ plane @ plane.T, points)
    expected = np.linspace(np.linalg.norm(a), 3 * np.linalg.norm(b), 9)
    assert np.allclose(np.linalg.norm(points, axis=1), expected)


def test_slerp_between_equal_keys_stays_and_between_near_ones_is_a_line():
    a = normal(4)
    assert np.allclose(great_circles(np.stack([a, a]), False).at(np.array([0.3])), a)
    near = np.stack([a, a + 1e-9 * normal(4, seed=1)])
    assert np.allclose(great_circles(near, False).at(np.array([0.5])), near.mean(axis=0), rtol=1e-14)


def test_lerp_is_a_straight_line_at_one_speed_and_keeps_the_shape_of_keys():
    keys = normal(2, 3, 4)
    curve = straight_lines(keys, False)
    points = curve.at(positions_at(frame_times(11, False), arc_lengths(curve), 1))
    assert points.shape == (11, 3, 4)
    assert np.allclose(points, keys[0] + (keys[1] - keys[0]) * np.linspace(0, 1, 11)[:, None, None])


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("count", [2, 3, 6])
def test_the_spline_has_no_corner_and_no_jump_in_its_curvature(is_closed, count):
    curve = cubic_spline(normal(count, 2), is_closed)
    h = 1e-3
    knots = np.arange(0 if is_closed else 1, curve.segments) * 1.0
    if not len(knots):
        return
    before = [
        curve.at(np.mod(knots - n * h, curve.segments) if is_closed else knots - n * h) for n in range(5)
    ]
    after = [curve.at(knots + n * h) for n in range(5)]

    # Differences of one side only, exact for cubics.
    def slope(p):
        return (-11 / 6 * p[0] + 3 * p[1] - 1.5 * p[2] + p[3] / 3) / h

    def bend(p):
        return (2 * p[0] - 5 * p[1] + 4 * p[2] - p[3]) / h**2

    assert np.allclose(slope(after), -slope(before), atol=1e-7)
    assert np.allclose(bend(after), bend(before), atol=1e-5)


def test_an_open_spline_has_no_curvature_at_its_ends():
    curve, h = cubic_spline(normal(5, 2), False), 1e-3
    for inward in (np.arange(3) * h, 4 - np.arange(3) * h):
        p = curve.at(inward)
        assert np.abs(p[0] - 2 * p[1] + p[2]).max() / h**2 < 0.05


def test_a_closed_spline_through_a_circle_is_nearly_the_circle():
    turn = np.arange(16) / 16 * 2 * np.pi
    curve = cubic_spline(np.stack([np.cos(turn), np.sin(turn)], axis=1), True)
    points = curve.at(np.linspace(0, 16, 500))
    assert np.abs(np.linalg.norm(points, axis=1) - 1).max() < 2e-4  # the error falls with the fourth power
    assert arc_lengths(curve)[-1] == pytest.approx(2 * np.pi, rel=1e-3)


def test_the_spline_goes_at_one_speed_where_the_pace_is_even():
    curve = cubic_spline(normal(5, 16), True)
    points = curve.at(positions_at(frame_times(500, True), arc_lengths(curve), 5))
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.max() / steps.min() < 1.02  # positions are interpolated between 64 a segment
    raw = np.linalg.norm(np.diff(curve.at(np.arange(500) / 100), axis=0), axis=1)
    assert raw.max() / raw.min() > 1.2


@pytest.mark.parametrize("is_closed", [True, False])
def test_a_walk_begins_at_its_start_and_comes_back_only_if_closed(is_closed):
    start = normal(512)
    walk = random_walk(start, normal(2, 6, 512, seed=1), is_closed)
    points = walk.at(np.array([0.0, walk.segments]))
    assert np.allclose(points[0], start, atol=1e-12)
    likeness = points[0] @ points[1] / np.linalg.norm(points[0]) / np.linalg.norm(points[1])
    assert likeness == pytest.approx(1 if is_closed else 0, abs=0.15)


@pytest.mark.parametrize("is_closed", [True, False])
def test_every_point_of_a_walk_is_standard_normal_if_its_start_is(is_closed):
    starts, draws = normal(4000), normal(2, 3, 4000, seed=1)
    points = random_walk(starts, draws, is_closed).at(np.linspace(0, 6, 13))
    assert np.abs(points.mean(axis=1)).max() < 4 / np.sqrt(4000)
    assert np.abs(points.std(axis=1) - 1).max() < 4 / np.sqrt(2 * 4000)


@pytest.mark.parametrize("is_closed", [True, False])
@pytest.mark.parametrize("seconds", [8, 20, 60])
def test_a_walk_turns_about_as_fast_as_a_film_through_keys(is_closed, seconds):
    waves = waves_of_walk(seconds, is_closed, 2)
    walk = random_walk(normal(512), normal(2, waves, 512, seed=1), is_closed)
    assert arc_lengths(walk)[-1] / seconds == pytest.approx(np.pi / 4, rel=0.5)


def test_a_loop_leaves_out_its_last_frame_and_a_film_does_not():
    assert frame_times(4, True).tolist() == [0, 0.25, 0.5, 0.75]
    assert frame_times(5, False).tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert frame_times(1, False).tolist() == [0]


@pytest.mark.parametrize("easing", EASINGS)
def test_an_easing_goes_from_key_to_key_and_never_back(easing):
    t = np.linspace(0, 1, 1001)
    eased = EASINGS[easing](t)
    assert (eased[0], eased[-1]) == (0, 1)
    assert (np.diff(eased) >= 0).all()


def test_easings_rest_where_they_say():
    def speeds(easing):
        steps = np.diff(EASINGS[easing](np.linspace(0, 1, 1001))) * 1000
        return steps[0], steps[-1]

    assert speeds("linear") == pytest.approx((1, 1))
    assert max(*speeds("smooth"), *speeds("smoother"), speeds("in")[0], speeds("out")[1]) < 0.01
    assert min(speeds("in")[1], speeds("out")[0]) > 1.9


def test_an_eased_film_rests_at_each_key_and_passes_it_at_the_same_time():
    curve = great_circles(normal(3, 64), False)
    lengths, times = arc_lengths(curve), frame_times(2001, False)
    plain, eased = (positions_at(times, lengths, 2, easing) for easing in ("linear", "smooth"))
    assert np.argmax(plain >= 1) == pytest.approx(np.argmax(eased >= 1), abs=2)
    near_key = np.abs(plain - 1) < 0.01
    assert np.diff(eased)[near_key[1:]].max() < 0.1 * np.diff(plain).mean()


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=6).map(lambda steps: np.array(steps) / 100),
    st.sampled_from(sorted(EASINGS)),
    st.integers(1, 5),
)
def test_positions_ascend_from_the_first_key_to_the_last(steps, easing, per_segment):
    lengths = summed(np.repeat(steps, per_segment))
    positions = positions_at(frame_times(50, False), lengths, len(steps), easing)
    assert positions[0] == 0 or steps[0] == 0  # nothing is spent between equal keys
    assert positions[-1] <= len(steps)
    assert (np.diff(positions) >= -1e-9).all()
    if steps[-1]:
        assert positions[-1] == pytest.approx(len(steps))


def test_equal_keys_take_no_time_and_only_equal_keys_some():
    lengths = summed(np.array([1.0, 0.0, 1.0]))
    positions = positions_at(frame_times(1001, False), lengths, 3)
    assert ((positions > 1.01) & (positions < 1.99)).sum() == 0
    assert np.allclose(positions_at(frame_times(3, False), np.zeros(4), 3), [0, 1.5, 3])


def test_samples_reach_from_end_to_end():
    curve = straight_lines(normal(3, 2), True)
    assert sample_positions(curve, 2).tolist() == [0, 0.5, 1, 1.5, 2, 2.5, 3]
