"""Lists of seeds and the latents they stand for."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from adatune.errors import UsageError
from adatune.latent.seeds import MAX_SEED, check_seed, latents_of_seeds, parse_seeds


def test_numbers_and_ranges_are_listed_in_order_and_once():
    assert parse_seeds("0-3,100") == [0, 1, 2, 3, 100]
    assert parse_seeds(" 7 , 5 - 8,7") == [7, 5, 6, 8]
    assert parse_seeds("4294967295") == [MAX_SEED]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("5-1", "runs backwards. Write 1-5"),
        ("", "a number is missing"),
        ("1,,2", "a number is missing"),
        ("1-", "'1-' is neither a number nor a range"),
        ("-5", "neither a number nor a range"),
        ("a", "neither a number nor a range"),
        ("1.5", "neither a number nor a range"),
        ("4294967296", "out of range"),
        ("0-4294967295", "more than 1,000,000 pictures"),
    ],
)
def test_a_list_that_cannot_be_right_is_refused_with_its_reason(text, words):
    with pytest.raises(UsageError, match=words):
        parse_seeds(text)


@given(st.lists(st.integers(0, MAX_SEED), min_size=1, max_size=5, unique=True))
def test_any_list_of_seeds_reads_back(seeds):
    assert parse_seeds(",".join(map(str, seeds))) == seeds


@given(st.text(max_size=12))
def test_any_text_is_a_list_or_a_usage_error(text):
    try:
        seeds = parse_seeds(text)
    except UsageError:
        return
    assert seeds


def test_latents_are_those_of_numpys_old_generator():
    latents = latents_of_seeds([0, MAX_SEED], 512)
    assert latents.dtype == torch.float32
    for latent, seed in zip(latents, (0, MAX_SEED), strict=True):
        assert np.array_equal(latent.numpy(), np.random.RandomState(seed).randn(1, 512)[0].astype(np.float32))


def test_no_seed_gives_no_latent_and_a_seed_out_of_range_is_refused():
    assert latents_of_seeds([], 8).shape == (0, 8)
    for seed in (-1, MAX_SEED + 1):
        with pytest.raises(UsageError, match="out of range"):
            check_seed(seed)
