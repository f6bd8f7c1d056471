"""Pivotal tuning on a photo of a person whom no drawn face resembles."""

import pytest
import torch

import adatune
from adatune.latent.projection import ProjectionConfig, project_w, spread_of_w
from adatune.latent.targets import crop_settings, find_targets, to_images
from adatune.latent.tuning import tune
from adatune.metrics.distances import perceptual_distance
from adatune.metrics.features import discriminator_features


def finish(search):
    while True:
        try:
            next(search)
        except StopIteration as end:
            return end.value


@pytest.fixture(scope="module")
def found(request):
    """Networks, features, the photo, its w, and a generator tuned to it."""
    model = adatune.load("demo32")
    features = discriminator_features(model.D)
    crop, _ = crop_settings(request.config.rootpath / "none", model.config, model.aspect)
    (target,), _ = find_targets([request.config.rootpath / "tests" / "data" / "astronaut.jpg"], crop)
    photo = to_images([target.pixels], model.config, torch.device("cpu"))
    w = finish(project_w(model.G_ema, features, photo, spread_of_w(model.G_ema), ProjectionConfig(steps=60)))
    pivot = w.expand(-1, model.G_ema.num_ws, -1)
    before = {name: value.clone() for name, value in model.G_ema.state_dict().items()}
    tuned = finish(tune(model.G_ema, features, photo, pivot, 60, 3e-4))
    return model, features, photo, pivot, tuned, before


def test_a_tuned_network_draws_a_photo_far_better_than_w_does(found):
    model, features, photo, pivot, tuned, _ = found
    with torch.no_grad():
        in_w, in_pti = (g.synthesis(pivot, "const") for g in (model.G_ema, tuned))
    error_in_w, error_in_pti = ((x - photo).square().mean() for x in (in_w, in_pti))
    assert error_in_pti < error_in_w / 2
    near, far = (perceptual_distance(features, x, photo) for x in (in_pti, in_w))
    assert near < far / 2


def test_tuning_leaves_the_network_it_began_from_alone(found):
    model, *_, before = found
    for name, value in model.G_ema.state_dict().items():
        assert torch.equal(value, before[name]), name


def test_tuning_changes_the_synthesis_alone(found):
    *_, tuned, before = found
    changed = {name for name, value in tuned.state_dict().items() if not torch.equal(value, before[name])}
    assert changed
    assert all(name.startswith("synthesis.") for name in changed)
    assert not any(name.endswith("noise_const") for name in changed)
    assert not any(parameter.requires_grad for parameter in tuned.parameters())
