"""Whole networks with every kernel, in the interpreter, against plain torch: both regularisers included."""

import copy

import pytest
import torch

from adatune.kernels import ops_mode
from adatune.networks import Discriminator, Generator, NetworkConfig, set_precision
from adatune.training.loss import path_lengths, r1_penalties

CONFIG = NetworkConfig(
    resolution=8, z_dim=8, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2, conv_clamp=256.0
)
# Of float32 in plain torch. No bf16: the interpreter cuts it off instead of rounding it, as no card does.
TOLERANCE = {"fp32": 1e-4, "fp16": 0.05}


@pytest.fixture(scope="module")
def networks():
    torch.manual_seed(7)
    G, D = Generator(CONFIG), Discriminator(CONFIG)
    for network in (G, D):
        for name, parameter in network.named_parameters():
            if name.endswith(("noise_strength", "bias")):
                torch.nn.init.normal_(parameter, std=0.3)
    return G, D


def gradients(networks, precision, mode):
    """Pictures, logits, and the gradients of a loss with path lengths and R1, of every parameter."""
    G, D = copy.deepcopy(networks)
    set_precision(G, precision)
    set_precision(D, precision)
    generator = torch.Generator().manual_seed(1)
    z, reals, direction = (torch.randn(n, generator=generator) for n in ((2, 8), (2, 3, 8, 8), (2, 3, 8, 8)))
    with ops_mode(mode):
        ws = G.mapping(z)
        images = G.synthesis(ws, noise="const")
        logits = D(images)
        reals.requires_grad_()
        penalty = path_lengths(images, ws, direction).square().mean() + r1_penalties(D(reals), reals).mean()
        (logits.mean() + penalty).backward()
    named = [(name, p) for network in (G, D) for name, p in network.named_parameters()]
    return {"images": images.detach(), "logits": logits.detach()} | {
        name: parameter.grad for name, parameter in named if parameter.grad is not None
    }


@pytest.mark.parametrize("precision", TOLERANCE)
def test_a_step_with_kernels_equals_one_without(networks, precision):
    expected = gradients(networks, "fp32", "torch")
    found = gradients(networks, precision, "fused")
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert (found[name] - value).norm() < TOLERANCE[precision] * value.norm() + 1e-6, name
