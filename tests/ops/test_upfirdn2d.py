"""upfirdn2d against the published code's numbers, and its derivatives against finite differences."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from vectors import GRADIENT_TOLERANCE, OUTPUT_TOLERANCE, read_vectors, relative_error

from adatune.ops import upfirdn2d
from adatune.ops.upfirdn2d import parse_padding, resampling_filter

OPS = read_vectors("ops")
CASES = [name for name in OPS.settings if name.startswith("upfirdn2d.")]
SETTINGS = [
    {"up": 2, "padding": (2, 1, 2, 1), "gain": 4},
    {"down": 2, "padding": 1},
    {"up": (2, 1), "down": (1, 2), "padding": (1, 0, 2, 1), "flip": True},
    {"up": 3, "down": 2, "padding": (4, 3, 5, 2)},
    {"padding": (-1, 2, 1, -1)},
]
FILTERS = {"none": None, "separable": torch.rand(3), "two-dimensional": torch.rand(3, 2)}


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_equal_the_published_ones(name):
    case = OPS.settings[name]
    x = OPS[f"{name}.in.x"].requires_grad_()
    out = upfirdn2d(
        x, OPS[f"{name}.filter"], case["up"], case["down"], case["padding"], case["flip_filter"], case["gain"]
    )
    (dx,) = torch.autograd.grad(out, x, OPS[f"{name}.dout"])
    assert relative_error(out, OPS[f"{name}.out"]) < OUTPUT_TOLERANCE
    assert relative_error(dx, OPS[f"{name}.dx"]) < GRADIENT_TOLERANCE


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize("f", FILTERS.values(), ids=FILTERS)
def test_first_and_second_derivatives_equal_finite_differences(settings, f):
    x = torch.randn(2, 1, 5, 7, dtype=torch.float64, requires_grad=True)
    f = None if f is None else f.double()
    assert gradcheck(lambda x: upfirdn2d(x, f, **settings), (x,))
    assert gradgradcheck(lambda x: upfirdn2d(x.tanh(), f, **settings).square(), (x,))


@pytest.mark.parametrize("settings", SETTINGS)
def test_an_empty_batch_keeps_its_size_and_has_a_gradient(settings):
    f = torch.rand(3, 2)
    x = torch.randn(0, 2, 9, 7, requires_grad=True)
    out = upfirdn2d(x, f, **settings)
    assert out.shape[1:] == upfirdn2d(torch.randn(1, 2, 9, 7), f, **settings).shape[1:]
    assert torch.autograd.grad(out.sum(), x)[0].shape == x.shape


def test_the_memory_layout_changes_nothing():
    x, f = torch.randn(2, 3, 9, 8), torch.rand(4, 4)
    expected = upfirdn2d(x, f, up=2, padding=2)
    for other in (x.to(memory_format=torch.channels_last), x.transpose(2, 3).contiguous().transpose(2, 3)):
        assert relative_error(upfirdn2d(other, f, up=2, padding=2), expected) < 1e-6


def test_a_one_dimensional_filter_is_its_outer_product_and_the_gain_counts_once():
    x, taps = torch.randn(1, 2, 8, 8), torch.tensor([1.0, 2.0, 5.0])
    expected = upfirdn2d(x, taps.outer(taps), up=2, padding=(1, 2, 0, 3), gain=3)
    assert relative_error(upfirdn2d(x, taps, up=2, padding=(1, 2, 0, 3), gain=3), expected) < 1e-6


def test_a_shift_filter_convolves_and_correlates_when_flipped():
    x = torch.arange(5.0).reshape(1, 1, 1, 5)
    f = torch.tensor([[1.0, 0.0, 0.0]])
    assert upfirdn2d(x, f, padding=(1, 1, 0, 0)).flatten().tolist() == [1, 2, 3, 4, 0]
    assert upfirdn2d(x, f, padding=(1, 1, 0, 0), flip=True).flatten().tolist() == [0, 0, 1, 2, 3]


def test_paddings_are_a_number_a_pair_or_four_sides():
    assert parse_padding(3) == (3, 3, 3, 3)
    assert parse_padding((1, 2)) == (1, 1, 2, 2)
    assert parse_padding([1, 2, 3, 4]) == (1, 2, 3, 4)


def test_the_resampling_filter_sums_to_one_and_is_symmetric():
    f = resampling_filter([1, 3, 3, 1])
    assert f.shape == (4, 4)
    assert f.sum().item() == pytest.approx(1)
    assert torch.equal(f, f.T)
    assert f[0, 1].item() == pytest.approx(3 / 64)
