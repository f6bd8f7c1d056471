"""The kernels against the plain draws, in Triton's interpreter."""

import pytest
import torch

from adatune.kernels import ops_mode
from adatune.random import normal, normal_reference, uniform, uniform_reference

KEYS = [(7, 3, 1), (0, 0, 0), (2**64 - 1, 2**56 - 1, 255), (2**33 + 5, 2**40 + 9, 128)]
SAMPLES = {
    "some": torch.arange(3),
    "every eighth": torch.arange(0, 40, 8)[1:],
    "the last ones": torch.tensor([2**32 - 1, 2**31]),
    "none": torch.arange(0),
}


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize("count", [0, 1, 18, 1031])
def test_uniform_draws_are_the_same_bit_for_bit(key, samples, count):
    with ops_mode("fused"):
        found = uniform(*key, samples, count)
    assert torch.equal(found, uniform_reference(*key, samples, count))


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("samples", SAMPLES.values(), ids=SAMPLES)
@pytest.mark.parametrize(
    "count", [0, 1, 4, 6, 9, 16, 2063]
)  # 2063: two programs; half of it modulo 4: 0 to 3
def test_normal_draws_are_the_same_to_rounding(key, samples, count):
    with ops_mode("fused"):
        found = normal(*key, samples, count)
    # Absolutely too: the angle near a zero of the cosine has an error of its own.
    torch.testing.assert_close(found, normal_reference(*key, samples, count), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("draw", [uniform, normal])
def test_the_step_is_read_when_the_kernel_runs(draw):
    step, samples = torch.tensor(3), torch.arange(2)
    with ops_mode("fused"):
        before = draw(7, step, 1, samples, 10)
        step.add_(2**32)
        after = draw(7, step, 1, samples, 10)
        assert torch.equal(before, draw(7, 3, 1, samples, 10))
        assert torch.equal(after, draw(7, 3 + 2**32, 1, samples, 10))
    assert not torch.equal(before, after)
