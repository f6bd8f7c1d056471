"""A filter and the epilogue after it: plain torch written out, and finite differences."""

import torch
from torch.autograd import gradcheck, gradgradcheck

from adatune.ops import bias_act, upfirdn2d
from adatune.ops.fir_epilogue import fir_epilogue
from adatune.ops.upfirdn2d import resampling_filter

FILTER = resampling_filter([1, 3, 3, 1])


def test_it_is_a_filter_and_then_what_follows_a_convolution():
    torch.manual_seed(0)
    u, d, noise, bias, style = (torch.randn(n) for n in ((2, 3, 5, 5), (2, 3), (2, 1, 4, 4), (3,), (2, 3)))
    filtered = upfirdn2d(u, FILTER, padding=1, gain=4)
    expected = bias_act(filtered * d[:, :, None, None] + 0.5 * noise, bias, gain=1.3, clamp=2.0)
    found = fir_epilogue(u, FILTER, 1, 4, d, noise, torch.tensor(0.5), bias, style, gain=1.3, clamp=2.0)
    torch.testing.assert_close(found, expected * style[:, :, None, None])


def test_first_and_second_derivatives_equal_finite_differences():
    torch.manual_seed(1)
    shapes = (1, 2, 4, 3), (1, 2), (2,), (1, 2)
    inputs = [torch.randn(n, dtype=torch.float64, requires_grad=True) for n in shapes]
    noise, strength = torch.randn(1, 1, 3, 2, dtype=torch.float64), torch.tensor(0.5, dtype=torch.float64)

    def function(u, d, bias, style):
        return fir_epilogue(u, FILTER.double(), 1, 4, d, noise, strength, bias, style, gain=1.3)

    assert gradcheck(function, inputs)
    assert gradgradcheck(function, inputs)


def test_the_noise_may_have_a_gradient():
    noise = torch.randn(1, 1, 4, 4, requires_grad=True)
    fir_epilogue(torch.randn(1, 2, 5, 5), FILTER, 1, 4, noise=noise).sum().backward()
    assert noise.grad.any()


def test_an_empty_batch_runs():
    assert fir_epilogue(torch.randn(0, 3, 5, 5), FILTER, 1, 4).shape == (0, 3, 4, 4)
