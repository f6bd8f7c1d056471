"""bias_act against the published code's numbers, up to second derivatives."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck
from vectors import GRADIENT_TOLERANCE, OUTPUT_TOLERANCE, read_vectors, relative_error

from adatune.ops import bias_act
from adatune.ops.bias_act import ACTIVATIONS

OPS = read_vectors("ops")
CASES = [name for name in OPS.settings if name.startswith("bias_act.")]


@pytest.mark.parametrize("name", CASES)
def test_values_and_both_derivatives_equal_the_published_ones(name):
    case = OPS.settings[name]
    x, b = OPS[f"{name}.in.x"].requires_grad_(), OPS[f"{name}.in.b"].requires_grad_()
    dout = OPS[f"{name}.dout"].requires_grad_()
    out = bias_act(x, b, case["act"], case["gain"], case["clamp"])
    dx, db = torch.autograd.grad(out, (x, b), dout, create_graph=True)
    product = (OPS[f"{name}.second.v"] * dx).sum()
    second_x, second_dout = torch.autograd.grad(product, (x, dout), allow_unused=True)
    second_x = (
        torch.zeros_like(x) if second_x is None else second_x
    )  # None: the activation is piecewise linear
    assert relative_error(out, OPS[f"{name}.out"]) < OUTPUT_TOLERANCE
    assert relative_error(dx, OPS[f"{name}.dx"]) < GRADIENT_TOLERANCE
    assert relative_error(db, OPS[f"{name}.db"]) < GRADIENT_TOLERANCE
    assert relative_error(second_x, OPS[f"{name}.second.dx"]) < GRADIENT_TOLERANCE
    assert relative_error(second_dout, OPS[f"{name}.second.ddout"]) < GRADIENT_TOLERANCE


@pytest.mark.parametrize("act", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(2, 3), (1, 1, 3, 5), (0, 3, 2, 2)])
def test_first_and_second_derivatives_equal_finite_differences(act, shape):
    generator = torch.Generator().manual_seed(4)
    x = torch.randn(shape, dtype=torch.float64, generator=generator, requires_grad=True)
    b = torch.randn(shape[1], dtype=torch.float64, generator=generator, requires_grad=True)
    assert gradcheck(lambda x, b: bias_act(x, b, act), (x, b))
    assert gradgradcheck(lambda x, b: bias_act(x, b, act).square(), (x, b))


def test_the_order_is_bias_activation_gain_clamp():
    out = bias_act(torch.tensor([[-3.0, 1.0, 9.0]]), torch.tensor([1.0, 1.0, 1.0]), "lrelu", gain=2, clamp=5)
    assert out.tolist() == [[pytest.approx(-0.8), 4.0, 5.0]]


def test_the_default_gain_is_the_activations_own():
    x = torch.tensor([[1.0]])
    assert bias_act(x, act="relu").item() == pytest.approx(2**0.5)
    assert bias_act(x, act="linear").item() == 1


def test_half_precision_stays_half_with_a_float_bias():
    assert bias_act(torch.ones(1, 2, 2, 2, dtype=torch.float16), torch.ones(2)).dtype == torch.float16


def test_an_unknown_activation_is_refused_by_name():
    with pytest.raises(ValueError, match="unknown activation 'gelu'"):
        bias_act(torch.ones(1, 1), act="gelu")
