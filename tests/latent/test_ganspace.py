"""Principal components against numpy's singular values."""

import numpy as np
import pytest
import torch

from adatune.latent.ganspace import principal_components


def test_they_are_the_right_singular_vectors_of_the_centred_w():
    ws = torch.randn(400, 7) @ torch.randn(7, 7) + 50
    vectors, shares = principal_components(ws, 4)
    centred = ws.numpy().astype(np.float64)
    centred -= centred.mean(axis=0)
    _, singular, rows = np.linalg.svd(centred, full_matrices=False)
    for index in range(4):
        assert abs(abs(rows[index] @ vectors[index].numpy()) - 1) < 1e-9
        assert float(shares[index]) == pytest.approx(singular[index] ** 2 / (singular**2).sum(), rel=1e-9)


def test_a_cloud_that_is_wide_one_way_is_found_with_its_share():
    ws = torch.zeros(2000, 3)
    ws[:, 1] = 3 * torch.linspace(-1, 1, 2000)
    ws[:, 2] = torch.linspace(-1, 1, 2000).roll(1000)
    vectors, shares = principal_components(ws, 3)
    assert vectors[0, 1] > 0.9
    assert float(shares.sum()) == pytest.approx(1)
