"""Leading eigenvectors against numpy's, and a sign that stays."""

import numpy as np
import torch

from adatune.latent.eigenvectors import leading_eigenvectors


def symmetric(size=6):
    rows = np.random.RandomState(2).randn(9, size)
    return torch.from_numpy(rows.T @ rows)


def test_they_solve_the_eigenvalue_equation_in_falling_order():
    matrix = symmetric()
    vectors, values = leading_eigenvectors(matrix, 4)
    np.testing.assert_allclose(values, np.linalg.eigvalsh(matrix.numpy())[::-1][:4], rtol=1e-12)
    torch.testing.assert_close(vectors @ matrix, values[:, None] * vectors)
    torch.testing.assert_close(vectors @ vectors.T, torch.eye(4, dtype=torch.float64))


def test_the_largest_component_is_positive_whatever_the_basis_is_called():
    vectors, _ = leading_eigenvectors(symmetric(), 6)
    assert (vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True)) > 0).all()
    flipped, _ = leading_eigenvectors(torch.diag(torch.tensor([1.0, 3.0, 2.0])), 3)
    torch.testing.assert_close(flipped, torch.eye(3, dtype=torch.float64)[[1, 2, 0]])
