"""The kernel that draws the effects against the definition."""

import pytest
import torch

from adatune.augment.effects import draw_effects
from adatune.augment.operations import NUM_DRAWS, PRESETS, AugmentParameters, draw_table
from adatune.kernels import ops_mode


def draws(count: int) -> torch.Tensor:
    result = torch.rand(count, NUM_DRAWS, generator=torch.manual_seed(1)).clamp(min=2**-25)
    return torch.cat([result, torch.full((1, NUM_DRAWS), 2.0**-25), torch.full((1, NUM_DRAWS), 1 - 2.0**-24)])


@pytest.mark.parametrize("p", [0.0, 0.6, 3.0])
def test_the_kernel_draws_the_same_effects_as_the_definition(p: float):
    table = draw_table(AugmentParameters(**dict.fromkeys(PRESETS["bgcfnc"], 1.0)))
    given, p_tensor = draws(14), torch.tensor(p)
    expected = draw_effects(table, given, p_tensor, 24, 40)
    with ops_mode("fused"):
        drawn = draw_effects(table, given, p_tensor, 24, 40)
    torch.testing.assert_close(drawn, expected, atol=1e-6, rtol=4e-6)


@pytest.mark.parametrize("names", ["xflip", "bg", "color", "filter", "noise,cutout", "hue,rotate"])
def test_the_kernel_draws_the_enabled_operations_alone(names: str):
    enabled = [name for part in names.split(",") for name in PRESETS.get(part, (part,))]
    table = draw_table(AugmentParameters(**dict.fromkeys(enabled, 0.8), scale_std=0.5))
    expected = draw_effects(table, draws(2), torch.tensor(0.9), 17, 5)
    with ops_mode("fused"):
        drawn = draw_effects(table, draws(2), torch.tensor(0.9), 17, 5)
    torch.testing.assert_close(drawn, expected, atol=1e-6, rtol=4e-6)


def test_no_images_have_no_effects():
    table = draw_table(AugmentParameters(xflip=1))
    with ops_mode("fused"):
        assert draw_effects(table, torch.zeros(0, NUM_DRAWS), torch.tensor(1.0), 8, 8).shape == (0, 24)
