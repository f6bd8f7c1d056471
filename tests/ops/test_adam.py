"""One step over flat parameters against torch's own Adam; what is not finite; the running average."""

import pytest
import torch

from adatune.kernels import ops_mode
from adatune.ops.adam import adam_step, average_step, bias_correction

SETTINGS = {"learning_rate": 0.0025, "beta2": 0.99, "epsilon": 1e-8}
MODES = pytest.mark.parametrize("mode", ["torch", "fused"])


def step(parameters, gradients, squares, steps, mode="torch", **changed):
    with ops_mode(mode):
        adam_step(parameters, gradients, squares, steps=torch.tensor(steps), **{**SETTINGS, **changed})


@MODES
@pytest.mark.parametrize("count", [1, 17, 5000])
def test_five_steps_equal_torchs_adam_without_first_moment(mode, count):
    generator = torch.Generator().manual_seed(1)
    parameters = torch.randn(count, generator=generator)
    expected = parameters.clone().requires_grad_()
    adam = torch.optim.Adam([expected], lr=0.0025, betas=(0.0, 0.99), eps=1e-8)
    squares = torch.zeros(count)
    for steps in range(1, 6):
        gradients = torch.randn(count, generator=generator) * 10.0 ** -(2 * steps)
        expected.grad = gradients.clone()
        adam.step()
        step(parameters, gradients, squares, steps, mode)
    state = adam.state[expected]
    torch.testing.assert_close(parameters, expected.detach(), rtol=1e-6, atol=1e-8)
    torch.testing.assert_close(squares, state["exp_avg_sq"], rtol=1e-6, atol=0)


@MODES
def test_the_gradients_are_zero_afterwards(mode):
    gradients = torch.tensor([1.0, float("nan"), float("inf"), -2.0])
    step(torch.zeros(4), gradients, torch.zeros(4), 1, mode)
    assert gradients.tolist() == [0, 0, 0, 0]


@MODES
def test_nan_counts_as_zero_and_infinity_as_1e5_and_finite_gradients_are_not_limited(mode):
    found, expected = (torch.ones(5), torch.full((5,), 1e9)), (torch.ones(5), torch.full((5,), 1e9))
    step(found[0], torch.tensor([float("nan"), float("inf"), -float("inf"), 3e5, 1.0]), found[1], 7, mode)
    step(expected[0], torch.tensor([0.0, 1e5, -1e5, 3e5, 1.0]), expected[1], 7, mode)
    assert torch.equal(found[0], expected[0])
    assert torch.equal(found[1], expected[1])
    assert found[1][3] == pytest.approx(0.99e9 + 0.01 * 9e10)


@MODES
def test_a_gradient_whose_square_overflows_changes_nothing(mode):
    parameters, squares = torch.ones(2), torch.full((2,), 0.5)
    step(parameters, torch.tensor([1e30, 1e-3]), squares, 3, mode)
    assert parameters[0] == 1
    assert squares[0] == 0.5
    assert parameters[1] != 1


@MODES
def test_an_update_that_is_not_finite_is_skipped(mode):
    parameters, squares = torch.tensor([1.0, 2.0]), torch.tensor([0.0, 3.0])
    step(parameters, torch.tensor([0.0, 1e30]), squares, 1, mode, epsilon=0.0)  # 0 / 0, and a square of inf
    assert parameters.tolist() == [1, 2]
    assert squares.tolist() == [0, 3]


@MODES
def test_a_gradient_of_zero_still_decays_the_squares(mode):
    squares = torch.ones(3)
    step(torch.zeros(3), torch.zeros(3), squares, 2, mode)
    assert squares.tolist() == pytest.approx([0.99] * 3)


@MODES
def test_a_part_of_a_flat_buffer_leaves_its_neighbours_alone(mode):
    parameters, gradients, squares = torch.ones(48), torch.ones(48), torch.ones(48)
    gradients[16:32] = 2
    part = slice(16, 32)
    step(parameters[part], gradients[part], squares[part], 1, mode)
    outside = torch.cat([torch.arange(16), torch.arange(32, 48)])
    assert all(torch.equal(buffer[outside], torch.ones(32)) for buffer in (parameters, gradients, squares))
    assert all((buffer[part] != 1).all() for buffer in (parameters, gradients, squares))


@MODES
def test_no_parameters_are_no_error(mode):
    step(torch.zeros(0), torch.zeros(0), torch.zeros(0), 1, mode)


def test_the_pieces_of_a_large_buffer_do_not_show():
    generator = torch.Generator().manual_seed(2)
    whole = [torch.randn(300_000, generator=generator).abs() for _ in range(3)]
    head = [tensor[:100].clone() for tensor in whole]
    tail = [tensor[-100:].clone() for tensor in whole]
    for tensors in (whole, head, tail):
        step(*tensors, 4)
    assert all(torch.equal(tensor[:100], part) for tensor, part in zip(whole, head, strict=True))
    assert all(torch.equal(tensor[-100:], part) for tensor, part in zip(whole, tail, strict=True))


@pytest.mark.parametrize("steps", [1, 2, 1000, 10**7])
def test_the_bias_correction_keeps_its_digits(steps):
    found = bias_correction(torch.tensor(steps), 0.9999)
    assert found.item() == pytest.approx(1 - 0.9999**steps, rel=1e-12)


def test_the_average_moves_by_one_minus_keep():
    average, parameters = torch.tensor([1.0, 2.0]), torch.tensor([3.0, 2.0])
    average_step(average, parameters, torch.tensor(0.75))
    assert average.tolist() == [1.5, 2.0]


@pytest.mark.parametrize(("keep", "expected"), [(0.0, 3.0), (1.0, 1.0)])
def test_the_average_is_exact_at_both_ends(keep, expected):
    average = torch.ones(3)
    average_step(average, torch.full((3,), 3.0), torch.tensor(keep))
    assert average.tolist() == [expected] * 3
