"""Losses and their gradients, second order included, against the published code's numbers."""

from typing import Any

import pytest
import torch
from torch import Tensor
from vectors import (
    GRADIENT_TOLERANCE,
    OUTPUT_TOLERANCE,
    Vectors,
    read_vectors,
    relative_error,
    worst_gradient_error,
)

from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.training.loss import (
    discriminator_fake_loss,
    discriminator_real_loss,
    generator_loss,
    move_path_length_mean,
    path_length_penalties,
    path_lengths,
    r1_penalties,
)

NETWORKS: dict[str, dict[str, Any]] = {
    "net_uncond32": {"resolution": 32, "mapping_layers": 2},
    "net_cond16": {"resolution": 16, "mapping_layers": 3, "c_dim": 5},
    "net_orig16": {"resolution": 16, "mapping_layers": 2, "g_architecture": "orig", "d_architecture": "orig"},
}
Published = tuple[Vectors, Generator, Discriminator, Tensor | None]


@pytest.fixture(params=NETWORKS, scope="module")
def published(request: pytest.FixtureRequest) -> Published:
    vectors = read_vectors(request.param)
    config = NetworkConfig(
        z_dim=32,
        w_dim=32,
        channel_base=1024,
        channel_max=32,
        num_fp16_res=0,
        conv_clamp=None,
        **NETWORKS[request.param],
    )
    G, D = Generator(config), Discriminator(config)
    G.load_state_dict(vectors.state("G."))
    D.load_state_dict(vectors.state("D."))
    return vectors, G, D, vectors["in.c"] if config.c_dim else None


def generate(published: Published, count: int = 4) -> tuple[Tensor, Tensor]:
    vectors, G, _, labels = published
    ws = G.mapping(vectors["in.z"][:count], None if labels is None else labels[:count])
    return G.synthesis(ws, noise="const"), ws


def assert_published(loss: Tensor, network: torch.nn.Module, vectors: Vectors, phase: str) -> None:
    assert relative_error(loss, vectors[f"loss.{phase}"]) < OUTPUT_TOLERANCE
    error, name = worst_gradient_error(loss, network, vectors, phase)
    assert error < GRADIENT_TOLERANCE, name


def test_generator_loss(published: Published) -> None:
    vectors, G, D, labels = published
    assert_published(generator_loss(D(generate(published)[0], labels)), G, vectors, "Gmain")


def test_discriminator_losses(published: Published) -> None:
    vectors, _, D, labels = published
    fakes = generate(published)[0].detach()
    assert_published(discriminator_fake_loss(D(fakes, labels)), D, vectors, "Dgen")
    assert_published(discriminator_real_loss(D(vectors["in.real"], labels)), D, vectors, "Dreal")


def test_r1_penalty_and_its_second_order_gradients(published: Published) -> None:
    vectors, _, D, labels = published
    reals = vectors["in.real"].requires_grad_()
    penalties = r1_penalties(D(reals, labels), reals)
    assert relative_error(penalties, vectors["out.r1"]) < OUTPUT_TOLERANCE
    assert_published((penalties * (10 / 2)).mean(), D, vectors, "Dr1.gamma10")


def test_path_length_penalty_and_its_second_order_gradients(published: Published) -> None:
    vectors, G, _, _ = published
    running_mean = torch.zeros([])
    images, ws = generate(published, 2)
    lengths = path_lengths(images, ws, vectors["in.pl_noise"])
    assert relative_error(lengths, vectors["out.pl_lengths"]) < OUTPUT_TOLERANCE
    assert_published(path_length_penalties(lengths, running_mean).mean() * 2, G, vectors, "Gpl.weight2")
    move_path_length_mean(running_mean, lengths.detach().mean())
    assert relative_error(running_mean, vectors["out.pl_mean"]) < OUTPUT_TOLERANCE
