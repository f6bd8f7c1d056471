"""Philox against the authors' known answers; the draws against their distributions."""

from collections.abc import Callable

import pytest
import torch

from adatune.random import normal, philox, uniform

Draw = Callable[..., torch.Tensor]

# kat_vectors of the Random123 library: counter, key, result.
KNOWN_ANSWERS = [
    ([0] * 4, [0] * 2, [0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8]),
    ([0xFFFFFFFF] * 4, [0xFFFFFFFF] * 2, [0x408F276D, 0x41C83B0E, 0xA20BC7C6, 0x6D5451FD]),
    (
        [0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344],
        [0xA4093822, 0x299F31D0],
        [0xD16CFE09, 0x94FDCCEB, 0x5001E420, 0x24126EA1],
    ),
]


@pytest.mark.parametrize(("counter", "key", "expected"), KNOWN_ANSWERS)
def test_philox_gives_the_published_answers(counter: list[int], key: list[int], expected: list[int]) -> None:
    words = philox(tuple(torch.tensor([word]) for word in counter), tuple(key))
    assert [int(word) for word in words] == expected


def test_a_draw_does_not_depend_on_its_batch() -> None:
    together = normal(7, 3, 1, torch.arange(6), 33)
    alone = torch.cat([normal(7, 3, 1, torch.tensor([sample]), 33) for sample in range(6)])
    assert torch.equal(together, alone)


def test_a_longer_uniform_draw_starts_with_the_shorter_one() -> None:
    assert torch.equal(uniform(7, 3, 1, torch.arange(2), 100)[:, :10], uniform(7, 3, 1, torch.arange(2), 10))


@pytest.mark.parametrize("draw", [uniform, normal])
@pytest.mark.parametrize("step", [0, 3, 2**40 + 9, 2**56 - 1])
def test_a_step_on_the_device_draws_what_the_same_number_draws(draw: Draw, step: int) -> None:
    samples = torch.arange(0, 12, 3)
    assert torch.equal(draw(7, step, 1, samples, 9), draw(7, torch.tensor(step), 1, samples, 9))


def test_the_pieces_of_a_large_draw_do_not_show() -> None:
    whole, part = uniform(7, 3, 1, torch.arange(64), 5000), uniform(7, 3, 1, torch.arange(63, 64), 5000)
    assert torch.equal(whole[63:], part)


@pytest.mark.parametrize("draw", [uniform, normal])
@pytest.mark.parametrize(("batch", "count"), [(0, 5), (2, 0), (3, 1)])
def test_a_draw_has_the_shape_that_was_asked_for(draw: Draw, batch: int, count: int) -> None:
    assert draw(7, 3, 1, torch.arange(batch), count).shape == (batch, count)


@pytest.mark.parametrize("other", [(8, 3, 1), (7, 4, 1), (7, 3, 2), (7, 3 + 2**32, 1), (7 + 2**32, 3, 1)])
def test_seed_step_and_purpose_each_change_every_draw(other: tuple[int, int, int]) -> None:
    first, second = uniform(7, 3, 1, torch.arange(4), 64), uniform(*other, torch.arange(4), 64)
    assert (first != second).float().mean() > 0.99


def test_uniform_draws_are_uniform_and_never_zero_or_one() -> None:
    u = uniform(0, 0, 0, torch.arange(64), 4096)
    assert u.min() > 0
    assert u.max() < 1
    histogram = torch.histc(u, bins=64, min=0, max=1)
    chi_square = ((histogram - 4096) ** 2 / 4096).sum()
    assert chi_square < 63 + 5 * (2 * 63) ** 0.5  # five standard deviations of chi-square with 63 degrees


def test_normal_draws_have_the_moments_of_a_standard_normal() -> None:
    x = normal(0, 0, 0, torch.arange(64), 4096).double()
    count = x.numel()
    # Five standard errors: Var(x) = 1, Var(x^2) = 2, Var(x^4) = 96.
    assert x.mean().abs() < 5 / count**0.5
    assert (x.square().mean() - 1).abs() < 5 * (2 / count) ** 0.5
    assert (x.pow(4).mean() - 3).abs() < 5 * (96 / count) ** 0.5
