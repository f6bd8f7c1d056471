"""The effects of the amounts."""

import torch

from adatune.augment import effects
from adatune.augment.effects import draw_effects, effects_of
from adatune.augment.operations import NUM_DRAWS, PRESETS, AugmentParameters, draw_amounts, draw_table

IDENTITY = [1, 0, 0, 0, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 1, 1, 1, 1]


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


def test_drawn_effects_are_those_of_the_drawn_amounts():
    table = draw_table(AugmentParameters(**dict.fromkeys(PRESETS["bgcfnc"], 1.0)))
    draws = torch.rand(5, NUM_DRAWS).clamp(min=2**-25)
    amounts = draw_amounts(table, draws, torch.tensor(0.5))
    assert torch.equal(draw_effects(table, draws, torch.tensor(0.5), 8, 6), effects_of(amounts, 8, 6))
