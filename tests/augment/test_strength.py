"""The ADA controller: direction, exact speed, limits, and going on as if never stopped."""

import math

import pytest
import torch

from adatune.augment.strength import AugmentStrength, next_p

SURE, UNSURE = torch.full([16, 1], 3.0), torch.full([16, 1], -3.0)


def adjusted(strength: AugmentStrength, logits: torch.Tensor, times: int = 1, batch: int = 16) -> float:
    for _ in range(times):
        strength.observe(logits)
        strength.adjust(batch)
    return strength.p


def test_p_moves_by_batch_times_interval_over_ada_kimg_at_each_adjustment():
    strength = AugmentStrength(interval=4, ada_kimg=100)
    assert adjusted(strength, SURE) == 16 * 4 / 100_000
    assert adjusted(strength, SURE) == 2 * 16 * 4 / 100_000
    assert adjusted(strength, UNSURE) == 16 * 4 / 100_000


def test_eleven_steps_up_give_the_published_number():
    # curves.json: p after 64 steps of batch 16 with ada_kimg 100, 11 adjustments up (net) in float32.
    assert adjusted(AugmentStrength(ada_kimg=100), SURE, times=11) == pytest.approx(
        0.007040000520646572, rel=1e-6
    )


def test_p_falls_no_lower_than_zero_and_rises_no_higher_than_p_max():
    assert adjusted(AugmentStrength(ada_kimg=0.5), UNSURE, times=3) == 0
    assert adjusted(AugmentStrength(ada_kimg=0.5, p_max=0.25), SURE, times=3) == 0.25


def test_p_stays_when_r_t_is_on_target():
    p, r_t = torch.tensor(0.3), torch.tensor(0.6, dtype=torch.float64)
    assert next_p(p, r_t, 0.6, images=64, ada_kimg=100, p_max=0.8) == p


def test_r_t_is_the_mean_sign_of_all_logits_since_the_last_adjustment():
    strength = AugmentStrength()
    strength.observe(torch.tensor([1.0, 2.0, -3.0, 0.0]))
    strength.observe(torch.tensor([[4.0], [5.0]]))
    assert strength.r_t is None
    strength.adjust(16)
    assert strength.r_t == 3 / 6
    strength.observe(torch.tensor([-1.0]))
    strength.adjust(16)
    assert strength.r_t == -1


def test_logits_that_are_not_finite_are_left_out():
    strength = AugmentStrength()
    strength.observe(torch.tensor([math.nan, math.inf, -math.inf, 1.0]))
    strength.adjust(16)
    assert strength.r_t == 1


def test_nothing_changes_where_no_logit_was_finite():
    strength = AugmentStrength(initial=0.2)
    adjusted(strength, UNSURE)
    before = strength.p, strength.r_t
    adjusted(strength, torch.full([4], math.nan))
    strength.adjust(16)
    assert (strength.p, strength.r_t) == before


def test_a_fixed_strength_stays_but_r_t_is_measured():
    strength = AugmentStrength(fixed=0.9, p_max=0.8)
    assert adjusted(strength, SURE, times=5) == 0.9
    assert strength.r_t == 1


def test_a_start_above_the_cap_is_capped():
    assert AugmentStrength(initial=0.95, p_max=0.8).p == 0.8


def test_a_continued_strength_equals_one_never_stopped():
    generator = torch.manual_seed(1)
    batches = [torch.randn(8, generator=generator) + 0.9 for _ in range(40)]
    whole, first = AugmentStrength(initial=0.3), AugmentStrength(initial=0.3)
    for step, logits in enumerate(batches):
        whole.observe(logits)
        if step % 4 == 3:
            whole.adjust(8)
    for step, logits in enumerate(batches[:18]):  # between two adjustments
        first.observe(logits)
        if step % 4 == 3:
            first.adjust(8)
    second = AugmentStrength()
    second.load_state_dict(first.state_dict())
    for step, logits in enumerate(batches[18:], start=18):
        second.observe(logits)
        if step % 4 == 3:
            second.adjust(8)
    assert second.state_dict() == whole.state_dict()


def test_observing_keeps_no_graph():
    strength = AugmentStrength()
    strength.observe(torch.randn(4, requires_grad=True))
    assert not strength.totals.requires_grad
