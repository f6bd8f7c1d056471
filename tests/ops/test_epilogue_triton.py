"""The epilogue's kernels in the interpreter against the definition: values, gradients, second gradients."""

import pytest
import torch
from vectors import relative_error

from adatune.kernels import ops_mode
from adatune.ops.epilogue import epilogue, epilogue_reference
from adatune.ops.epilogue_triton import fused_forward
from adatune.ops.weight_gradients import no_weight_gradients

ALL = ("demodulation", "strength", "bias", "style", "residual")
TERMS = {
    "generator conv0": ("demodulation", "strength", "bias", "style"),
    "generator conv1": ("demodulation", "strength", "bias"),
    "discriminator": ("bias",),
    "discriminator sum": ("bias", "residual"),
    "scaling": ("demodulation",),
    "all": ALL,
}
SHAPES = [(2, 1, 3, 5), (1, 3, 8, 8), (2, 17, 5, 3), (1, 65, 9, 8), (2, 32, 16, 16)]
TOLERANCE = {torch.float32: 1e-5, torch.float16: 3e-3, torch.bfloat16: 2e-2}


def inputs_of(present, shape, dtype=torch.float32):
    """Feature maps in DTYPE, the small terms in float32."""
    generator = torch.Generator().manual_seed(sum(shape))
    batch, channels, height, width = shape
    small = {
        "demodulation": (batch, channels),
        "strength": (),
        "bias": (channels,),
        "style": (batch, channels),
    }
    tensors = {"u": torch.randn(shape, generator=generator).to(dtype).requires_grad_()}
    for name in present:
        values = torch.randn(small.get(name, shape), generator=generator)
        tensors[name] = (values.to(dtype) if name == "residual" else values).requires_grad_()
    if "strength" in present:
        tensors["noise"] = torch.randn(batch, 1, height, width, generator=generator)
    return tensors


def derivatives(function, tensors, **curve):
    """The result, its gradients along a fixed direction, and those of the gradients, by name."""
    generator = torch.Generator().manual_seed(9)

    def direction(x):
        return torch.randn(x.shape, generator=generator).to(x.dtype)

    out = function(**tensors, **curve)
    variables = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}
    g = direction(out).requires_grad_()
    first = torch.autograd.grad(out, list(variables.values()), g, create_graph=True)
    total = sum((value * direction(value)).float().sum() for value in first)
    names = ["g", *variables]
    second = torch.autograd.grad(total, [g, *variables.values()], allow_unused=True)
    found = {"out": out} | {f"d {name}": value for name, value in zip(variables, first, strict=True)}
    found |= {f"dd {name}": value for name, value in zip(names, second, strict=True)}
    return {
        name: torch.zeros(()) if value is None or not value.any() else value.double()
        for name, value in found.items()
    }


def assert_equals_the_definition(tensors, dtype, **curve):
    with ops_mode("fused"):
        found = derivatives(epilogue, tensors, **curve)
    in_single = {
        name: value.detach().float().requires_grad_(name != "noise") for name, value in tensors.items()
    }
    expected = derivatives(epilogue_reference, in_single, **curve)
    for name, value in expected.items():
        assert relative_error(found[name], value) < TOLERANCE[dtype], name


@pytest.mark.parametrize("dtype", TOLERANCE, ids=str)
@pytest.mark.parametrize("present", TERMS.values(), ids=TERMS)
def test_value_gradients_and_second_gradients_equal_the_definition(present, dtype):
    assert_equals_the_definition(inputs_of(present, (2, 17, 5, 7), dtype), dtype, gain=1.4, clamp=256.0)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_odd_shapes_equal_the_definition(shape):
    assert_equals_the_definition(inputs_of(ALL, shape), torch.float32, gain=1.4)


@pytest.mark.parametrize(
    "curve", [{"act": "linear"}, {"clamp": 0.7}, {"act": "linear", "clamp": 0.7}], ids=str
)
@pytest.mark.parametrize("present", [ALL, ("bias",), ()], ids=" ".join)
def test_every_curve_equals_the_definition(present, curve):
    assert_equals_the_definition(inputs_of(present, (2, 5, 4, 4)), torch.float32, **curve)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16], ids=str)
def test_noise_gets_the_gradient_of_the_definition(dtype):
    tensors = inputs_of(TERMS["generator conv0"], (2, 17, 5, 7), dtype)
    noise = tensors["noise"].requires_grad_()
    with ops_mode("fused"):
        (found,) = torch.autograd.grad(epilogue(**tensors).float().square().sum(), noise)
    (expected,) = torch.autograd.grad(epilogue_reference(**tensors).float().square().sum(), noise)
    assert relative_error(found, expected) < TOLERANCE[dtype]


def test_one_plane_of_noise_serves_the_whole_batch():
    tensors = inputs_of(ALL, (3, 4, 4, 4))
    tensors["noise"] = tensors["noise"][:1]
    assert_equals_the_definition(tensors, torch.float32)
    del tensors["strength"]
    assert_equals_the_definition(tensors, torch.float32)


def test_a_constant_demodulation_equals_the_definition():
    tensors = inputs_of(("demodulation", "bias"), (2, 5, 4, 4))
    tensors["demodulation"] = tensors["demodulation"].detach()
    with ops_mode("fused"):
        found = derivatives(epilogue, tensors, clamp=0.7)
    for name, value in derivatives(epilogue_reference, tensors, clamp=0.7).items():
        assert relative_error(found[name], value) < 1e-5, name


def test_any_memory_layout_is_read_and_channels_last_is_written():
    tensors = inputs_of(("demodulation", "residual"), (2, 4, 6, 5))
    expected = epilogue_reference(**tensors)
    for name in ("u", "residual"):
        tensors[name] = tensors[name].detach().transpose(2, 3).contiguous().transpose(2, 3)
    with ops_mode("fused"):
        out = epilogue(**tensors)
    assert relative_error(out, expected) < 1e-6
    assert out.is_contiguous(memory_format=torch.channels_last)


def test_without_weight_gradients_the_style_still_has_its_second_derivative():
    tensors = inputs_of(("demodulation", "strength", "bias", "style"), (2, 4, 4, 4))
    variables = [tensors["u"], tensors["style"]]
    found = []
    for mode in ("fused", "torch"):
        with ops_mode(mode):
            with no_weight_gradients():
                gu, gs = torch.autograd.grad(epilogue(**tensors).sum(), variables, create_graph=True)
            total = gu.square().sum() + gs.square().sum()
            found.append(torch.autograd.grad(total, [*variables, tensors["bias"], tensors["strength"]]))
    for fused, plain in zip(*found, strict=True):
        assert relative_error(fused, plain) < 1e-5


def test_an_empty_batch_launches_nothing():
    with ops_mode("fused"):
        assert epilogue(**inputs_of(ALL, (0, 3, 4, 4))).shape == (0, 3, 4, 4)


def test_the_kernel_is_what_runs_when_fused(monkeypatch):
    calls = []

    def record(*arguments):
        calls.append(arguments)
        return fused_forward(*arguments)

    monkeypatch.setattr("adatune.ops.epilogue_triton.fused_forward", record)
    with ops_mode("fused"):
        epilogue(torch.ones(1, 1, 1, 1))
    with ops_mode("torch"):
        epilogue(torch.ones(1, 1, 1, 1))
    assert len(calls) == 1
