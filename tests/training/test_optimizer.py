"""Adam without a first moment against torch's Adam."""

import pytest
import torch
from torch import Tensor

from adatune.training.flat_parameters import FlatParameters
from adatune.training.optimizer import Adam


def adam(*parameters: Tensor, learning_rate: float = 0.1, interval: int = 4) -> Adam:
    return Adam(FlatParameters(parameters), learning_rate, interval)


def set_gradients(parameters: list[Tensor], gradients: list[Tensor]) -> None:
    for parameter, gradient in zip(parameters, gradients, strict=True):
        assert parameter.grad is not None
        parameter.grad.copy_(gradient)


def test_steps_equal_those_of_torch_adam_with_the_lazy_correction() -> None:
    generator = torch.Generator().manual_seed(0)
    ours = [torch.randn(3, 4, generator=generator), torch.randn(5, generator=generator)]
    theirs = [p.clone().requires_grad_() for p in ours]
    c = 16 / 17
    reference = torch.optim.Adam(theirs, lr=0.01 * c, betas=(0.0, 0.99**c), eps=1e-8)
    optimizer = adam(*ours, learning_rate=0.01, interval=16)
    for _ in range(20):
        gradients = [torch.randn(p.shape, generator=generator) for p in ours]
        set_gradients(ours, gradients)
        for other, gradient in zip(theirs, gradients, strict=True):
            other.grad = gradient.clone()
        optimizer.step()
        reference.step()
    for mine, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, other.detach(), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize(("value", "cleaned"), [("nan", 0.0), ("inf", 1e5), ("-inf", -1e5), ("3e7", 3e7)])
def test_gradients_are_cleaned_but_large_ones_kept(value: str, cleaned: float) -> None:
    parameter, expected = torch.zeros(1), torch.zeros(1)
    for tensor, gradient in ((parameter, float(value)), (expected, cleaned)):
        optimizer = adam(tensor)
        set_gradients([tensor], [torch.tensor([gradient])])
        optimizer.step()
        assert optimizer.squares.isfinite().all()
    assert torch.equal(parameter, expected)


def test_a_parameter_without_gradient_decays_like_one_with_a_gradient_of_zero() -> None:
    first, second = torch.ones(1), torch.ones(1)
    optimizer = adam(first, second)
    set_gradients([first, second], [torch.ones(1), torch.ones(1)])
    optimizer.step()
    once = optimizer.squares.clone()
    optimizer.step()  # gradients are zero again
    torch.testing.assert_close(optimizer.squares, once * 0.99 ** (4 / 5))


def test_a_restored_optimizer_goes_on_bit_for_bit() -> None:
    def run(split: bool) -> Tensor:
        generator = torch.Generator().manual_seed(1)
        parameter = torch.ones(4)
        optimizer = adam(parameter)
        for step in range(6):
            if split and step == 3:
                saved = optimizer.state_dict()
                optimizer = adam(parameter)
                optimizer.load_state_dict(saved)
            set_gradients([parameter], [torch.randn(4, generator=generator)])
            optimizer.step()
        return parameter

    assert torch.equal(run(split=True), run(split=False))


def test_a_state_of_other_parameters_is_refused() -> None:
    with pytest.raises(ValueError, match="other parameters"):
        adam(torch.ones(4)).load_state_dict({"squares": [torch.ones(3)], "steps": 1})
