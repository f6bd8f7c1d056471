"""The table of operations and the distributions of what is drawn from it."""

from math import pi

import pytest
import torch

from adatune.augment.operations import (
    NUM_DRAWS,
    OPERATIONS,
    PRESETS,
    AugmentParameters,
    amounts_at,
    draw_amounts,
    draw_table,
    parse_operations,
)
from adatune.errors import UsageError

EVERYTHING = dict.fromkeys(PRESETS["bgcfnc"], 1.0)
COUNT = 40_000


def drawn(p: float, **parameters: float) -> dict[str, torch.Tensor]:
    draws = torch.rand(COUNT, NUM_DRAWS, generator=torch.manual_seed(1)).clamp(min=2**-25)
    return draw_amounts(draw_table(AugmentParameters(**parameters)), draws, torch.tensor(p))


def test_the_table_has_eighteen_operations_in_the_order_of_their_application():
    assert len(OPERATIONS) == 18
    names = ["xflip", "rotate90", "xint", "scale", "rotate", "aniso", "xfrac"]
    names += ["brightness", "contrast", "lumaflip", "hue", "saturation"]
    names += ["filter", "filter", "filter", "filter", "noise", "cutout"]
    assert [operation.name for operation in OPERATIONS] == names


def test_every_operation_can_be_switched_by_its_name():
    for operation in OPERATIONS:
        assert getattr(AugmentParameters(**{operation.name: 0.25}), operation.name) == 0.25


def test_presets_add_up_the_groups():
    assert PRESETS["bg"] == PRESETS["blit"] + PRESETS["geom"]
    assert PRESETS["bgc"] == PRESETS["bg"] + PRESETS["color"]
    assert PRESETS["bgcfnc"] == (*PRESETS["bgc"], "filter", "noise", "cutout")
    assert PRESETS["none"] == ()


def test_names_and_presets_may_be_mixed():
    assert parse_operations("xflip, Scale,hue") == ("xflip", "scale", "hue")
    assert parse_operations("blit,imgfilter,xflip") == ("xflip", "rotate90", "xint", "filter")


@pytest.mark.parametrize("names", ["bgd", "", "xflip,,hue"])
def test_an_unknown_name_is_refused_with_the_known_ones(names: str):
    with pytest.raises(UsageError, match="saturation"):
        parse_operations(names)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf")])
def test_a_strength_below_zero_or_not_a_number_is_refused(value: float):
    with pytest.raises(UsageError, match="scale_std"):
        AugmentParameters(scale_std=value)


@pytest.mark.parametrize("p", [0.0, 0.3, 1.0])
def test_each_gate_opens_with_probability_p(p: float):
    amounts = drawn(p, **EVERYTHING)
    for name, amount in amounts.items():
        if name.startswith(("xflip", "rotate", "lumaflip")) or name.endswith(("_x", "_y")):
            continue  # these are 0 by chance as well, come in pairs, or are positions
        # Four standard deviations of a mean of COUNT coins.
        assert (amount != 0).float().mean().item() == pytest.approx(p, abs=4 * (0.25 / COUNT) ** 0.5), name


def test_choices_are_even_among_open_gates():
    amounts = drawn(0.6, **EVERYTHING)
    for name, choices in (("xflip", 2), ("lumaflip", 2), ("rotate90", 4)):
        for choice in range(1, choices):
            share = (amounts[name] == choice).float().mean().item()
            assert share == pytest.approx(0.6 / choices, abs=4 * (0.25 / COUNT) ** 0.5), name


def test_at_least_one_of_the_two_turns_happens_with_probability_p():
    amounts = drawn(0.4, rotate=1)
    before, after = amounts["rotate_before"] != 0, amounts["rotate_after"] != 0
    tolerance = 4 * (0.25 / COUNT) ** 0.5
    assert (before | after).float().mean().item() == pytest.approx(0.4, abs=tolerance)
    assert before.float().mean().item() == pytest.approx(1 - 0.6**0.5, abs=tolerance)
    assert after.float().mean().item() == pytest.approx(1 - 0.6**0.5, abs=tolerance)


def test_a_multiplier_scales_the_probability():
    amounts = drawn(0.5, scale=0.4, hue=3)
    assert (amounts["scale"] != 0).float().mean().item() == pytest.approx(0.2, abs=0.01)
    assert (amounts["hue"] != 0).all()


@pytest.mark.parametrize(
    ("name", "std"),
    [
        ("scale", 0.2),
        ("aniso", 0.2),
        ("xfrac_x", 0.125),
        ("xfrac_y", 0.125),
        ("brightness", 0.2),
        ("contrast", 0.5),
        ("saturation", 1.0),
        ("filter_0", 1.0),
        ("filter_3", 1.0),
    ],
)
def test_normal_amounts_have_the_published_spread(name: str, std: float):
    amount = drawn(1, **EVERYTHING)[name].double() / std
    # Standard errors: 1/sqrt(n) of the mean, 1/sqrt(2n) of the spread, sqrt(96/n) of the fourth moment.
    assert amount.mean().item() == pytest.approx(0, abs=4 / COUNT**0.5)
    assert amount.std().item() == pytest.approx(1, abs=4 / (2 * COUNT) ** 0.5)
    assert amount.pow(4).mean().item() == pytest.approx(3, abs=4 * (96 / COUNT) ** 0.5)


@pytest.mark.parametrize(
    ("name", "limit"),
    [("xint_x", 0.125), ("xint_y", 0.125), ("rotate_before", pi), ("rotate_after", pi), ("hue", pi)],
)
def test_uniform_amounts_fill_their_range(name: str, limit: float):
    amount = drawn(1, **EVERYTHING)[name].double() / limit
    assert amount.abs().max() <= 1
    assert amount.abs().max() > 0.999
    assert amount.mean().item() == pytest.approx(0, abs=4 / (3 * COUNT) ** 0.5)
    assert amount.square().mean().item() == pytest.approx(1 / 3, abs=0.01)


def test_noise_is_the_size_of_a_normal_and_cutout_lies_anywhere():
    amounts = drawn(1, **EVERYTHING)
    assert amounts["noise"].min() >= 0
    assert amounts["noise"].square().mean().item() == pytest.approx(0.01, rel=0.03)
    assert (amounts["cutout"] == 0.5).all()
    for axis in ("cutout_x", "cutout_y"):
        assert amounts[axis].mean().item() == pytest.approx(0.5, abs=0.01)
        assert amounts[axis].var().item() == pytest.approx(1 / 12, abs=0.002)


def test_all_amounts_are_independent():
    amounts = drawn(1, **EVERYTHING)
    correlation = torch.corrcoef(torch.stack([a for name, a in amounts.items() if name != "cutout"]).double())
    # Some 350 pairs: five standard errors.
    assert (correlation - torch.eye(len(correlation))).abs().max() < 5 / COUNT**0.5


def test_switching_an_operation_on_changes_no_other():
    alone, together = drawn(0.5, hue=1), drawn(0.5, **EVERYTHING)
    assert list(alone) == ["hue"]
    assert torch.equal(alone["hue"], together["hue"])


def test_strengths_scale_the_amounts():
    assert torch.allclose(drawn(1, scale=1, scale_std=0.4)["scale"], 2 * drawn(1, scale=1)["scale"])


def test_the_smallest_and_largest_draws_give_finite_amounts():
    table = draw_table(AugmentParameters(**EVERYTHING))
    for draw in (2**-25, 1 - 2**-24):
        for name, amount in draw_amounts(table, torch.full([1, NUM_DRAWS], draw), torch.tensor(2.0)).items():
            assert amount.isfinite().all(), name


def test_a_percentile_opens_every_gate_but_the_second_turn():
    amounts = amounts_at(draw_table(AugmentParameters(**EVERYTHING)), 0.9, batch=3)
    assert amounts["rotate_after"].tolist() == [0, 0, 0]
    assert amounts["rotate90"].tolist() == [3, 3, 3]
    assert amounts["hue"].tolist() == pytest.approx([0.8 * pi] * 3)
