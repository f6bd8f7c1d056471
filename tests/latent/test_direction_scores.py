"""Directions from scores: with a score that can be measured again, the brightness of the picture."""

import numpy as np
import pytest

import adatune
from adatune.errors import UsageError
from adatune.latent.direction_scores import both_ends, check_ends, score_seeds
from adatune.latent.direction_search import direction_from_seeds
from adatune.latent.directions import draw_moves
from adatune.latent.sampling import SamplingConfig


def brightness(pictures):
    return [float(np.asarray(picture).mean()) for picture in pictures]


@pytest.fixture(scope="module")
def model():
    return adatune.load("demo32")


@pytest.fixture(scope="module")
def scores(model):
    return dict(score_seeds(model, range(100), brightness))


@pytest.mark.parametrize("method", ["means", "svm"])
def test_the_direction_raises_what_was_scored_in_pictures_of_other_seeds(model, scores, method):
    ends = both_ends(scores, check_ends(100, 0.2))
    found = direction_from_seeds(model, "demo32", "light", *ends, method, about={"text": "bright"})
    assert found.details["left_out_accuracy"] >= 0.8
    assert found.details["text"] == "bright"
    moves = [(seed, 0, strength) for seed in range(1000, 1010) for strength in (-2.0, 0.0, 2.0)]
    moved = np.array(brightness(draw_moves(model, found, moves, SamplingConfig()))).reshape(-1, 3)
    spread = np.std(list(scores.values()))
    assert (np.diff(moved) > 0.5 * spread).all()


def test_each_seed_is_scored_by_the_picture_that_generate_draws(model, scores):
    assert list(scores) == list(range(100))
    assert scores[17] == brightness(adatune.generate(model, [17]))[0]


def test_both_ends_are_in_order_and_apart():
    scores = {10: 0.5, 11: 0.9, 12: 0.1, 13: 0.7, 14: 0.3}
    assert both_ends(scores, 2) == ([11, 13], [14, 12])
    with pytest.raises(UsageError, match="score the same at both ends"):
        both_ends(dict.fromkeys(range(10), 1.0), 5)


def test_ends_that_are_too_small_or_overlap_are_refused():
    assert check_ends(512, 0.1) == 51
    for share in (0, 0.6, float("nan")):
        with pytest.raises(UsageError, match=r"is out of range: above 0, and 0.5 at most"):
            check_ends(512, share)
    with pytest.raises(UsageError, match=r"--share 0.1 of 40 seeds is 4 at each end"):
        check_ends(40, 0.1)
