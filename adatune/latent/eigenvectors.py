"""The leading eigenvectors of a symmetric matrix, each with a sign that does not depend on the machine."""

import torch
from torch import Tensor


def leading_eigenvectors(matrix: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The COUNT eigenvectors of the largest eigenvalues, in falling order.

    An eigenvector has no sign of its own. Here its largest component, by absolute value, is positive.

    Args:
        matrix: symmetric, [n, n], on any device.
        count: at most n.

    Returns:
        unit vectors [count, n] and their eigenvalues [count], float64, on the CPU.
    """
    values, columns = torch.linalg.eigh(matrix.detach().to("cpu", torch.float64))  # eigenvalues ascend
    vectors = columns.T.flip(0)[:count]
    largest = vectors.gather(1, vectors.abs().argmax(dim=1, keepdim=True))
    return vectors * largest.sign(), values.flip(0)[:count]
