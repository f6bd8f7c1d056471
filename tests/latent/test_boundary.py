"""Boundaries against scikit-learn's numbers and against a certificate of the optimum."""

import numpy as np
import pytest
import torch

from adatune.latent import boundary
from adatune.latent.boundary import difference_of_means, fit_svm, left_out_accuracy, svm_boundary


def two_clouds():
    random = np.random.RandomState(5)
    positive = random.randn(12, 4) + np.array([1, 0.5, 0, 0])
    negative = random.randn(9, 4) - np.array([0.6, 0, 0.4, 0])
    return torch.from_numpy(positive), torch.from_numpy(negative)


def sides_of(positive, negative):
    return torch.cat([torch.ones(len(positive)), -torch.ones(len(negative))]).double()


def test_the_svm_is_that_of_scikit_learn():
    # SVC(kernel="linear", C=1, tol=1e-12).fit(points, sides) of scikit-learn 1.9.1. Its bias has no price;
    # its optimum lies at a corner of the objective, where ours is too.
    coefficients, intercept = [1.10820939, -0.04044833, -0.18190661, -0.13268293], -0.06165629
    positive, negative = two_clouds()
    weights, bias = fit_svm(torch.cat([positive, negative]), sides_of(positive, negative))
    np.testing.assert_allclose(weights, coefficients, atol=1e-6)
    assert bias == pytest.approx(intercept, abs=1e-6)


@pytest.mark.parametrize("dim", [4, 64])
def test_no_small_step_lowers_the_objective_of_the_svm(dim):
    points, sides = torch.randn(20, dim).double(), torch.tensor([1.0, -1.0] * 10).double()

    def objective(solution):
        gaps = 1 - sides * (points @ solution[:-1] + solution[-1])
        return float(solution.square().sum() / 2 + gaps.clamp_min(0).sum())

    weights, bias = fit_svm(points, sides)
    solution = torch.cat([weights, torch.tensor([bias]).double()])
    # The objective is strongly convex: at the optimum each step d costs at least |d|^2 / 2.
    for step in 1e-3 * torch.randn(200, dim + 1).double():
        assert objective(solution + step) > objective(solution) + float(step.square().sum()) / 2.01


def test_few_passes_find_the_boundary_of_as_many_points_as_texts_give(monkeypatch):
    points = torch.randn(200, 512, generator=torch.Generator().manual_seed(0)).double() / 512**0.5
    sides = torch.tensor([1.0, -1.0] * 100).double()
    weights, bias = fit_svm(points, sides)
    monkeypatch.setattr(boundary, "_PASSES", 100)
    again, bias_again = fit_svm(points, sides)
    torch.testing.assert_close(again, weights, atol=1e-6, rtol=0)
    assert bias_again == pytest.approx(bias, abs=1e-6)


def test_both_point_from_the_negative_to_the_positive_and_lie_between_them():
    far = torch.tensor([10.0, 0, 0])
    positive, negative = far + torch.randn(8, 3) * 0.1, -far + torch.randn(5, 3) * 0.1
    for method in (difference_of_means, svm_boundary):
        direction, middle = method(positive + 7, negative + 7)
        assert direction[0] > 0.99
        assert float(direction.norm()) == pytest.approx(1)
        assert middle == pytest.approx(7 * float(direction.sum()), abs=0.3)


def test_the_difference_is_that_of_the_means():
    positive, negative = two_clouds()
    direction, _ = difference_of_means(positive, negative)
    difference = positive.mean(dim=0) - negative.mean(dim=0)
    torch.testing.assert_close(direction * difference.norm(), difference)


def test_clouds_apart_are_told_apart_and_one_cloud_is_not():
    positive, negative = torch.randn(20, 6) + 4, torch.randn(20, 6) - 4
    assert left_out_accuracy(positive, negative, "svm") == 1
    same = torch.randn(60, 6)
    assert left_out_accuracy(same[:30], same[30:], "means") < 0.75


@pytest.mark.parametrize("method", [difference_of_means, svm_boundary])
def test_sides_that_do_not_differ_have_no_boundary(method):
    with pytest.raises(ValueError, match=r"do not differ|are one"):
        method(torch.ones(3, 4), torch.ones(2, 4))
