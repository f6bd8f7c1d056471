"""The effects of the amounts, and the kernel that draws them against the definition."""

import pytest
import torch

from adatune.augment import effects
from adatune.augment.effects import draw_effects, effects_of
from adatune.augment.operations import NUM_DRAWS, PRESETS, AugmentParameters, draw_table
from adatune.kernels import ops_mode

IDENTITY = [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1]


def draws(count: int) -> torch.Tensor:
    result = torch.rand(count, NUM_DRAWS, generator=torch.manual_seed(1)).clamp(min=2**-25)
    return torch.cat([result, torch.full((1, NUM_DRAWS), 2.0**-25), torch.full((1, NUM_DRAWS), 1 - 2.0**-24)])


def test_zero_amounts_are_the_identity():
    amounts = {
        name: torch.zeros(2)
        for name in draw_table(AugmentParameters(**dict.fromkeys(PRESETS["bgcfnc"], 1.0))).names
    }
    torch.testing.assert_close(effects_of(amounts, 8, 6), torch.tensor([IDENTITY] * 2).float())


def test_absent_amounts_are_the_identity():
    row = effects_of({"noise": torch.tensor([0.25])}, 8, 6)[0]
    assert row[effects.SIGMA] == 0.25
    row[effects.SIGMA] = 0
    assert row.tolist() == IDENTITY


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
