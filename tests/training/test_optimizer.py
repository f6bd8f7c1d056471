"""Adam without a first moment against torch's Adam."""

import pytest
import torch

from adatune.training.optimizer import Adam


def test_steps_equal_those_of_torch_adam_with_the_lazy_correction() -> None:
    generator = torch.Generator().manual_seed(0)
    ours = [torch.randn(3, 4, generator=generator), torch.randn(5, generator=generator)]
    theirs = [p.clone().requires_grad_() for p in ours]
    c = 16 / 17
    reference = torch.optim.Adam(theirs, lr=0.01 * c, betas=(0.0, 0.99**c), eps=1e-8)
    optimizer = Adam(ours, 0.01, 16)
    for _ in range(20):
        for mine, other in zip(ours, theirs, strict=True):
            mine.grad = torch.randn(mine.shape, generator=generator)
            other.grad = mine.grad.clone()
        optimizer.step()
        reference.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other.detach(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("value", "cleaned"), [("nan", 0.0), ("inf", 1e5), ("-inf", -1e5), ("3e7", 3e7)])
def test_gradients_are_cleaned_but_large_ones_kept(value: str, cleaned: float) -> None:
    parameter, expected = torch.zeros(1), torch.zeros(1)
    parameter.grad, expected.grad = torch.tensor([float(value)]), torch.tensor([cleaned])
    for tensor in (parameter, expected):
        optimizer = Adam([tensor], 0.1, 4)
        optimizer.step()
        assert optimizer.squares[0].isfinite().all()
    assert torch.equal(parameter, expected)


def test_a_parameter_without_gradient_decays_like_one_with_a_gradient_of_zero() -> None:
    first, second = torch.ones(1), torch.ones(1)
    optimizer = Adam([first, second], 0.1, 4)
    first.grad, second.grad = torch.ones(1), torch.ones(1)
    optimizer.step()
    first.grad = torch.zeros(1)
    optimizer.step()
    assert torch.equal(optimizer.squares[0], optimizer.squares[1])
    assert optimizer.squares[1] < 0.01


def test_a_restored_optimizer_goes_on_bit_for_bit() -> None:
    def run(split: bool) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        parameter = torch.ones(4)
        optimizer = Adam([parameter], 0.1, 4)
        for step in range(6):
            if split and step == 3:
                saved = {"squares": [s.clone() for s in optimizer.squares], "steps": optimizer.steps}
                optimizer = Adam([parameter], 0.1, 4)
                optimizer.load_state_dict(saved)
            parameter.grad = torch.randn(4, generator=generator)
            optimizer.step()
        return parameter

    assert torch.equal(run(split=True), run(split=False))


def test_a_state_of_other_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="other parameters"):
        Adam([torch.ones(4)], 0.1, 4).load_state_dict({"squares": [torch.ones(3)], "steps": 1})
