"""SeFa against numpy's dense solver and against what the layers do with a w."""

import numpy as np
import pytest
import torch

from adatune.latent.sefa import affine_weights, factorize
from adatune.networks import Generator, NetworkConfig


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(1)
    config = NetworkConfig(
        resolution=16, z_dim=8, w_dim=12, channel_base=256, channel_max=16, mapping_layers=1
    )
    return Generator(config).eval().requires_grad_(requires_grad=False)


@pytest.mark.parametrize("layers", [[0], [1, 2], [0, 1, 2, 3, 4, 5]])
def test_directions_are_the_eigenvectors_of_a_dense_solve(generator, layers):
    vectors, shares = factorize(generator, layers, 5)
    state = {name: weight.numpy().astype(np.float64) for name, weight in generator.state_dict().items()}
    names = ["b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1", "b16.torgb"]
    rows = np.concatenate([state[f"synthesis.{names[layer]}.affine.weight"] for layer in layers])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    values, columns = np.linalg.eigh(rows.T @ rows)
    for index in range(5):
        expected = columns[:, -1 - index]
        assert abs(abs(expected @ vectors[index].numpy()) - 1) < 1e-9
        assert float(shares[index]) == pytest.approx(values[-1 - index] / values.sum(), rel=1e-9)


def test_the_first_direction_moves_styles_more_than_any_random_one(generator):
    rows = torch.cat(affine_weights(generator, range(6))).double()
    rows = rows / rows.norm(dim=1, keepdim=True)
    vectors, _ = factorize(generator, range(6), 12)
    moved = (rows @ vectors.T).norm(dim=0)
    assert (moved.diff() < 0).all()
    random = torch.nn.functional.normalize(torch.randn(500, 12, dtype=torch.float64), dim=1)
    assert (rows @ random.T).norm(dim=0).max() < moved[0]


def test_each_layer_is_named_by_the_w_that_drives_it(generator):
    read = {}
    for name, module in generator.synthesis.named_modules():
        if name.endswith("affine"):
            module.register_forward_pre_hook(lambda m, x: read.update({m.weight: int(x[0][0, 0])}))
    ws = torch.arange(6.0)[None, :, None].expand(1, 6, 12)
    generator.synthesis(ws, "none")
    for layer, weight in enumerate(affine_weights(generator, range(6))):
        assert read[weight] == layer
