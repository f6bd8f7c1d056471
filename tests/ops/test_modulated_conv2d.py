"""modulated_conv2d against the published code's numbers, weights per sample, and finite differences."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck
from vectors import GRADIENT_TOLERANCE, OUTPUT_TOLERANCE, read_vectors, relative_error

from adatune.ops import modulated_conv2d
from adatune.ops.modulated_conv2d import demodulation, modulation
from adatune.ops.upfirdn2d import resampling_filter

OPS = read_vectors("ops")
CASES = [name for name in OPS.settings if name.startswith("modulated_conv2d.")]
FILTER = resampling_filter([1, 3, 3, 1])


def convolve(x, weight, styles, up=1, demodulate=True, noise=None):
    return modulated_conv2d(
        x, weight, styles, noise, up, weight.shape[2] // 2, FILTER, demodulate, flip_weight=up == 1
    )


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_equal_the_published_ones(name):
    case = OPS.settings[name]
    inputs = [OPS[f"{name}.in.{key}"].requires_grad_() for key in ("x", "weight", "styles")]
    out = convolve(*inputs, case["up"], case["demodulate"], OPS.get(f"{name}.noise"))
    assert relative_error(out, OPS[f"{name}.out"]) < OUTPUT_TOLERANCE
    gradients = torch.autograd.grad(out, inputs, OPS[f"{name}.dout"])
    for key, gradient in zip(("x", "weight", "styles"), gradients, strict=True):
        assert relative_error(gradient, OPS[f"{name}.d{key}"]) < GRADIENT_TOLERANCE, key


def test_it_equals_a_convolution_with_a_weight_per_sample():
    x, weight, styles = torch.randn(3, 4, 7, 5), torch.randn(6, 4, 3, 3), torch.randn(3, 4)
    expected = []
    for sample, style in zip(x, styles, strict=True):
        modulated = weight * style[None, :, None, None]
        norm = (modulated.square().sum(dim=[1, 2, 3], keepdim=True) + 1e-8).sqrt()
        expected.append(F.conv2d(sample[None], modulated / norm, padding=1))
    assert relative_error(convolve(x, weight, styles), torch.cat(expected)) < 1e-5


@pytest.mark.parametrize("demodulate", [True, False])
@pytest.mark.parametrize("up", [1, 2])
def test_first_and_second_derivatives_equal_finite_differences(up, demodulate):
    generator = torch.Generator().manual_seed(2)
    shapes = [(2, 2, 3, 4), (1, 2, 3, 3), (2, 2)]
    inputs = [
        torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True) for shape in shapes
    ]
    assert gradcheck(lambda *i: convolve(*i, up, demodulate), inputs)
    assert gradgradcheck(lambda *i: convolve(*i, up, demodulate), inputs)


def test_demodulated_outputs_do_not_depend_on_the_scale_of_the_style():
    x, weight, styles = torch.randn(2, 4, 6, 6), torch.randn(5, 4, 3, 3), torch.randn(2, 4)
    assert relative_error(convolve(x, weight, styles * 7), convolve(x, weight, styles)) < 1e-5


def test_half_precision_neither_overflows_nor_loses_the_result():
    x, weight = torch.randn(2, 64, 8, 8), torch.randn(32, 64, 3, 3) * 300
    styles = torch.randn(2, 64) * 300
    half = convolve(x.half(), weight, styles)
    assert half.dtype == torch.float16
    assert relative_error(half.float(), convolve(x, weight, styles)) < 1e-2


def test_an_empty_batch_and_a_single_channel_run():
    assert convolve(torch.randn(0, 1, 4, 4), torch.randn(2, 1, 3, 3), torch.randn(0, 1), up=2).shape == (
        0,
        2,
        8,
        8,
    )


def test_demodulation_is_one_over_the_norm_of_the_modulated_weight():
    weight, styles = torch.randn(5, 4, 3, 3), torch.randn(2, 4)
    modulated = weight[None] * styles[:, None, :, None, None]
    assert relative_error(demodulation(weight, styles), 1 / modulated.flatten(2).norm(dim=2)) < 1e-5


def test_scales_that_demodulation_undoes_need_no_gradient():
    """Half precision divides weight and styles by their largest values; gradients are as if it had not."""
    torch.manual_seed(4)
    x = torch.randn(2, 4, 6, 6, dtype=torch.float64)
    weight, styles = (
        torch.randn(shape, dtype=torch.float64).requires_grad_() for shape in ((5, 4, 3, 3), (2, 4))
    )

    def gradients(differentiates_the_scales):
        scales = [weight.abs().amax(dim=[1, 2, 3], keepdim=True), styles.abs().amax(dim=1, keepdim=True)]
        scales = scales if differentiates_the_scales else [scale.detach() for scale in scales]
        out = convolve(x, weight / scales[0], styles / scales[1])
        (slope,) = torch.autograd.grad(out.pow(3).sum(), styles, create_graph=True)
        return [
            slope.detach(),
            *torch.autograd.grad(slope.square().sum() + out.pow(3).sum(), (weight, styles)),
        ]

    for kept, constant in zip(gradients(True), gradients(False), strict=True):
        assert relative_error(constant, kept) < 1e-6


def test_the_parts_known_before_the_input_equal_the_definition_in_half_precision():
    torch.manual_seed(5)
    weight, styles = torch.randn(6, 4, 3, 3, requires_grad=True), torch.randn(3, 4, requires_grad=True)

    def effective(small):
        scaled = small.weight.float()[None] * small.styles[:, None, :, None, None]
        return scaled * small.demodulation[:, :, None, None, None]

    expected = effective(modulation(weight, styles, torch.float32))
    found = effective(modulation(weight, styles, torch.bfloat16))
    assert relative_error(found, expected) < 1e-2
    direction = torch.randn_like(expected)
    for a, b in zip(
        torch.autograd.grad(found, (weight, styles), direction),
        torch.autograd.grad(expected, (weight, styles), direction),
        strict=True,
    ):
        assert relative_error(a, b) < 1e-2
