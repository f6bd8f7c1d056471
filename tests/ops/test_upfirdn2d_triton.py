"""The filter's kernel in the interpreter against plain torch: values and both derivatives."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from vectors import relative_error

from adatune.kernels import ops_mode
from adatune.ops import upfirdn2d, upfirdn2d_triton
from adatune.ops.upfirdn2d import filter_beside, resampling_filter

FILTER = resampling_filter([1, 3, 3, 1])
ASYMMETRIC = torch.tensor([1.0, -2.0, 5.0, 3.0]).outer(torch.tensor([2.0, 3.0, -1.0, 4.0]))
SETTINGS = [
    {"up": 2, "padding": (2, 1, 2, 1), "gain": 4},
    {"up": 2, "padding": (-1, 3, 4, 0), "flip": True},
    {"down": 2, "padding": 1},
    {"down": 2, "padding": (2, -1, 0, 3)},
    {"padding": (1, 1, 1, 1), "gain": 4},
    {"padding": (2, 1, -1, 2), "flip": True},
]


def fused(x, f, **settings):
    with ops_mode("fused"):
        return upfirdn2d(x, f, **settings)


def plain(x, f, **settings):
    with ops_mode("torch"):
        return upfirdn2d(x, f, **settings)


@pytest.fixture
def launches(monkeypatch):
    """The arguments of each call of the kernel."""
    calls, original = [], upfirdn2d_triton.fused_filter

    def record(*arguments):
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(upfirdn2d_triton, "fused_filter", record)
    return calls


@pytest.mark.parametrize("f", [FILTER, ASYMMETRIC], ids=["smooth", "asymmetric"])
@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_the_kernel_equals_plain_torch(settings, f, launches):
    x = torch.randn(2, 3, 7, 9)
    assert relative_error(fused(x, f, **settings), plain(x, f, **settings)) < 1e-6
    assert len(launches) == 1


@pytest.mark.parametrize("settings", SETTINGS, ids=str)
def test_both_derivatives_are_the_kernels_and_equal_plain_torch(settings, launches):
    x = torch.randn(1, 2, 6, 5, requires_grad=True)
    found = []
    for run in (fused, plain):
        mode = "fused" if run is fused else "torch"
        with ops_mode(mode):
            out = upfirdn2d(x, ASYMMETRIC, **settings)
            g = torch.linspace(-1, 1, out.numel()).reshape(out.shape).requires_grad_()
            (dx,) = torch.autograd.grad(out, x, g, create_graph=True)
            (dg,) = torch.autograd.grad((dx * x.detach().cos()).sum(), g)
        found.append((dx, dg))
    assert len(launches) == 3
    for fast, slow in zip(*found, strict=True):
        assert relative_error(fast, slow) < 1e-5


@pytest.mark.parametrize("shape", [(1, 1, 4, 4), (1, 17, 5, 18), (2, 65, 4, 3), (1, 2, 70, 4)], ids=str)
def test_odd_shapes_equal_plain_torch(shape):
    x = torch.randn(shape).to(memory_format=torch.channels_last)
    out = fused(x, FILTER, padding=(2, 1, 2, 1))
    assert relative_error(out, plain(x, FILTER, padding=(2, 1, 2, 1))) < 1e-6
    assert out.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 1e-3), (torch.bfloat16, 1e-2)])
def test_half_precision_is_summed_in_single_precision(dtype, tolerance):
    x = torch.randn(1, 4, 6, 6).to(dtype)
    out = fused(x, FILTER, padding=(2, 1, 2, 1))
    assert out.dtype == dtype
    assert relative_error(out.float(), plain(x.float(), FILTER, padding=(2, 1, 2, 1))) < tolerance


def test_a_view_that_is_not_contiguous_is_read_right():
    x = torch.randn(2, 4, 6, 10)[:, 1:, :, ::2].transpose(2, 3)
    assert relative_error(fused(x, FILTER, padding=2), plain(x, FILTER, padding=2)) < 1e-6


def test_a_one_dimensional_filter_runs_along_both_axes_and_the_gain_counts_once(launches):
    x, taps = torch.randn(1, 2, 6, 6), torch.tensor([1.0, 2.0, 5.0, -1.0])
    assert relative_error(fused(x, taps, up=2, gain=3), plain(x, taps, up=2, gain=3)) < 1e-6
    assert len(launches) == 1


def test_a_filter_that_is_no_product_of_two_stays_with_plain_torch(launches):
    x, f = torch.randn(1, 2, 6, 6), torch.rand(4, 4)
    assert torch.equal(fused(x, f, padding=1), plain(x, f, padding=1))
    assert launches == []


def test_a_filter_that_changes_is_read_again():
    x, f = torch.randn(1, 2, 6, 6), FILTER.clone()
    fused(x, f, padding=1)
    f.copy_(ASYMMETRIC)
    assert relative_error(fused(x, f, padding=1), plain(x, f, padding=1)) < 1e-6


def test_an_empty_batch_launches_nothing(launches):
    assert fused(torch.randn(0, 2, 6, 6), FILTER, padding=(2, 1, 2, 1)).shape == (0, 2, 6, 6)
    assert launches == []


@pytest.mark.parametrize("mode", ["fused", "torch"])
def test_what_goes_two_ways_has_the_gradients_of_both(mode, launches):
    torch.manual_seed(1)
    x = torch.randn(2, 3, 6, 8, requires_grad=True)
    found = []
    for is_joined in (True, False):
        with ops_mode(mode if is_joined else "torch"):
            y = upfirdn2d(x, FILTER, down=2, padding=1)
            same, filtered = filter_beside(x, FILTER, down=2, padding=1) if is_joined else (x, y)
            total = same.pow(3).sum() + filtered.pow(3).sum() * 2
            (slope,) = torch.autograd.grad(total, x, create_graph=True)
            found.append([filtered, slope, *torch.autograd.grad(slope.square().sum(), x)])
    for joined, expected in zip(*found, strict=True):
        assert relative_error(joined, expected) < 1e-5


def test_one_way_alone_has_its_own_gradient():
    x = torch.randn(1, 2, 4, 4, dtype=torch.float64, requires_grad=True)
    for way in (0, 1):
        assert gradcheck(lambda x, way=way: filter_beside(x, FILTER.double(), 2, 1)[way], [x])
    assert gradgradcheck(lambda x: filter_beside(x, FILTER.double(), 2, 1), [x])
