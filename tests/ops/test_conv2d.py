"""conv2d_resample against the published code's numbers, and its derivatives against finite differences."""

import pytest
import torch
import torch.nn.functional as F
from torch.autograd import gradcheck, gradgradcheck
from vectors import GRADIENT_TOLERANCE, OUTPUT_TOLERANCE, read_vectors, relative_error

from adatune.ops import conv2d_resample, upfirdn2d
from adatune.ops.upfirdn2d import resampling_filter

OPS = read_vectors("ops")
CASES = [name for name in OPS.settings if name.startswith("conv2d_resample.")]
FILTER = resampling_filter([1, 3, 3, 1])


@pytest.mark.parametrize("name", CASES)
def test_values_and_gradients_equal_the_published_ones(name):
    case = OPS.settings[name]
    x, w = OPS[f"{name}.in.x"].requires_grad_(), OPS[f"{name}.in.w"].requires_grad_()
    out = conv2d_resample(x, w, FILTER, case["up"], case["down"], case["padding"], case["flip_weight"])
    dx, dw = torch.autograd.grad(out, (x, w), OPS[f"{name}.dout"])
    assert relative_error(out, OPS[f"{name}.out"]) < OUTPUT_TOLERANCE
    assert relative_error(dx, OPS[f"{name}.dx"]) < GRADIENT_TOLERANCE
    assert relative_error(dw, OPS[f"{name}.dw"]) < GRADIENT_TOLERANCE


@pytest.mark.parametrize("flip_weight", [True, False])
@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (1, 2), (2, 2)])
def test_it_equals_zeros_filter_and_convolution_spelled_out(up, down, kernel, flip_weight):
    x, w = (
        torch.randn(2, 3, 6, 8, dtype=torch.float64),
        torch.randn(4, 3, kernel, kernel, dtype=torch.float64),
    )
    f, padding = FILTER.double(), kernel // 2
    margin = 2 if up > 1 else 0
    spread = upfirdn2d(x, f, up=up, padding=(margin, up - 1, margin, up - 1), gain=up**2) if up > 1 else x
    same = F.conv2d(spread, w if flip_weight else w.flip([2, 3]), padding=padding)
    expected = upfirdn2d(same, f, down=down, padding=1) if down > 1 else same
    out = conv2d_resample(x, w, f, up, down, padding, flip_weight)
    assert out.shape == (2, 4, 6 * up // down, 8 * up // down)
    inner = (
        (slice(None), slice(None), slice(3, -3), slice(3, -3)) if up > 1 else ...
    )  # borders pad differently
    if down == 1 or kernel == 1:
        assert relative_error(out[inner], expected[inner]) < 1e-10


@pytest.mark.parametrize(
    ("up", "down", "padding"), [(1, 1, 1), (2, 1, 1), (1, 2, 1), (1, 1, (2, 0, 1, 1)), (2, 2, 1)]
)
def test_first_and_second_derivatives_equal_finite_differences(up, down, padding):
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 1, 4, 5, dtype=torch.float64, generator=generator, requires_grad=True)
    w = torch.randn(2, 1, 3, 3, dtype=torch.float64, generator=generator, requires_grad=True)

    def convolve(x, w):
        return conv2d_resample(x, w, FILTER, up, down, padding, flip_weight=up == 1)

    assert gradcheck(convolve, (x, w))
    assert gradgradcheck(convolve, (x, w))


@pytest.mark.parametrize(("up", "down"), [(1, 1), (2, 1), (1, 2)])
def test_an_empty_batch_stays_empty(up, down):
    out = conv2d_resample(torch.randn(0, 2, 8, 8), torch.randn(3, 2, 3, 3), FILTER, up, down, padding=1)
    assert out.shape == (0, 3, 8 * up // down, 8 * up // down)
