"""The epilogue against its definition and finite differences: values, first and second derivatives."""

from itertools import product

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from vectors import relative_error

from adatune.ops.epilogue import epilogue, epilogue_reference
from adatune.ops.weight_gradients import no_weight_gradients

NAMES = ("demodulation", "strength", "bias", "style", "residual")
COMBINATIONS = [
    tuple(name for name, is_there in zip(NAMES, choice, strict=True) if is_there)
    for choice in product((False, True), repeat=len(NAMES))
]
SHAPE = (2, 3, 3, 4)
CURVES = {
    "lrelu": {"gain": 1.3},
    "clamped": {"gain": 1.3, "clamp": 0.9},
    "linear": {"act": "linear"},
    "clamped linear": {"act": "linear", "clamp": 0.9},
}


def inputs_of(present, shape=SHAPE, dtype=torch.float64, seed=0):
    """u and the present terms, all with gradients; noise comes with its strength."""
    generator = torch.Generator().manual_seed(seed)
    batch, channels, height, width = shape
    shapes = {
        "u": shape,
        "demodulation": (batch, channels),
        "strength": (),
        "bias": (channels,),
        "style": (batch, channels),
        "residual": shape,
    }
    tensors = {
        name: torch.randn(shapes[name], generator=generator, dtype=torch.float64).to(dtype).requires_grad_()
        for name in ("u", *present)
    }
    if "strength" in present:
        tensors["noise"] = torch.randn(batch, 1, height, width, generator=generator, dtype=dtype)
    return tensors


def derivatives(function, tensors, order=2, **curve):
    """The result, its gradients along a fixed direction, and those of the gradients, by name."""
    generator = torch.Generator().manual_seed(9)

    def direction(x):
        return torch.randn(x.shape, generator=generator, dtype=torch.float64).to(x.dtype)

    out = function(**tensors, **curve)
    variables = {name: tensor for name, tensor in tensors.items() if tensor.requires_grad}
    g = direction(out).requires_grad_()
    first = torch.autograd.grad(out, list(variables.values()), g, create_graph=order == 2)
    found = {"out": out} | {f"d {name}": value for name, value in zip(variables, first, strict=True)}
    if order == 2:
        total = sum((value * direction(value)).sum() for value in first if value.requires_grad)
        variables = {"g": g, **variables}
        second = torch.autograd.grad(total, list(variables.values()), allow_unused=True)
        found |= {
            f"dd {name}": torch.zeros_like(variables[name]) if value is None else value
            for name, value in zip(variables, second, strict=True)
        }
    return found


def worst_difference(found, expected):
    assert found.keys() == expected.keys()
    return max((relative_error(found[name].double(), expected[name].double()), name) for name in expected)


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
@pytest.mark.parametrize("present", COMBINATIONS, ids=" ".join)
def test_value_gradients_and_second_gradients_equal_the_definition(present, curve):
    tensors = inputs_of(present)
    found = derivatives(epilogue, tensors, **curve)
    expected = derivatives(epilogue_reference, tensors, **curve)
    error, name = worst_difference(found, expected)
    assert error < 1e-12, name


@pytest.mark.parametrize("curve", ["lrelu", "clamped"])
@pytest.mark.parametrize("present", COMBINATIONS, ids=" ".join)
def test_first_and_second_derivatives_equal_finite_differences(present, curve):
    tensors = inputs_of(present, shape=(2, 2, 1, 2), seed=1)
    noise = tensors.pop("noise", None)

    def run(*values):
        return epilogue(**dict(zip(tensors, values, strict=True)), noise=noise, **CURVES[curve])

    assert gradcheck(run, list(tensors.values()))
    assert gradgradcheck(run, list(tensors.values()))


def test_one_plane_of_noise_serves_the_whole_batch_and_needs_no_strength():
    tensors = inputs_of(("demodulation", "strength", "style"))
    tensors["noise"] = tensors["noise"][:1]
    expected = derivatives(epilogue_reference, tensors)
    assert worst_difference(derivatives(epilogue, tensors), expected)[0] < 1e-12
    del tensors["strength"]
    expected = derivatives(epilogue_reference, tensors)
    assert worst_difference(derivatives(epilogue, tensors), expected)[0] < 1e-12


def test_a_constant_demodulation_scales_and_its_derivatives_stay_right():
    tensors = inputs_of(("demodulation", "bias", "strength"))
    tensors["demodulation"] = tensors["demodulation"].detach()
    expected = derivatives(epilogue_reference, tensors, **CURVES["clamped"])
    assert worst_difference(derivatives(epilogue, tensors, **CURVES["clamped"]), expected)[0] < 1e-12


@pytest.mark.parametrize("planes", [1, 2])
@pytest.mark.parametrize(
    "present", [("strength",), ("demodulation", "strength", "bias", "style", "residual")]
)
def test_noise_that_asks_for_a_gradient_gets_that_of_the_definition(present, planes):
    tensors = inputs_of(present)
    tensors["noise"] = tensors["noise"][:planes].clone().requires_grad_()
    found, expected = (
        torch.autograd.grad(function(**tensors, **CURVES["clamped"]).square().sum(), list(tensors.values()))
        for function in (epilogue, epilogue_reference)
    )
    for a, b in zip(found, expected, strict=True):
        assert a.shape == b.shape
        assert relative_error(a, b) < 1e-12


def test_with_noise_that_asks_for_a_gradient_nothing_is_differentiated_twice():
    tensors = inputs_of(("strength",))
    out = epilogue(**tensors | {"noise": tensors["noise"].requires_grad_()})
    with pytest.raises(RuntimeError, match="cannot be differentiated twice"):
        torch.autograd.grad(out.sum(), tensors["u"], create_graph=True)


def test_elements_at_the_clamp_have_no_gradient():
    u = torch.tensor([1.0, 2.0, -2.0, -10.0, -20.0, 0.5]).reshape(1, 1, 2, 3).requires_grad_()
    out = epilogue(u, act="lrelu", gain=1.0, clamp=2.0)
    (gradient,) = torch.autograd.grad(out.sum(), u)
    assert out.flatten().tolist() == pytest.approx([1, 2, -0.4, -2, -2, 0.5])
    assert gradient.flatten().tolist() == pytest.approx([1, 0, 0.2, 0, 0, 1])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_computes_in_single_precision_and_keeps_its_type(dtype):
    tensors = inputs_of(NAMES, dtype=torch.float32)
    expected = derivatives(epilogue_reference, tensors)
    half = {
        name: value.detach().to(dtype).requires_grad_() if name in ("u", "residual") else value
        for name, value in tensors.items()
    }
    found = derivatives(epilogue, half)
    assert found["out"].dtype == found["d u"].dtype == found["dd u"].dtype == dtype
    assert found["d style"].dtype == torch.float32
    assert worst_difference(found, expected)[0] < (2e-3 if dtype == torch.float16 else 2e-2)


@pytest.mark.parametrize("curve", CURVES.values(), ids=CURVES)
def test_what_it_is_given_is_not_changed(curve):
    tensors = inputs_of(NAMES)
    before = {name: tensor.detach().clone() for name, tensor in tensors.items()}
    derivatives(epilogue, tensors, **curve)
    derivatives(epilogue, {"u": tensors["u"]}, **curve)
    assert all(torch.equal(tensors[name], value) for name, value in before.items())


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_results_and_gradients_lie_as_the_input_does(layout):
    tensors = inputs_of(NAMES, shape=(2, 3, 4, 5))
    tensors["u"] = tensors["u"].detach().contiguous(memory_format=layout).requires_grad_()
    out = epilogue(**tensors)
    g = torch.ones(2, 3, 4, 5, dtype=out.dtype).requires_grad_()  # another layout in one of the cases
    gu, gs = torch.autograd.grad(out, [tensors["u"], tensors["style"]], g, create_graph=True)
    second = torch.autograd.grad((gu.square().sum() + gs.sum()), [g, tensors["u"]])
    assert out.is_contiguous(memory_format=layout)
    assert gu.is_contiguous(memory_format=layout)
    assert all(x.is_contiguous(memory_format=layout) for x in second)


def test_without_weight_gradients_parameters_get_none_and_everything_else_its_own():
    tensors = inputs_of(NAMES)
    expected = derivatives(epilogue, tensors)
    out = epilogue(**tensors)
    variables = {name: tensor for name, tensor in tensors.items() if name != "noise"}
    with no_weight_gradients():
        gradients = torch.autograd.grad(
            out, list(variables.values()), torch.ones_like(out), create_graph=True, allow_unused=True
        )
    found = dict(zip(variables, gradients, strict=True))
    assert {name for name, gradient in found.items() if gradient is None} == {"bias", "strength"}
    (second,) = torch.autograd.grad(found["style"].sum(), tensors["bias"])
    assert second.abs().max() > 0
    assert expected["d bias"].abs().max() > 0


def test_an_empty_batch_keeps_its_shape():
    tensors = inputs_of(NAMES, shape=(0, 3, 4, 4))
    assert epilogue(**tensors).shape == (0, 3, 4, 4)
    assert torch.autograd.grad(epilogue(**tensors).sum(), tensors["bias"])[0].tolist() == [0, 0, 0]


def test_an_unknown_activation_and_a_negative_gain_are_refused():
    with pytest.raises(ValueError, match="act must be lrelu or linear"):
        epilogue(torch.ones(1, 1, 1, 1), act="relu")
    with pytest.raises(ValueError, match="gain positive"):
        epilogue(torch.ones(1, 1, 1, 1), gain=-1)
