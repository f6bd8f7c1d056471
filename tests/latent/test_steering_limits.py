"""Limits: the figures of walks whose effect is known, and where a walk is said to end."""

from pathlib import Path

import pytest
import torch

import adatune
from adatune.augment.edits import make_edit
from adatune.errors import UsageError
from adatune.latent.steering import SteeringConfig, learn_walk, new_walk
from adatune.latent.steering_limits import Limit, LimitsConfig, measure_limits, recommended_range
from adatune.metrics.distances import kernel_distance
from adatune.metrics.features import discriminator_features

DEMO = Path(__file__).parents[2] / "pretrained" / "demo32.safetensors"


def row(slider, step, kid=0.0, achieved=0.0):
    return Limit(10 * slider, slider, achieved, 0, 0, None, 0.0, step, kid)


def test_a_walk_ends_where_pictures_hardly_change_any_more():
    steps = {-3: 0.1, -2: 0.5, -1: 1.0, 0: None, 1: 0.9, 2: 0.14, 3: 0.8}
    low, high, reasons = recommended_range([row(s, d) for s, d in steps.items()], None)
    assert (low, high) == (-20, 10)
    assert "10% of the largest step" in reasons[0]
    assert "14% of the largest step" in reasons[1]


def test_a_walk_ends_where_its_kid_is_above_the_bound():
    rows = [row(-1, 1.0, 0.001), row(0, None), row(1, 1.0, 0.004), row(2, 1.0, 0.02)]
    assert recommended_range(rows, None)[:2] == (-10, 20)
    low, high, reasons = recommended_range(rows, 0.01)
    assert (low, high) == (-10, 10)
    assert reasons == ("nothing was measured beyond", "beyond, KID is 0.02, above 0.01")


def test_a_walk_ends_where_it_turns_back():
    achieved = {-2: -7.0, -1: -4.0, 0: 0.0, 1: 5.0, 2: 4.9, 3: 9.0}
    low, high, reasons = recommended_range([row(s, s or None, achieved=a) for s, a in achieved.items()], None)
    assert (low, high) == (-20, 10)
    assert reasons[1] == "beyond, less is achieved (4.9, after 5)"


def test_strengths_further_apart_may_change_pictures_more():
    rows = [row(0, None), row(1, 1.0), row(11, 1.4)]
    assert recommended_range(rows, None)[1] == 10


@pytest.fixture(scope="module")
def brightness():
    demo = adatune.load(DEMO, device="cpu")
    edit, features = make_edit("brightness", 32), discriminator_features(demo.D)
    config = SteeringConfig(steps=120)
    walk = new_walk(demo.G_ema, edit, config)
    for _ in learn_walk(demo, edit, config, features, walk):
        pass
    alphas = [-0.6, -0.4, -0.2, 0.2, 0.4, 0.6]
    *batches, limits = measure_limits(demo, edit, 0, "w+", walk, alphas, features, LimitsConfig(samples=40))
    assert batches == [None] * 3
    return limits


def test_a_colour_walk_changes_its_channel_by_four_fifths_inside_the_reported_limits(brightness):
    inside = [r for r in brightness.rows if brightness.low <= r.alpha <= brightness.high and r.slider]
    assert len(inside) >= 4
    assert all(r.share >= 0.8 for r in inside), [(r.alpha, r.share) for r in inside]
    assert all(r.achieved_low <= r.achieved <= r.achieved_high for r in inside)


def test_what_is_achieved_grows_and_so_do_distances_away_from_alpha_0(brightness):
    rows = brightness.rows
    assert [r.alpha for r in rows] == [-0.6, -0.4, -0.2, 0, 0.2, 0.4, 0.6]
    achieved = [r.achieved for r in rows]
    assert achieved == sorted(achieved)
    assert rows[3].distance == 0
    assert rows[3].step is None
    assert rows[3].share is None
    assert rows[0].distance > rows[1].distance > rows[2].distance > 0
    assert rows[6].kid > rows[5].kid > rows[4].kid > 3 * abs(rows[3].kid)
    assert rows[2].step == pytest.approx(rows[2].distance)
    ends = [r.achieved for r in rows if r.alpha in (brightness.low, brightness.high)]
    assert list(brightness.reached()) == ends


def test_a_walk_that_goes_nowhere_achieves_nothing():
    demo = adatune.load(DEMO, device="cpu")
    edit, features = make_edit("shiftx", 32), discriminator_features(demo.D)
    walk = new_walk(demo.G_ema, edit, SteeringConfig())
    torch.nn.init.zeros_(walk.vectors)
    *_, limits = measure_limits(demo, edit, 0, "w+", walk, [-4, 4], features, LimitsConfig(samples=40))
    assert [r.achieved for r in limits.rows] == pytest.approx([0, 0, 0], abs=0.05)
    assert [r.distance for r in limits.rows] == pytest.approx([0, 0, 0], abs=1e-6)


def test_kid_is_that_of_other_latents_and_near_zero_without_movement(brightness):
    demo = adatune.load(DEMO, device="cpu")
    features = discriminator_features(demo.D)
    a, b = (
        features.embed(demo.G_ema(torch.randn(20, 64), psi=0.7, noise="const").clamp(-1, 1)) for _ in range(2)
    )
    chance = abs(kernel_distance(a, b))
    assert abs(brightness.rows[3].kid) < max(5 * chance, 0.01)


def test_limits_that_cannot_be_measured_are_refused():
    for settings, words in (({"samples": 3}, "--limit-samples 3"), ({"max_kid": 0.0}, "--max-kid 0")):
        with pytest.raises(UsageError, match=words):
            LimitsConfig(**settings)
