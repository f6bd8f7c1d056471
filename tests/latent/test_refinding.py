"""The self-test knows what it looks for."""

import numpy as np
import pytest
import torch

import adatune
from adatune.latent.refinding import generated_targets, w_distances
from adatune.latent.seeds import latents_of_seeds


@pytest.fixture(scope="module")
def model():
    return adatune.load("demo32")


def test_the_targets_are_the_pictures_of_generate(model):
    targets = generated_targets(model, 3)
    pictures = adatune.generate(model, [0, 1, 2], square=True)
    for target, picture in zip(targets, pictures, strict=True):
        assert np.array_equal(target.pixels, np.asarray(picture))
    assert [target.name for target in targets] == ["seed0000", "seed0001", "seed0002"]


def test_the_true_w_is_at_distance_zero_and_the_mean_where_the_start_is(model):
    with torch.no_grad():
        true = model.G_ema.mapping(latents_of_seeds(range(2), 64), psi=0.7)
    distances = w_distances(model, true)
    assert [found for found, _ in distances] == pytest.approx([0, 0], abs=1e-6)
    mean = model.G_ema.mapping.w_avg.expand_as(true)
    for found, start in w_distances(model, mean):
        assert found == pytest.approx(start, rel=0.1)
        assert 0.3 < start < 1.2  # psi 0.7 times a draw's own distance of about one spread
