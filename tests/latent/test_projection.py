"""Projection: known pictures are found again, whatever is looked for beside them."""

from dataclasses import replace
from math import log10

import pytest
import torch
from host_waits import OnlyOnTheDevice
from tiny_networks import tiny_networks

import adatune
from adatune.errors import UsageError
from adatune.kernels import ops_mode
from adatune.latent.projection import (
    ProjectionConfig,
    config_of_length,
    learning_rate_factor,
    perturbation_factor,
    project_w,
    project_w_plus,
    spread_of_w,
)
from adatune.latent.seeds import latents_of_seeds
from adatune.latent.tuning import tune
from adatune.metrics.features import discriminator_features


@pytest.fixture(scope="module")
def model():
    return adatune.load("demo32")


@pytest.fixture(scope="module")
def features(model):
    return discriminator_features(model.D)


def pictures_of(model, seeds):
    with torch.no_grad():
        return model.G_ema(latents_of_seeds(seeds, 64), psi=0.7, noise="const")


def finish(search):
    """What a search returns."""
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value


def decibels(model, w, targets):
    with torch.no_grad():
        images = model.G_ema.synthesis(w.expand(-1, model.G_ema.num_ws, -1), "const")
    errors = (images.clamp(-1, 1) - targets.clamp(-1, 1)).square().mean(dim=(1, 2, 3))
    return [10 * log10(4 / error) for error in errors.tolist()]


def test_a_generated_picture_is_found_ten_decibels_nearer_than_another_one(model, features):
    targets, config = pictures_of(model, [3, 4]), ProjectionConfig(steps=50)
    with torch.no_grad():
        others = model.G_ema.mapping(latents_of_seeds([8, 9], 64), psi=0.7)[:, :1]
    spread = spread_of_w(model.G_ema)
    found = finish(project_w(model.G_ema, features, targets, spread, config))
    assert found.shape == (2, 1, 64)
    for near, far in zip(decibels(model, found, targets), decibels(model, others, targets), strict=True):
        assert near > far + 10


def test_w_plus_comes_nearer_than_w_and_its_weight_holds_it_back(model, features):
    torch.manual_seed(0)
    targets = pictures_of(model, [3]) * 0.6 + 0.2 * torch.randn(1, 3, 32, 32)
    spread, config = spread_of_w(model.G_ema), ProjectionConfig(steps=30, plus_steps=30)
    w = finish(project_w(model.G_ema, features, targets, spread, config))
    free, held = (
        finish(project_w_plus(model.G_ema, features, targets, w, spread, replace(config, plus_weight=weight)))
        for weight in (0.01, 100.0)
    )
    assert free.shape == (1, model.G_ema.num_ws, 64)
    assert decibels(model, free, targets)[0] > decibels(model, w, targets)[0]
    assert (held - w).norm() < 0.7 * (free - w).norm()


def test_a_picture_is_found_alike_alone_and_in_company(model, features):
    targets, config = pictures_of(model, [3, 4]), ProjectionConfig(steps=12)
    spread = spread_of_w(model.G_ema)
    together = finish(project_w(model.G_ema, features, targets, spread, config))
    alone = [finish(project_w(model.G_ema, features, x[None], spread, config)) for x in targets]
    moved = (together - spread.mean).norm()
    # Adam divides small gradients by themselves, so rounding shows; a wrong share would be off by far more.
    assert (torch.cat(alone) - together).norm() < 0.01 * moved


def test_the_same_seed_gives_the_same_bits_and_another_one_others(model, features):
    targets, spread = pictures_of(model, [3]), spread_of_w(model.G_ema)
    first, again, other = (
        finish(project_w(model.G_ema, features, targets, spread, ProjectionConfig(steps=4, seed=seed)))
        for seed in (1, 1, 2)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_steps_by_kernels_go_where_those_by_plain_torch_go():
    model = tiny_networks(resolution=8)
    features, spread = discriminator_features(model.D), spread_of_w(model.G_ema)
    with torch.no_grad():
        target = model.G_ema(torch.ones(1, 16), noise="none")
    found = {}
    for ops in ("torch", "fused"):
        with ops_mode(ops):
            found[ops] = finish(project_w(model.G_ema, features, target, spread, ProjectionConfig(steps=3)))
    moved = (found["torch"] - spread.mean).norm()
    assert moved > 0.01 * spread.deviation
    assert (found["fused"] - found["torch"]).norm() < 0.01 * moved


def test_the_spread_is_that_of_many_mapped_latents(model):
    spread = spread_of_w(model.G_ema)
    torch.manual_seed(0)
    with torch.no_grad():
        w = model.G_ema.mapping(torch.randn(20_000, 64))[:, 0]
    assert (spread.mean - w.mean(dim=0)).norm() < 0.03 * spread.deviation
    deviation = (w - w.mean(dim=0)).square().sum(dim=1).mean().sqrt()
    assert torch.allclose(spread.deviation, deviation, rtol=0.02)


def test_no_step_waits_for_the_device(model, features):
    targets, spread = pictures_of(model, [3]), spread_of_w(model.G_ema)
    config = ProjectionConfig(steps=8, plus_steps=8)
    in_w = project_w(model.G_ema, features, targets, spread, config)
    start = spread.mean.expand(1, 1, -1)
    in_w_plus = project_w_plus(model.G_ema, features, targets, start, spread, config)
    pivot = spread.mean.expand(1, model.G_ema.num_ws, -1)
    tuning = tune(model.G_ema, features, targets, pivot, 8, 3e-4)
    for search in (in_w, in_w_plus, tuning):
        next(search)  # sets up, too
        with OnlyOnTheDevice():
            for _ in range(7):
                next(search)


@pytest.mark.parametrize(
    ("t", "expected"), [(0, 0), (0.025, 0.5), (0.05, 1), (0.75, 1), (0.875, 0.5), (1, 0)]
)
def test_the_learning_rate_goes_up_in_a_line_and_down_along_a_cosine(t, expected):
    assert learning_rate_factor(t) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(("t", "expected"), [(0, 0.05), (0.375, 0.0125), (0.75, 0), (1, 0)])
def test_the_perturbation_ends_after_three_quarters(t, expected):
    assert perturbation_factor(t) == pytest.approx(expected, abs=1e-12)


def test_the_gradient_goes_into_the_noise_too(model):
    generator = model.G_ema
    planes = [
        torch.randn(1, 1, x.resolution, x.resolution, requires_grad=True) for x in generator.synthesis.layers
    ]
    ws = torch.zeros(1, generator.num_ws, 64)
    generator.synthesis(ws, planes).square().sum().backward()
    assert all(plane.grad is not None and plane.grad.abs().max() > 0 for plane in planes)


def test_the_other_lengths_follow_that_of_w():
    config = config_of_length(1000, "pti", 3)
    assert (config.steps, config.plus_steps, config.tuning_steps) == (1000, 500, 350)
    assert config_of_length(1, "w", 0).tuning_steps == 1


@pytest.mark.parametrize("settings", [{"space": "z"}, {"steps": 0}, {"seed": -1}])
def test_values_that_cannot_be_are_refused(settings):
    with pytest.raises(UsageError, match="--"):
        ProjectionConfig(**settings)
