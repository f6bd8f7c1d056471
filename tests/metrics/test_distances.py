"""Distances against plain loops, worked examples and what must grow."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torchvision.transforms.functional import gaussian_blur

import adatune
from adatune.latent.seeds import latents_of_seeds
from adatune.metrics import distances
from adatune.metrics.distances import (
    kernel_distance,
    map_distance,
    perceptual_distance,
    search_loss,
    signal_to_noise,
)
from adatune.metrics.features import discriminator_features


def plain_kernel_distance(x, y):
    """Algorithms C.1 for one subset that is all of both, number by number."""
    size, width = x.shape

    def k(a, b):
        return (float(np.dot(a, b)) / width + 1) ** 3

    within = sum(k(s[i], s[j]) for s in (x, y) for i in range(size) for j in range(size) if i != j)
    between = sum(k(a, b) for a in x for b in y)
    return (within / (size - 1) - 2 * between / size) / size


def test_kid_is_the_double_loop(monkeypatch):
    monkeypatch.setattr(distances, "_BLOCK", 4)
    x, y = np.random.default_rng(0).normal(size=(2, 11, 5))
    found = kernel_distance(torch.from_numpy(x), torch.from_numpy(y), subsets=3)
    assert found == pytest.approx(plain_kernel_distance(x, y), rel=1e-12)


def test_kid_of_two_pairs_is_what_a_hand_works_out():
    # k(1,2) = 27, k(0,1) = 1; k(1,0) = 1, k(1,1) = 8, k(2,0) = 1, k(2,1) = 27.
    x, y = torch.tensor([[1.0], [2.0]]), torch.tensor([[0.0], [1.0]])
    assert kernel_distance(x, y, subsets=1) == pytest.approx(((54 + 2) / 1 - 2 * 37 / 2) / 2)


def test_kid_is_about_zero_for_like_sets_and_grows_with_a_shift():
    torch.manual_seed(0)
    values = torch.randn(600, 16)
    like = kernel_distance(values[:300], values[300:], 20, 200)
    near, far = (kernel_distance(values[:300], values[300:] + shift, 20, 200) for shift in (0.3, 0.6))
    assert abs(like) < 0.01
    assert near > 10 * abs(like)
    assert far > 2 * near


def test_kid_of_a_set_and_itself_is_below_zero_as_it_is_unbiased():
    values = torch.randn(50, 8)
    assert -1 < kernel_distance(values, values, 5) < 0


def test_kid_depends_on_its_seed_alone():
    torch.manual_seed(0)
    values = torch.randn(2, 40, 4)
    first, again, other = (kernel_distance(*values, 3, 20, seed) for seed in (1, 1, 2))
    assert first == again != other


def test_kid_of_too_few_or_unlike_vectors_is_refused():
    with pytest.raises(ValueError, match="two vectors"):
        kernel_distance(torch.zeros(1, 4), torch.zeros(5, 4))
    with pytest.raises(ValueError, match="widths"):
        kernel_distance(torch.zeros(3, 4), torch.zeros(3, 5))


def test_the_perceptual_distance_is_zero_for_equal_pictures_and_grows_with_blur():
    networks = adatune.load("demo32")
    features = discriminator_features(networks.D)
    with torch.no_grad():
        pictures = networks.G_ema(latents_of_seeds(range(4), 64), psi=0.7, noise="const")
    assert perceptual_distance(features, pictures, pictures).eq(0).all()
    previous = torch.zeros(4)
    for sigma in (0.5, 1.0, 2.0):
        distance = perceptual_distance(features, pictures, gaussian_blur(pictures, 9, sigma))
        assert (distance > previous + 0.005).all(), sigma
        previous = distance


def test_the_distance_of_one_to_many_is_that_of_each():
    networks = adatune.load("demo32")
    features = discriminator_features(networks.D)
    torch.manual_seed(0)
    pictures = torch.rand(3, 3, 32, 32) * 2 - 1
    maps = features.maps(pictures)
    found = map_distance([x[:1] for x in maps], maps)
    assert found[0] == 0
    assert torch.allclose(
        found[1:], perceptual_distance(features, pictures[:1].expand(2, -1, -1, -1), pictures[1:])
    )


def test_the_signal_to_noise_ratio_of_a_step_of_one_is_48_decibels():
    grey = np.full((4, 4, 3), 100, np.uint8)
    assert signal_to_noise(grey, grey + np.uint8(1)) == pytest.approx(48.13, abs=0.01)
    assert signal_to_noise(grey + np.uint8(1), grey) == pytest.approx(48.13, abs=0.01)
    assert signal_to_noise(grey, grey) == 99


def test_a_search_by_the_discriminator_looks_at_pixels_too():
    features = discriminator_features(adatune.load("demo32").D)
    torch.manual_seed(0)
    images, targets = torch.rand(2, 2, 3, 32, 32) * 2 - 1
    loss = search_loss(features, images, targets, features.maps(targets))
    pixels = (images - targets).square().mean(dim=(1, 2, 3))
    assert torch.allclose(loss, perceptual_distance(features, images, targets) + pixels)
    blind = replace(features, pixel_weight=0.0)
    assert torch.equal(search_loss(blind, targets, targets, blind.maps(targets)), torch.zeros(2))
