"""A scaled matrix product against torch's own, with every derivative."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck

from adatune.ops.affine import affine, product
from adatune.ops.weight_gradients import no_weight_gradients


def inputs_of(dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return [torch.randn(n, dtype=dtype, generator=generator).requires_grad_() for n in ((3, 4), (5, 4), (5,))]


@pytest.mark.parametrize("has_bias", [True, False])
def test_it_equals_a_linear_layer_with_a_scaled_weight(has_bias):
    x, weight, bias = inputs_of()
    bias = bias if has_bias else None
    torch.testing.assert_close(affine(x, weight, bias, 0.3), F.linear(x, 0.3 * weight, bias))


@pytest.mark.parametrize("has_bias", [True, False])
def test_first_and_second_derivatives_equal_finite_differences(has_bias):
    inputs = inputs_of()[: 3 if has_bias else 2]

    def function(x, weight, bias=None):
        return affine(x, weight, bias, 0.3)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_weights_get_no_gradient_where_none_is_wanted():
    inputs = inputs_of()
    out = affine(*inputs, 0.3).sum()
    with no_weight_gradients():
        x, weight, bias = torch.autograd.grad(out, inputs, allow_unused=True)
    assert x is not None
    assert weight is None
    assert bias is None


def test_an_empty_batch_runs():
    assert product(torch.randn(0, 3), torch.randn(3, 2), 2.0).shape == (0, 2)
