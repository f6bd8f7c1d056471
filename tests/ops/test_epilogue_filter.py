"""An activation and the filter after it: finite differences of the definition, and the shapes it gives."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from adatune.ops.bias_act import bias_act
from adatune.ops.epilogue_filter import epilogue_filter
from adatune.ops.upfirdn2d import resampling_filter, upfirdn2d

FILTER = resampling_filter([1, 3, 3, 1])


@pytest.mark.parametrize("factor", [1.0, 0.3])
def test_it_is_an_activation_and_then_a_filter(factor):
    torch.manual_seed(0)
    u, bias = torch.randn(2, 3, 5, 6), torch.randn(3)
    expected = upfirdn2d(bias_act(u * factor, bias, gain=1.3, clamp=1.0), FILTER, padding=(2, 1, 0, 2))
    found = epilogue_filter(u, bias, FILTER, (2, 1, 0, 2), factor, gain=1.3, clamp=1.0)
    torch.testing.assert_close(found, expected)


def test_first_and_second_derivatives_equal_finite_differences():
    torch.manual_seed(1)
    u = torch.randn(1, 2, 4, 3, dtype=torch.float64, requires_grad=True)
    bias = torch.randn(2, dtype=torch.float64, requires_grad=True)

    def function(u, bias):
        return epilogue_filter(u, bias, FILTER.double(), 2, 0.7, gain=1.3, clamp=2.0)

    assert gradcheck(function, (u, bias))
    assert gradgradcheck(function, (u, bias))


def test_an_empty_batch_runs():
    assert epilogue_filter(torch.randn(0, 3, 4, 4), torch.zeros(3), FILTER, 2).shape == (0, 3, 5, 5)
