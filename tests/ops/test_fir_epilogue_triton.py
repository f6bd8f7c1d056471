"""The kernel in the interpreter against plain torch: values, gradients, second gradients."""

import pytest
import torch
from vectors import relative_error

from adatune.kernels import ops_mode
from adatune.ops import fir_epilogue_triton
from adatune.ops.fir_epilogue import fir_epilogue
from adatune.ops.upfirdn2d import resampling_filter

FILTER = resampling_filter([1, 3, 3, 1])
ASYMMETRIC = torch.tensor([1.0, -2.0, 5.0, 3.0]).outer(torch.tensor([2.0, 3.0, -1.0, 4.0])) / 40
TOLERANCE = {torch.float32: 3e-5, torch.float16: 5e-3}
ALL = ("demodulation", "strength", "bias", "style")


@pytest.fixture(autouse=True)
def launches(monkeypatch):
    """What the kernel was asked for: a test whose kernel did not run has shown nothing."""
    calls, original = [], fir_epilogue_triton.fused_fir_epilogue

    def record(*arguments):
        calls.append(arguments)
        return original(*arguments)

    monkeypatch.setattr(fir_epilogue_triton, "fused_fir_epilogue", record)
    yield calls
    assert calls


def inputs_of(shape, dtype, present=ALL):
    generator = torch.Generator().manual_seed(sum(shape))
    batch, channels = shape[:2]
    sizes = {
        "demodulation": (batch, channels),
        "strength": (),
        "bias": (channels,),
        "style": (batch, channels),
    }
    tensors = {name: torch.randn(sizes[name], generator=generator).requires_grad_() for name in present}
    return {"u": torch.randn(shape, generator=generator).to(dtype).requires_grad_()} | tensors


def derivatives(mode, tensors, f, padding, noise):
    generator = torch.Generator().manual_seed(9)

    def direction(x):
        return torch.randn(x.shape, generator=generator).to(x.dtype)

    with ops_mode(mode):
        out = fir_epilogue(f=f, padding=padding, filter_gain=4, noise=noise, gain=1.4, clamp=3.0, **tensors)
        variables = list(tensors.values())
        g = direction(out).requires_grad_()
        first = torch.autograd.grad(out, variables, g, create_graph=True)
        total = sum((value * direction(value)).float().sum() for value in first)
        second = torch.autograd.grad(total, [g, *variables], allow_unused=True, materialize_grads=True)
    return [value.double() for value in (out, *first, *second)]


def assert_equals_plain_torch(shape, dtype=torch.float32, f=FILTER, padding=(1, 1, 1, 1), present=ALL):
    torch.manual_seed(3)
    tensors = inputs_of(shape, dtype, present)
    height, width = (shape[2 + axis] + padding[2 - 2 * axis] + padding[3 - 2 * axis] - 3 for axis in (0, 1))
    noise = torch.randn(shape[0], 1, height, width) if "strength" in present else None
    found = derivatives("fused", tensors, f, padding, noise)
    single = {name: tensor.detach().float().requires_grad_() for name, tensor in tensors.items()}
    for a, b in zip(found, derivatives("torch", single, f, padding, noise), strict=True):
        assert relative_error(a, b) < TOLERANCE[dtype] or (not b.any() and not a.any())


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
def test_value_and_both_derivatives_equal_plain_torch(dtype):
    assert_equals_plain_torch((2, 3, 5, 6), dtype)


def test_noise_gets_the_gradient_of_plain_torch():
    tensors = inputs_of((2, 17, 5, 6), torch.float32)
    noise = torch.randn(1, 1, 4, 5, generator=torch.Generator().manual_seed(0)).requires_grad_()
    found = []
    for mode in ("fused", "torch"):
        with ops_mode(mode):
            out = fir_epilogue(f=FILTER, padding=(1, 1, 1, 1), filter_gain=4, noise=noise, **tensors)
        found.append(torch.autograd.grad(out.square().sum(), noise)[0])
    assert relative_error(*found) < 3e-5


@pytest.mark.parametrize("shape", [(1, 1, 3, 5), (2, 17, 4, 4), (1, 65, 4, 20)], ids=str)
def test_sizes_that_fill_no_block(shape):
    assert_equals_plain_torch(shape)


@pytest.mark.parametrize("padding", [(1, 1, 1, 1), (3, 0, 1, 2), (-1, 2, 4, 0)], ids=str)
def test_an_asymmetric_filter_and_any_padding(padding):
    assert_equals_plain_torch((1, 2, 5, 6), f=ASYMMETRIC, padding=padding)


def test_without_terms():
    assert_equals_plain_torch((1, 3, 5, 5), present=())


def test_the_filters_result_is_kept_only_for_derivatives(launches):
    u = torch.randn(1, 2, 5, 5)
    with ops_mode("fused"):
        expected = fir_epilogue(u.clone().requires_grad_(), FILTER, 1, 4)
        assert torch.equal(fir_epilogue(u, FILTER, 1, 4), expected)
    assert [call[-1] for call in launches] == [True, False]
