"""The plain passes: what they return by hand, and that they overwrite nothing but their own memory."""

import pytest
import torch

from adatune.ops.epilogue_pixels import (
    Coefficients,
    Curve,
    Terms,
    computing_dtype,
    plain_forward,
    plain_gradients,
    plain_second_gradients,
)

NOTHING = Terms(None, None, None, None, None)
NO_COEFFICIENTS = Coefficients(None, None, None, None, None, None)


def picture(*values, dtype=torch.float32):
    return torch.tensor(values, dtype=dtype).reshape(1, 1, 1, -1)


def test_the_gain_comes_before_the_activation_and_the_clamp_after():
    out = plain_forward(picture(-10.0, 1.0, 9.0), NOTHING, None, Curve(0.2, 2.0, 5.0))
    assert out.flatten().tolist() == [-4, 2, 5]


def test_style_and_residual_come_after_the_clamp():
    terms = NOTHING._replace(style=torch.tensor([[3.0]]))
    out = plain_forward(picture(-10.0, 9.0), terms, picture(1.0, 1.0), Curve(0.2, 1.0, 5.0))
    assert out.flatten().tolist() == [-5, 16]


def test_sums_are_over_pixels_and_have_the_gain():
    u, g = picture(-1.0, 2.0), picture(1.0, 10.0)
    terms = NOTHING._replace(noise=picture(0.0, 3.0))
    gu, sums = plain_gradients(g, u, terms, Curve(0.5, 2.0, None), False, True, (True, True, True, True))
    assert gu.flatten().tolist() == [1, 20]
    # The noise has no strength here, so it is added to u: z = -1, 5 and y = -1, 10.
    assert [value.item() for value in sums] == [21, 39, 60, 99]


def test_with_the_result_in_place_of_u_the_clamp_is_told_by_the_result():
    result, g = picture(-4.0, -3.9, 3.9, 4.0), picture(1.0, 1.0, 1.0, 1.0)
    gu, _ = plain_gradients(g, result, NOTHING, Curve(0.5, 1.0, 4.0), True, True, (False,) * 4)
    assert gu.flatten().tolist() == [0, 0.5, 1, 0]


def test_without_a_bend_the_cotangent_passes_in_memory_of_its_own():
    a, g, u = picture(1.0, 2.0), picture(0.0, 0.0), picture(3.0, 4.0)
    cg, cu, sums = plain_second_gradients(
        a, g, u, NOTHING, NO_COEFFICIENTS, Curve(1.0, 1.0, None), False, (True, False), (False,) * 4
    )
    assert torch.equal(cg, a)
    assert cg.data_ptr() != a.data_ptr()
    assert cu is None
    assert sums == (None,) * 4


def test_no_cotangent_at_all_is_none():
    x = picture(1.0, 2.0)
    curve = Curve(0.2, 1.0, None)
    found = plain_second_gradients(
        None, x, x, NOTHING, NO_COEFFICIENTS, curve, False, (True, False), (False,) * 4
    )
    assert found[0] is None


@pytest.mark.parametrize(
    ("dtype", "expected"),
    [(torch.float16, torch.float32), (torch.bfloat16, torch.float32), (torch.float64, torch.float64)],
)
def test_half_precision_is_computed_in_single_and_double_in_double(dtype, expected):
    assert computing_dtype(torch.ones(1, dtype=dtype)) == expected
    assert plain_forward(picture(1.0, dtype=dtype), NOTHING, None, Curve(0.2, 1.0, None)).dtype == dtype
