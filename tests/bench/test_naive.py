"""The baseline of benchmarks/ computes what our networks compute: losses, penalties and all gradients."""

import copy
import importlib.util
import sys
from pathlib import Path

import pytest
import torch

from adatune.augment import AugmentPipe
from adatune.bench.config import BenchConfig, resolve, train_config
from adatune.training.loss import generator_loss, path_lengths, r1_penalties
from adatune.training.sources import fresh_networks


def load_script(name):
    path = Path(__file__).parents[2] / "benchmarks" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


naive = load_script("naive")
CONFIG = train_config(resolve(BenchConfig(resolution=16, channel_base=128, batch=4), "cpu"), "cpu")


@pytest.fixture
def networks():
    G, D, _ = fresh_networks(CONFIG)
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in (*G.named_parameters(), *D.named_parameters()):
            if name.endswith(("noise_strength", "bias")):
                parameter += 0.3 * torch.randn_like(parameter)
    ws = torch.randn(4, G.num_ws, G.config.w_dim)
    noise = [torch.randn(4, 1, layer.resolution, layer.resolution) for layer in G.synthesis.layers]
    return G, D, ws, noise


def same(found, expected):
    """To 1e-4 of the largest."""
    for a, b in zip(found, expected, strict=True):
        assert (a - b).abs().max() <= 1e-4 * b.abs().max().clamp(min=1e-4)


def gradients(loss, network):
    return torch.autograd.grad(loss, list(network.parameters()), materialize_grads=True)


def augment(images):
    pipe = AugmentPipe("bgc")
    return pipe(images, draws=torch.linspace(0.05, 0.95, 4 * pipe.num_draws).reshape(4, -1))


def test_the_mapping_is_ours(networks):
    z = torch.randn(4, CONFIG.z_dim)
    same([naive.mapping(networks[0], z)], [networks[0].mapping(z)[:, 0]])


def test_the_generators_loss_and_gradients_are_ours(networks):
    G, D, ws, noise = networks
    found = naive.F.softplus(-naive.discriminate(D, augment(naive.synthesis(G, ws, noise)))).mean()
    expected = generator_loss(D(augment(G.synthesis(ws, noise))))
    same([found], [expected])
    same(gradients(found, G.synthesis), gradients(expected, G.synthesis))


def test_path_length_penalties_and_gradients_are_ours(networks):
    G, D, ws, noise = networks
    ws.requires_grad_()
    y = torch.randn(4, 3, 16, 16)
    training = naive.NaiveTraining(CONFIG, (G, D), torch.device("cpu"))
    found = training.path_length_penalties(naive.synthesis(G, ws, noise), ws, y)
    lengths = path_lengths(G.synthesis(ws, noise), ws, y)
    expected = (lengths - 0.01 * lengths.mean()).square()
    same([found], [expected])
    same(gradients(found.sum(), G.synthesis), gradients(expected.sum(), G.synthesis))


def test_the_discriminators_loss_penalty_and_gradients_are_ours(networks):
    _, D, _, _ = networks
    images = (torch.rand(4, 3, 16, 16) * 2 - 1).requires_grad_()
    found, expected = naive.discriminate(D, augment(images)), D(augment(images))
    same([found], [expected])
    same(gradients(found.square().sum(), D), gradients(D(augment(images)).square().sum(), D))
    (gradient,) = torch.autograd.grad(naive.discriminate(D, augment(images)).sum(), images, create_graph=True)
    found, expected = gradient.square().sum(dim=[1, 2, 3]), r1_penalties(expected, images)
    same([found], [expected])
    same(gradients(found.sum(), D), gradients(expected.sum(), D))


def test_an_iteration_moves_every_parameter_and_the_average():
    networks = fresh_networks(CONFIG)
    training = naive.NaiveTraining(CONFIG, networks, torch.device("cpu"))
    before = copy.deepcopy((training.G, training.D, training.G_ema))
    training.train(torch.rand(4, 3, 16, 16) * 2 - 1)
    for old, new in zip(before, (training.G, training.D, training.G_ema), strict=True):
        parameters = dict(new.named_parameters())
        still = [name for name, value in old.named_parameters() if torch.equal(value, parameters[name])]
        assert still == []
