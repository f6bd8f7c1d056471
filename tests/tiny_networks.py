"""A small network with noise that shows, drawn at random, for tests of what is made with it."""

import torch

from adatune.checkpoints import LoadedNetworks
from adatune.networks import Discriminator, Generator, NetworkConfig


def tiny_networks(resolution=32, aspect=1.0, has_discriminator=True, **settings):
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=resolution,
        z_dim=16,
        w_dim=16,
        channel_base=256,
        channel_max=16,
        mapping_layers=2,
        **settings,
    )
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    generator.mapping.w_avg.copy_(torch.randn(16) * 0.1)
    for layer in generator.synthesis.layers:
        layer.noise_strength.fill_(0.3)
    D = Discriminator(config).eval().requires_grad_(requires_grad=False) if has_discriminator else None
    return LoadedNetworks(config, None, D, generator, None, aspect, {})
