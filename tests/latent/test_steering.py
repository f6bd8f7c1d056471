"""Learning to steer: what a walk of the demo network does to faces, and what is refused."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import adatune
from adatune.augment.edits import make_edit
from adatune.errors import UsageError
from adatune.latent.steering import (
    SteeringConfig,
    learn_walk,
    new_walk,
    parse_alphas,
    sliders_of,
    steering_loss,
    with_defaults,
)
from adatune.metrics.features import discriminator_features
from adatune.networks import Generator, NetworkConfig
from adatune.networks.walks import start, to_ws

DEMO = Path(__file__).parents[2] / "pretrained" / "demo32.safetensors"
SIDE = 32


@pytest.fixture(scope="module")
def demo():
    return adatune.load(DEMO, device="cpu")


def learned(demo, name, **settings):
    edit, config = make_edit(name, SIDE), SteeringConfig(**settings)
    walk = new_walk(demo.G_ema, edit, config)
    losses = list(learn_walk(demo, edit, config, discriminator_features(demo.D), walk))
    return edit, config, walk, losses


@torch.no_grad()
def pictures(demo, space, walk, rows, count):
    """Seeds that WALK was not learned from, moved by each row of sliders: [rows, count, 3, 32, 32]."""
    latents = torch.from_numpy(np.random.RandomState(777).randn(count, 64)).float()
    begun = start(demo.G_ema, space, latents, None, 0.7)
    return torch.stack(
        [
            demo.G_ema.synthesis(
                to_ws(demo.G_ema, space, walk(begun.positions, torch.tensor([row])), begun), "const"
            )
            for row in rows
        ]
    )


def centres(images):
    """Where the faces are, in pixels across: the centre of mass of what differs from the upper border."""
    background = images[..., :2, :].mean(dim=(-2, -1), keepdim=True)
    mass = (images - background).abs().sum(dim=-3)
    return (mass * torch.arange(SIDE)).sum(dim=(-2, -1)) / mass.sum(dim=(-2, -1))


def test_a_learned_shift_moves_the_centre_of_mass_the_asked_way_in_order_for_nearly_all_of_200_seeds(demo):
    edit, config, walk, losses = learned(demo, "shiftx", steps=150)
    assert np.mean(losses[-15:]) < np.mean(losses[:15])
    shifts = (-4.0, -2.0, 0.0, 2.0, 4.0)
    where = centres(pictures(demo, config.space, walk, [[edit.slider_of(a)] for a in shifts], 200))
    steps = where.diff(dim=0)  # [4, seeds]
    assert (steps.mean(dim=1) > 0.2).all(), steps.mean(dim=1)
    assert (where[-1] > where[0]).float().mean() > 0.99  # measured: all of them
    assert (steps > 0).all(dim=0).float().mean() > 0.95, (steps > 0).float().mean(dim=1)


def test_a_learned_brightness_reaches_four_fifths_of_what_is_asked(demo):
    _, config, walk, _ = learned(demo, "brightness", steps=70)
    images = pictures(demo, config.space, walk, [[0.0], [-0.4], [0.4]], 32)
    change = images.mean(dim=(1, 2, 3, 4)) - images[0].mean()
    assert change[1] == pytest.approx(-0.4, abs=0.08)
    assert change[2] == pytest.approx(0.4, abs=0.08)


def reached(demo, walk):
    """The share of 0.5 by which each channel changes up and down in the mean, [2, 3]."""
    rows = torch.eye(3) * 0.5
    images = pictures(demo, "w+", walk, [[0.0] * 3, *rows.tolist(), *(-rows).tolist()], 48)
    means = images.mean(dim=(1, 3, 4))
    return torch.stack([(means[1:4] - means[0]).diagonal(), (means[0] - means[4:]).diagonal()]) / 0.5


def test_red_soon_reaches_four_fifths_blue_seven_tenths_and_green_which_is_hardest_six_tenths(demo):
    shares = reached(demo, learned(demo, "color", steps=200)[2])
    assert (shares > torch.tensor([0.8, 0.6, 0.7])).all(), shares
    assert (shares < 1.1).all(), shares


@pytest.mark.slow
def test_by_default_red_and_blue_reach_nine_tenths_and_green_nearly_four_fifths(demo):
    shares = reached(demo, learned(demo, "color")[2])
    # Measured: 0.95, 0.79, 0.91 or more. With a w for each picture green is 0.87: the network adds no more.
    assert (shares >= torch.tensor([0.9, 0.78, 0.9])).all(), shares


def random_network(width):
    torch.manual_seed(0)
    config = NetworkConfig(
        resolution=16, z_dim=width, w_dim=width, mapping_layers=2, channel_base=512, channel_max=32
    )
    return Generator(config).eval().requires_grad_(False)


def test_colours_are_learned_more_slowly_where_pictures_change_more(demo):
    config, edit = SteeringConfig(), make_edit("color", 16)
    wide = random_network(512)
    assert with_defaults(config, wide, edit).learning_rate < 0.05
    assert 0.2 < with_defaults(config, demo.G_ema, edit).learning_rate < 0.4
    for style in wide.synthesis.modules():
        if hasattr(style, "affine"):
            style.affine.weight /= 10
    assert with_defaults(config, wide, edit).learning_rate > 0.05


def test_colours_are_learned_without_going_astray_512_wide():
    wide = random_network(512)
    edit, config = make_edit("color", 16), SteeringConfig(steps=60)
    walk = new_walk(wide, edit, config)
    losses = list(learn_walk(SimpleNamespace(G_ema=wide, config=wide.config), edit, config, None, walk))
    assert np.mean(losses[-10:]) < 0.3 * losses[0]
    assert max(losses) < 5 * losses[0]


def test_what_is_given_is_kept_and_movements_have_a_rate_and_a_batch_of_their_own(demo):
    colour, shift = make_edit("color", SIDE), make_edit("shiftx", SIDE)
    given = SteeringConfig(batch=3, learning_rate=0.01)
    assert with_defaults(given, demo.G_ema, colour) == given
    found = with_defaults(SteeringConfig(), demo.G_ema, shift)
    assert (found.batch, found.learning_rate) == (4, pytest.approx(0.02 * 8**0.5))
    found = with_defaults(SteeringConfig(is_nonlinear=True), demo.G_ema, make_edit("brightness", SIDE))
    assert (found.batch, found.learning_rate) == (8, 0.002)


@pytest.mark.parametrize("space", ["z", "w", "w+"])
@pytest.mark.parametrize("is_nonlinear", [False, True])
def test_any_walk_gets_better_at_its_edit(demo, space, is_nonlinear):
    rate = 0.002 if is_nonlinear else 0.05 if space == "z" else 0.02
    edit, config, walk, _ = learned(
        demo, "brightness", space=space, is_nonlinear=is_nonlinear, steps=25, learning_rate=rate
    )
    before = new_walk(demo.G_ema, edit, config)
    latents = torch.from_numpy(np.random.RandomState(5).randn(8, 64)).float()
    with torch.no_grad():
        first, last = (
            np.mean(
                [
                    float(
                        steering_loss(demo.G_ema, edit, space, each, latents, torch.tensor([[a]]), None, None)
                    )
                    for a in (-0.4, 0.4)
                ]
            )
            for each in (before, walk)
        )
    assert last < 0.9 * first


def test_the_same_seed_learns_the_same_bits_and_another_others(demo):
    same = [learned(demo, "zoom", steps=2, seed=seed)[2].vectors for seed in (4, 4, 5)]
    assert torch.equal(same[0], same[1])
    assert not torch.equal(same[0], same[2])


def test_the_generator_is_left_as_it_was(demo):
    before = {name: value.clone() for name, value in demo.G_ema.state_dict().items()}
    learned(demo, "rotate2d", steps=2)
    assert all(torch.equal(value, before[name]) for name, value in demo.G_ema.state_dict().items())


def test_the_loss_counts_only_what_the_mask_lets_through(demo):
    edit = make_edit("shiftx", SIDE)
    walk = new_walk(demo.G_ema, edit, SteeringConfig())
    torch.nn.init.zeros_(walk.vectors)
    latents, alphas = torch.randn(2, 64), torch.tensor([[3.0]])
    loss = steering_loss(demo.G_ema, edit, "w+", walk, latents, alphas, None, None)
    with torch.no_grad():
        images = demo.G_ema(latents, noise="const").numpy()
    expected = np.square(images[..., 3:] - images[..., :-3]).mean()
    assert float(loss.detach()) == pytest.approx(expected, rel=1e-4)


def test_movements_are_compared_by_features_and_colours_by_pixels(demo):
    config = SteeringConfig()
    assert config.loss_for(make_edit("zoom", SIDE)) == "perceptual"
    assert config.loss_for(make_edit("color", SIDE)) == "l2"
    edit, features = make_edit("shiftx", SIDE), discriminator_features(demo.D)
    walk = new_walk(demo.G_ema, edit, config)
    arguments = demo.G_ema, edit, "w+", walk, torch.randn(2, 64), torch.tensor([[3.0]]), None
    assert float(steering_loss(*arguments, features).detach()) != float(
        steering_loss(*arguments, None).detach()
    )


def test_sliders_follow_alphas():
    assert sliders_of(make_edit("zoom", SIDE), torch.tensor([[1.0]])).tolist() == [[0.0]]
    assert sliders_of(make_edit("color", SIDE), torch.tensor([[0.5, 0, -0.25]])).tolist() == [[0.5, 0, -0.25]]


def test_alphas_are_listed_in_order_with_the_one_that_changes_nothing():
    assert parse_alphas("4,-2", make_edit("shiftx", SIDE)) == [-2, 0, 4]
    assert parse_alphas("2,0.5", make_edit("zoom", SIDE)) == [0.5, 1, 2]
    for name, text in (
        ("zoom", "0.5,-1"),
        ("zoom", "0"),
        ("shiftx", "far"),
        ("shiftx", "nan"),
        ("shiftx", "0"),
    ):
        with pytest.raises(UsageError, match="--alphas"):
            parse_alphas(text, make_edit(name, SIDE))


def test_what_cannot_be_learned_is_refused(demo):
    for settings, words in (
        ({"space": "s"}, "--space s"), ({"loss": "l1"}, "--loss l1"), ({"steps": -1}, "--steps -1"),
        ({"learning_rate": float("nan")}, "--lr nan"), ({"seed": -1}, "--seed -1"),
    ):  # fmt: skip
        with pytest.raises(UsageError, match=words):
            SteeringConfig(**settings)
    with pytest.raises(UsageError, match="one slider and color has 3"):
        new_walk(demo.G_ema, make_edit("color", SIDE), SteeringConfig(is_nonlinear=True))


def test_a_walk_that_goes_astray_says_what_to_do(demo):
    edit, config = make_edit("brightness", SIDE), SteeringConfig(steps=1)
    endless = replace(edit, apply=lambda images, _: (images + torch.inf, torch.ones_like(images)))
    with pytest.raises(UsageError, match="smaller --lr"):
        list(learn_walk(demo, endless, config, None, new_walk(demo.G_ema, edit, config)))
