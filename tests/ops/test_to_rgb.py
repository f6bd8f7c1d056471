"""toRGB against the modulated convolution it replaces, with derivatives; kernels against reference."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from adatune.kernels import ops_mode
from adatune.ops import bias_act, modulated_conv2d, upfirdn2d
from adatune.ops.to_rgb import to_rgb
from adatune.ops.upfirdn2d import resampling_filter
from adatune.ops.weight_gradients import no_weight_gradients

SHAPES = {  # batch, channels, height, width, image channels
    "17 channels": (2, 17, 4, 6, 3),
    "1 channel": (1, 1, 2, 2, 1),
    "3 channels": (2, 3, 4, 4, 3),
    "several tiles": (1, 130, 12, 12, 3),
}


def inputs(shape, dtype=torch.float32, has_image=True):
    batch, channels, height, width, colours = shape
    generator = torch.Generator().manual_seed(5)

    def draw(*size):
        return torch.randn(size, generator=generator, dtype=torch.float64)

    x = draw(batch, channels, height, width).to(dtype).contiguous(memory_format=torch.channels_last)
    smooth = torch.float64 if dtype == torch.float64 else torch.float32
    rest = [draw(colours, channels, 1, 1), draw(batch, channels) * channels**-0.5, draw(colours)]
    image = [draw(batch, colours, height // 2, width // 2)] if has_image else []
    return [tensor.requires_grad_() for tensor in (x, *(t.to(smooth) for t in rest + image))]


def derivatives(mode, shape, dtype, clamp, has_image):
    """The result, its gradients, and those of a combination of the gradients."""
    tensors = inputs(shape, dtype, has_image)
    generator = torch.Generator().manual_seed(6)
    with ops_mode(mode):
        x, weight, styles, bias, *image = tensors
        y = to_rgb(x, weight, styles, bias, clamp, *image)
        v = torch.randn(y.shape, generator=generator).requires_grad_()
        first = torch.autograd.grad(y, tensors, v, create_graph=True)
        combined = sum((g.float() * torch.randn(g.shape, generator=generator)).sum() for g in first)
        second = torch.autograd.grad(combined, [x, weight, styles, v])
    return y, *first, *second


def published(x, weight, styles, bias, clamp, image):
    y = bias_act(modulated_conv2d(x, weight, styles, demodulate=False), bias, "linear", clamp=clamp)
    f = resampling_filter((1, 3, 3, 1))
    return y if image is None else upfirdn2d(image, f, up=2, padding=(2, 1, 2, 1), gain=4) + y


@pytest.mark.parametrize("clamp", [None, 0.7])
@pytest.mark.parametrize("has_image", [False, True])
def test_it_is_the_modulated_convolution_without_demodulation(clamp, has_image):
    tensors = inputs(SHAPES["17 channels"], torch.float32, has_image)
    x, weight, styles, bias, *image = tensors
    expected = published(x, weight, styles, bias, clamp, image[0] if image else None)
    found = to_rgb(x, weight, styles, bias, clamp, *image)
    torch.testing.assert_close(found, expected)
    v = torch.randn(found.shape, generator=torch.Generator().manual_seed(1))
    for mine, theirs in zip(
        torch.autograd.grad(found, tensors, v), torch.autograd.grad(expected, tensors, v), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("clamp", [None, 0.7])
def test_first_and_second_derivatives_equal_finite_differences(clamp):
    x, weight, styles, bias, image = inputs((2, 3, 2, 4, 3), torch.float64)

    def function(*tensors):
        return to_rgb(*tensors[:4], clamp, tensors[4])

    assert gradcheck(function, (x, weight, styles, bias, image))
    assert gradgradcheck(function, (x, weight, styles, bias, image))


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize(("clamp", "has_image"), [(0.7, True), (None, False)])
def test_the_kernels_equal_the_reference_up_to_second_derivatives(shape, clamp, has_image):
    expected = derivatives("torch", shape, torch.float32, clamp, has_image)
    for mine, theirs in zip(
        derivatives("fused", shape, torch.float32, clamp, has_image), expected, strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-5, atol=2e-6 * theirs.abs().max().item())


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float16, 4e-3), (torch.bfloat16, 3e-2)])
def test_half_precision_gives_a_float32_image_near_that_of_the_reference(dtype, tolerance):
    # No clamp: rounding decides on which side of it a number falls.
    expected = derivatives("torch", SHAPES["17 channels"], dtype, None, True)
    found = derivatives("fused", SHAPES["17 channels"], dtype, None, True)
    assert found[0].dtype == expected[0].dtype == torch.float32
    assert found[1].dtype == expected[1].dtype == dtype
    for mine, theirs in zip(found, expected, strict=True):
        assert (mine - theirs).abs().max() <= tolerance * theirs.abs().max()


@pytest.mark.parametrize("mode", ["torch", "fused"])
def test_the_clamp_limits_the_layer_and_not_the_image_below(mode):
    x, weight, styles, bias, image = inputs(SHAPES["3 channels"])
    with ops_mode(mode):
        layer = to_rgb(x * 100, weight, styles, bias, 0.5)
        total = to_rgb(x, weight, styles, bias, 0.0, image + 9)
    assert layer.abs().max() == 0.5
    assert total.max() > 5


@pytest.mark.parametrize("mode", ["torch", "fused"])
def test_other_layouts_give_the_same_image(mode):
    x, weight, styles, bias, image = inputs(SHAPES["17 channels"])
    with ops_mode(mode):
        expected = to_rgb(x, weight, styles, bias, None, image)
        found = to_rgb(
            x.contiguous(),
            weight.expand(6, 3, 17, 1, 1)[2],
            styles.T.contiguous().T,
            bias,
            None,
            image.transpose(2, 3).contiguous().transpose(2, 3),
        )
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize("mode", ["torch", "fused"])
def test_an_empty_batch_gives_an_empty_image(mode):
    with ops_mode(mode):
        y = to_rgb(*inputs((0, 5, 4, 4, 3))[:4], 256.0, torch.zeros(0, 3, 2, 2))
    assert y.shape == (0, 3, 4, 4)
    assert y.dtype == torch.float32


def test_the_kernels_path_leaves_out_the_bias_gradient_nobody_wants():
    tensors = inputs(SHAPES["3 channels"])
    x, weight, styles, bias, image = tensors
    with ops_mode("fused"):
        y = to_rgb(x, weight, styles, bias, 0.7, image)
        with no_weight_gradients():
            dx, dbias = torch.autograd.grad(y.sum(), [x, bias], allow_unused=True)
    assert dx.abs().sum() > 0
    assert dbias is None
