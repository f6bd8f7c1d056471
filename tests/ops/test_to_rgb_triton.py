"""toRGB's two kernels against plain products, in Triton's interpreter."""

import pytest
import torch

from adatune.ops.to_rgb import product_reference
from adatune.ops.to_rgb_triton import fused_product, fused_spread, fused_to_rgb


def draw(*size):
    return torch.randn(size, generator=torch.Generator().manual_seed(len(size)))


@pytest.mark.parametrize("channels", [1, 17, 64, 100])
@pytest.mark.parametrize("rows", [1, 3, 4])
def test_the_product_equals_the_plain_one(channels, rows):
    x, matrices = draw(2, channels, 9, 8), draw(2, rows, channels)
    torch.testing.assert_close(fused_product(x, matrices), product_reference(x, matrices))


@pytest.mark.parametrize("size", [3, 64])  # 64: several rounds in a program
def test_the_spread_equals_the_gradients_of_the_product(size):
    x, matrices = draw(1, 5, size, size).requires_grad_(), draw(1, 3, 5).requires_grad_()
    g = draw(1, 3, size, size)
    dx, dmatrices = torch.autograd.grad(product_reference(x, matrices), (x, matrices), g)
    found = fused_spread(g, x.detach(), matrices.detach())
    torch.testing.assert_close(found[0], dx)
    torch.testing.assert_close(found[1], dmatrices, rtol=1e-5, atol=1e-4)


def test_what_is_clamped_is_outside_the_mask():
    x = torch.tensor([-2.0, -1.0, 0.5, 1.0]).reshape(1, 1, 2, 2)
    y, is_inside = fused_to_rgb(x, torch.ones(1, 1, 1), torch.zeros(1), 1.0, None)
    assert y.flatten().tolist() == [-1, -1, 0.5, 1]
    assert is_inside.flatten().tolist() == [False, False, True, False]


def test_without_a_clamp_there_is_no_mask():
    _, is_inside = fused_to_rgb(draw(1, 2, 2, 2), draw(1, 3, 2), torch.zeros(3), None, None)
    assert is_inside is None


def test_nan_stays_nan_under_the_clamp():
    x = torch.full((1, 1, 1, 1), float("nan"))
    y, _ = fused_to_rgb(x, torch.ones(1, 1, 1), torch.zeros(1), 1.0, None)
    assert y.isnan().all()
