"""Convolutions against torch's own, and how many of them a second derivative takes."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck
from torch.utils._python_dispatch import TorchDispatchMode
from vectors import relative_error

from adatune.ops.convolution import conv2d, conv_transpose2d, operand_dtype
from adatune.ops.weight_gradients import no_weight_gradients

GEOMETRIES = {  # size of x, size of w for conv2d, stride, padding
    "3x3": ((2, 3, 5, 6), (4, 3, 3, 3), 1, (1, 1)),
    "3x3 stride 2": ((2, 3, 7, 9), (2, 3, 3, 3), 2, (0, 0)),
    "stride 2 that leaves a row over": ((1, 2, 8, 6), (3, 2, 3, 3), 2, (0, 1)),
    "1x1": ((2, 3, 4, 5), (2, 3, 1, 1), 1, (0, 0)),
}
CASES = pytest.mark.parametrize(
    ("x_size", "w_size", "stride", "padding"), GEOMETRIES.values(), ids=GEOMETRIES
)


class Convolutions(TorchDispatchMode):
    """Counts the convolutions that are really computed, weight gradients apart."""

    def __init__(self):
        super().__init__()
        self.plain = self.weights = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.convolution.default:
            self.plain += 1
        if func is torch.ops.aten.convolution_backward.default:
            self.weights += 1
        return func(*args, **(kwargs or {}))


def draw(*sizes, dtype=torch.float64):
    return [torch.randn(size, dtype=dtype, requires_grad=True) for size in sizes]


@CASES
def test_values_equal_torchs_own(x_size, w_size, stride, padding):
    x, w = draw(x_size, w_size)
    y = conv2d(x, w, stride, padding)
    torch.testing.assert_close(y, F.conv2d(x, w, stride=stride, padding=padding))
    back = conv_transpose2d(y, w, stride, padding)
    torch.testing.assert_close(back, F.conv_transpose2d(y, w, stride=stride, padding=padding))


@CASES
@pytest.mark.parametrize("transposed", [False, True])
def test_first_and_second_derivatives_equal_finite_differences(x_size, w_size, stride, padding, transposed):
    x, w = draw(x_size, w_size)
    if transposed:
        x = F.conv2d(x, w, stride=stride, padding=padding).detach().requires_grad_()
    function = conv_transpose2d if transposed else conv2d
    assert gradcheck(lambda x, w: function(x, w, stride, padding), (x, w))
    assert gradgradcheck(lambda x, w: function(x.tanh(), w, stride, padding).square(), (x, w))


@CASES
def test_a_gradient_penalty_is_the_same_without_the_inner_weight_gradients(x_size, w_size, stride, padding):
    x, w = draw(x_size, w_size)

    def penalty(conv):
        y = conv(x, w, stride=stride, padding=padding)
        (gradient,) = torch.autograd.grad(y.tanh().sum(), x, create_graph=True)
        return torch.autograd.grad(gradient.square().sum(), [x, w])

    expected = penalty(F.conv2d)
    with Convolutions() as everything:
        found = penalty(conv2d)
    torch.testing.assert_close(found, expected)
    with Convolutions() as less:
        y = conv2d(x, w, stride, padding)
        with no_weight_gradients():
            (gradient,) = torch.autograd.grad(y.tanh().sum(), x, create_graph=True)
        found = torch.autograd.grad(gradient.square().sum(), [x, w])
    torch.testing.assert_close(found, expected)
    assert less.weights == everything.weights - 1 == 2


def test_a_frozen_weight_and_a_plain_picture_cost_nothing():
    x, w = draw((1, 2, 4, 4), (2, 2, 3, 3))
    with Convolutions() as counted:
        conv2d(x, w.detach(), padding=(1, 1)).sum().backward()
    assert (counted.plain, counted.weights) == (2, 0)
    with Convolutions() as counted:
        conv2d(x.detach(), w, padding=(1, 1)).sum().backward()
    assert (counted.plain, counted.weights) == (1, 1)


def test_results_are_channels_last_whatever_comes_in():
    x, w = draw((2, 3, 5, 6), (4, 3, 3, 3))
    y = conv2d(x, w)
    assert y.is_contiguous(memory_format=torch.channels_last)
    (dx,) = torch.autograd.grad(y.sum(), x)
    assert dx.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("function", [conv2d, conv_transpose2d])
def test_an_empty_batch_has_a_size_and_a_gradient(function):
    x, w = draw((0, 3, 5, 6), (3, 3, 3, 3))
    y = function(x, w)
    assert len(y) == 0
    assert torch.autograd.grad(y.sum(), x)[0].shape == x.shape


def test_bfloat16_operands_leave_float32_results_near_the_exact_ones():
    x, w = draw((2, 16, 8, 8), (16, 16, 3, 3), dtype=torch.float32)
    expected = conv2d(x, w, padding=(1, 1))
    gradients = torch.autograd.grad(expected.square().sum(), [x, w])
    with operand_dtype(torch.bfloat16):
        found = conv2d(x, w, padding=(1, 1))
        rough = torch.autograd.grad(found.square().sum(), [x, w])
    assert found.dtype == torch.float32
    assert 1e-4 < relative_error(found, expected) < 2e-2
    for value, exact in zip(rough, gradients, strict=True):
        assert value.dtype == torch.float32
        assert relative_error(value, exact) < 3e-2
