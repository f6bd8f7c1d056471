"""The kernel in the interpreter against the definition: values, gradients, second gradients."""

import pytest
import torch
from vectors import relative_error

from adatune.kernels import ops_mode
from adatune.ops import epilogue_filter_triton
from adatune.ops.epilogue_filter import epilogue_filter, epilogue_filter_reference
from adatune.ops.upfirdn2d import resampling_filter
from adatune.ops.weight_gradients import no_weight_gradients

FILTER = resampling_filter([1, 3, 3, 1])
ASYMMETRIC = torch.tensor([1.0, -2.0, 5.0, 3.0]).outer(torch.tensor([2.0, 3.0, -1.0, 4.0]))
SHAPES = [(2, 1, 3, 5), (1, 3, 8, 8), (2, 17, 5, 3), (1, 65, 4, 18)]
TOLERANCE = {torch.float32: 1e-5, torch.float16: 3e-3, torch.bfloat16: 2e-2}


@pytest.fixture(autouse=True)
def launches(monkeypatch):
    """Counts the kernel's launches: a test whose kernel did not run has shown nothing."""
    calls, original = [], epilogue_filter_triton._launch

    def record(*arguments, **settings):
        calls.append(arguments)
        return original(*arguments, **settings)

    monkeypatch.setattr(epilogue_filter_triton, "_launch", record)
    yield calls
    assert calls


def derivatives(function, u, bias, f, padding, **curve):
    """The result, its gradients along a fixed direction, and the gradient of these."""
    generator = torch.Generator().manual_seed(9)

    def direction(x):
        return torch.randn(x.shape, generator=generator).to(x.dtype)

    out = function(u, bias, f, padding, **curve)
    g = direction(out).requires_grad_()
    first = torch.autograd.grad(out, (u, bias), g, create_graph=True)
    total = sum((value * direction(value)).float().sum() for value in first)
    return [out, *first, *torch.autograd.grad(total, g)]


def assert_equals_the_definition(u, bias, f=FILTER, padding=2, **curve):
    with ops_mode("fused"):
        found = derivatives(epilogue_filter, u.requires_grad_(), bias.requires_grad_(), f, padding, **curve)
    single = (x.detach().float().requires_grad_() for x in (u, bias))
    expected = derivatives(epilogue_filter_reference, *single, f, padding, **curve)
    for a, b in zip(found, expected, strict=True):
        assert relative_error(a.double(), b.double()) < TOLERANCE[u.dtype]


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("factor", [1.0, 0.3])
def test_value_and_both_derivatives_equal_the_definition(factor, dtype):
    torch.manual_seed(0)
    assert_equals_the_definition(
        torch.randn(2, 3, 6, 5).to(dtype), torch.randn(3), factor=factor, gain=1.4, clamp=2.0
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_sizes_that_fill_no_block(shape):
    torch.manual_seed(1)
    assert_equals_the_definition(torch.randn(shape), torch.randn(shape[1]), gain=1.4)


@pytest.mark.parametrize("padding", [(1, 1, 1, 1), (3, 0, 1, 2), (-1, 2, 4, 0)], ids=str)
def test_an_asymmetric_filter_and_any_padding(padding):
    torch.manual_seed(2)
    assert_equals_the_definition(torch.randn(1, 2, 5, 6), torch.randn(2), ASYMMETRIC, padding, clamp=1.0)


def test_another_layout_is_taken():
    u = torch.randn(2, 5, 4, 6).transpose(2, 3)
    assert_equals_the_definition(u.detach(), torch.randn(5))


def test_without_weight_gradients_the_bias_has_none():
    u, bias = torch.randn(1, 2, 4, 4, requires_grad=True), torch.randn(2, requires_grad=True)
    with ops_mode("fused"):
        out = epilogue_filter(u, bias, FILTER, 2).sum()
        with no_weight_gradients():
            gu, of_bias = torch.autograd.grad(out, (u, bias), allow_unused=True)
    assert gu is not None
    assert of_bias is None
