"""The Adam kernel against its reference, in Triton's interpreter."""

import pytest
import torch

from adatune.ops.adam import adam_step_reference
from adatune.ops.adam_triton import fused_adam_step


@pytest.mark.parametrize("steps", [1, 30, 70, 10**6])
@pytest.mark.parametrize("beta2", [0.99, 0.9999, 0.5])
def test_the_kernel_equals_the_reference_early_and_late(steps, beta2):
    generator = torch.Generator().manual_seed(steps)
    start = [torch.randn(2049, generator=generator) for _ in range(2)]
    start.append(torch.rand(2049, generator=generator) * 1e-3)
    fused, expected = ([tensor.clone() for tensor in start] for _ in range(2))
    fused_adam_step(*fused, 0.002, beta2, 1e-8, torch.tensor(steps))
    adam_step_reference(*expected, 0.002, beta2, 1e-8, torch.tensor(steps))
    moved = expected[0] - start[0]
    torch.testing.assert_close(fused[0] - start[0], moved, rtol=1e-6, atol=4e-7)  # ulps of the parameter
    torch.testing.assert_close(fused[2], expected[2], rtol=1e-6, atol=0)
    assert fused[1].eq(0).all()


def test_the_number_of_steps_is_read_when_the_kernel_runs():
    parameters, squares, steps = torch.zeros(4), torch.zeros(4), torch.tensor(1)
    moves = []
    for count in (1, 100):
        steps.fill_(count)
        before = parameters.clone()
        squares.zero_()
        fused_adam_step(parameters, torch.ones(4), squares, 0.01, 0.99, 1e-8, steps)
        moves.append((before - parameters)[0].item())
    assert moves[0] == pytest.approx(0.01, rel=1e-4)
    assert moves[1] == pytest.approx(0.01 * ((1 - 0.99**100) / 0.01) ** 0.5, rel=1e-4)
