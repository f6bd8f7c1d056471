"""A constant factor and a change of type in one, with its derivative."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from adatune.ops.scaled import scaled


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("factor", [0.3, torch.tensor([[2.0], [3.0]])], ids=["number", "tensor"])
def test_it_equals_a_product_that_is_rounded_once(factor, dtype):
    x = torch.randn(2, 5)
    found = scaled(x, factor, dtype)
    assert found.dtype == dtype
    assert torch.equal(found, (x * factor).to(dtype))


def test_its_gradient_has_the_precision_of_the_input():
    x = torch.randn(2, 3, requires_grad=True)
    out = scaled(x, 0.3, torch.float16)
    (gradient,) = torch.autograd.grad(out, x, torch.ones_like(out))
    assert gradient.dtype == torch.float32
    assert torch.equal(gradient, torch.full((2, 3), 0.3))


def test_first_and_second_derivatives_equal_finite_differences():
    x, factor = torch.randn(2, 3, dtype=torch.float64, requires_grad=True), torch.randn(2, 1)
    assert gradcheck(lambda x: scaled(x, factor, torch.float64), [x])
    assert gradgradcheck(lambda x: scaled(x, factor, torch.float64).square(), [x])


def test_the_layout_stays():
    x = torch.randn(2, 3, 4, 4).contiguous(memory_format=torch.channels_last)
    assert scaled(x, 2.0, torch.float16).is_contiguous(memory_format=torch.channels_last)
