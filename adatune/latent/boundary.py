"""The direction from some w to others: between their means, or across the boundary that parts them best.

Sources: Shen et al. 2020, arXiv:1907.10786 (the boundary of a linear support vector machine); Hsieh et al.
2008, "A dual coordinate descent method for large-scale linear SVM".
"""

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

_PASSES = 20_000
_TOLERANCE = 1e-8
_GROUPS = 10  # of a side, to be left out: one by one, 2,000 points of 512 numbers would take half an hour

# A direction and the value along it that lies between the two sides.
Boundary = tuple[Tensor, float]


def difference_of_means(positive: Tensor, negative: Tensor) -> Boundary:
    """The unit direction from the mean of NEGATIVE [m, dim] to that of POSITIVE [n, dim], float64.

    Raises:
        ValueError: the means are one.
    """
    means = positive.double().mean(dim=0), negative.double().mean(dim=0)
    direction = _unit(means[0] - means[1])
    return direction, float((means[0] + means[1]) @ direction / 2)


def svm_boundary(positive: Tensor, negative: Tensor) -> Boundary:
    """The unit normal of the widest gap between POSITIVE [n, dim] and NEGATIVE [m, dim], towards POSITIVE.

    The points are first brought to the origin and to a mean squared length of 1, so that the price of a point
    on the wrong side (C = 1 for each) means the same in every network.

    Raises:
        ValueError: the points do not differ.
    """
    points = torch.cat([positive, negative]).double()
    sides = torch.cat([torch.ones(len(positive)), -torch.ones(len(negative))]).double()
    centre = points.mean(dim=0)
    size = float((points - centre).square().sum(dim=1).mean().sqrt())
    if not size > 0:
        raise ValueError("all points are one")
    weights, bias = fit_svm((points - centre) / size, sides)
    direction = _unit(weights)
    return direction, float(centre @ direction) - bias * size / float(weights.norm())


def fit_svm(points: Tensor, sides: Tensor, price: float = 1.0) -> tuple[Tensor, float]:
    """Minimise |w|^2/2 + b^2/2 + PRICE * sum of max(0, 1 - side * (w.point + b)), by dual coordinate descent.

    The order of the points changes from pass to pass: side after side, 400 took 70 times as many passes.

    Args:
        points: [n, dim], float64.
        sides: [n], 1 or -1.
        price: of a point inside the gap, C.

    Returns:
        w [dim] and b.
    """
    signed = sides[:, None] * torch.cat([points, torch.ones(len(points), 1, dtype=points.dtype)], dim=1)
    products = (signed @ signed.T).numpy()
    squares = products.diagonal().tolist()
    shares = [0.0] * len(points)  # the dual variables, 0..price
    slopes = np.full(len(points), -1.0)  # products @ shares - 1
    random = np.random.RandomState(0)
    for _ in range(_PASSES):
        largest = 0.0
        for index in random.permutation(len(points)).tolist():
            old = shares[index]
            new = min(max(old - float(slopes[index]) / squares[index], 0.0), price)
            if new != old:
                shares[index] = new
                slopes += (new - old) * products[index]
                largest = max(largest, abs(new - old))
        if largest < _TOLERANCE * price:
            break
    solution = torch.tensor(shares, dtype=points.dtype) @ signed
    return solution[:-1], float(solution[-1])


METHODS: dict[str, Callable[[Tensor, Tensor], Boundary]] = {
    "means": difference_of_means,
    "svm": svm_boundary,
}


def left_out_accuracy(positive: Tensor, negative: Tensor, method: str) -> float:
    """How often a point is on its side of the boundary that METHOD draws without it, 0 to 1; 0.5 is chance.

    Each side needs two points or more. Of more than ten, each tenth is left out at once.
    """
    fit = METHODS[method]
    right: list[bool] = []
    for own, other, sign in ((positive, negative, 1), (negative, positive, -1)):
        groups = torch.arange(len(own)) % _GROUPS
        for group in groups.unique():
            left_out, rest = own[groups == group], own[groups != group]
            direction, middle = fit(rest, other) if sign > 0 else fit(other, rest)
            right += (sign * (left_out.double() @ direction - middle) > 0).tolist()
    return sum(right) / len(right)


def _unit(vector: Tensor) -> Tensor:
    length = vector.norm()
    if not length > 0:
        raise ValueError("the two sides do not differ")
    return vector / length
