"""Noise planes of a projection against the plain definitions."""

import pytest
import torch
import torch.nn.functional as F

from adatune.latent.projection_noise import (
    draw_noise,
    noise_count,
    noise_regularization,
    normalize_noise,
    planes_of,
    split_noise,
)
from adatune.networks import Generator, NetworkConfig

CONFIG = NetworkConfig(resolution=32, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)


def plain_regularization(planes):
    """Plane by plane and halving by halving, as the appendix of the StyleGAN2 paper has it."""
    total = 0
    for plane in planes:
        while True:
            for axis in (2, 3):
                total = total + (plane * torch.roll(plane, 1, axis)).mean(dim=(1, 2, 3)) ** 2
            if plane.shape[-1] <= 8:
                break
            plane = F.avg_pool2d(plane, 2)
    return total


def test_the_regularization_is_that_of_each_plane_and_its_halvings():
    noise = torch.randn(3, noise_count(CONFIG), dtype=torch.float64, requires_grad=True)
    levels = split_noise(noise, CONFIG)
    found, expected = noise_regularization(levels), plain_regularization(planes_of(levels))
    assert torch.allclose(found, expected, rtol=1e-9)
    gradients = [torch.autograd.grad(x.sum(), noise, retain_graph=True)[0] for x in (found, expected)]
    assert torch.allclose(*gradients, rtol=1e-9, atol=1e-15)


def test_the_regularization_tells_a_picture_from_noise():
    white = split_noise(draw_noise(CONFIG, 0, torch.device("cpu")), CONFIG)
    smooth = [F.avg_pool2d(level, 3, stride=1, padding=1) * 3 for level in white]
    assert noise_regularization(smooth).item() > 5 * noise_regularization(white).item()


@pytest.mark.parametrize("resolution", [4, 8, 32])
def test_the_planes_are_those_that_the_synthesis_takes(resolution):
    config = NetworkConfig(resolution=resolution, z_dim=4, w_dim=4, channel_base=64, channel_max=8)
    layers = Generator(config).synthesis.layers
    planes = planes_of(split_noise(draw_noise(config, 1, torch.device("cpu")), config))
    assert [tuple(plane.shape) for plane in planes] == [(1, 1, x.resolution, x.resolution) for x in layers]
    assert sum(plane.numel() for plane in planes) == noise_count(config)


def test_normalized_planes_have_mean_zero_and_variance_one():
    noise = torch.randn(2, noise_count(CONFIG)) * 3 + 1
    normalize_noise(noise, CONFIG)
    for plane in planes_of(split_noise(noise, CONFIG)):
        assert plane.mean(dim=(1, 2, 3)).abs().max() < 1e-6
        assert torch.allclose(plane.square().mean(dim=(1, 2, 3)), torch.ones(2))
