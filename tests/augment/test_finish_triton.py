"""The kernels of the last steps of augmentation against the steps one after the other."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from adatune.augment.effects import COUNT
from adatune.augment.finish import Finish, finish, finish_reference
from adatune.kernels import ops_mode


def steps_for(batch: int, channels: int, height: int, width: int) -> Finish:
    generator = torch.manual_seed(1)
    noise = torch.randn(batch, channels, height, width, generator=generator)
    return Finish(torch.rand(batch, COUNT, generator=generator), noise, has_color=True, has_cutout=True)


def derivatives(function: Callable[[Tensor], Tensor], x: Tensor, probe: Tensor) -> list[Tensor]:
    """Value, gradient of the sum of cubes, and that gradient's along PROBE."""
    x = x.clone().requires_grad_()
    value = function(x)
    (first,) = torch.autograd.grad(value.pow(3).sum(), x, create_graph=True)
    (second,) = torch.autograd.grad((first * probe).sum(), x)
    return [value, first, second]


def check(steps: Finish, x: Tensor, is_grid: bool) -> None:
    probe = torch.randn(x.shape, generator=torch.manual_seed(2))
    noise = None if steps.noise is None else steps.noise.double()
    in_double = steps._replace(effects=steps.effects.double(), noise=noise)
    expected = derivatives(lambda x: finish_reference(x, in_double, is_grid), x.double(), probe.double())
    with ops_mode("fused"):
        ours = derivatives(lambda x: finish(x, steps, is_grid), x, probe)
    for our, their in zip(ours, expected, strict=True):
        assert our.dtype == torch.float32
        scale = max(their.abs().max().item(), 1)
        torch.testing.assert_close(our.double(), their, atol=3e-6 * scale, rtol=0)


@pytest.mark.parametrize("is_grid", [False, True])
@pytest.mark.parametrize(
    ("channels", "height", "width"), [(3, 5, 7), (1, 5, 7), (3, 16, 16), (1, 17, 17), (3, 23, 4)]
)
def test_all_steps_fused_equal_the_steps_apart(channels: int, height: int, width: int, is_grid: bool):
    steps = steps_for(2, channels, height, width)
    x = torch.randn(2, channels, height, width, generator=torch.manual_seed(3))
    if is_grid:
        x = torch.randn(2, channels, 2 * height + 10, 2 * width + 10, generator=torch.manual_seed(3))
    check(steps, x, is_grid)


@pytest.mark.parametrize("is_grid", [False, True])
@pytest.mark.parametrize(
    "left_out", [("noise", "has_color"), ("has_color", "has_cutout"), ("noise", "has_cutout")]
)
def test_each_step_may_be_left_out(left_out: tuple[str, ...], is_grid: bool):
    side = 18 if is_grid else 4
    steps = steps_for(1, 3, 4, 4)._replace(**dict.fromkeys(left_out))
    check(steps, torch.randn(1, 3, side, side, generator=torch.manual_seed(4)), is_grid)


def test_inputs_may_lie_anywhere_in_memory_and_pictures_come_out_channels_last():
    steps = steps_for(2, 3, 6, 5)
    elsewhere = steps._replace(
        effects=torch.cat([steps.effects, steps.effects], dim=1)[:, :COUNT],
        noise=steps.noise.contiguous(memory_format=torch.channels_last),
    )
    for is_grid, shape in ((False, (6, 5)), (True, (22, 20))):
        x = torch.randn(2, *reversed(shape), 6, generator=torch.manual_seed(5)).permute(0, 3, 2, 1)[:, ::2]
        with ops_mode("fused"):
            result = finish(x, elsewhere, is_grid)
        torch.testing.assert_close(result, finish_reference(x, steps, is_grid), atol=1e-5, rtol=0)
        assert result.is_contiguous(memory_format=torch.channels_last)


def test_an_empty_batch_stays_empty():
    steps = steps_for(0, 3, 4, 4)
    for is_grid, side in ((False, 4), (True, 18)):
        x = torch.zeros(0, 3, side, side, requires_grad=True)
        with ops_mode("fused"):
            result = finish(x, steps, is_grid)
            assert result.shape == (0, 3, 4, 4)
            assert torch.autograd.grad(result.sum(), x)[0].shape == x.shape
