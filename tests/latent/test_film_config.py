"""Settings of films: what contradicts itself is refused, what is left out is decided."""

from pathlib import Path

import pytest

from adatune.errors import UsageError
from adatune.latent.film_config import FilmConfig, name_of_keys, parse_keys


def test_keys_are_seeds_ranges_and_files_in_their_order_and_may_return():
    assert parse_keys("1,5-7,me.npz,1") == [1, 5, 6, 7, Path("me.npz"), 1]
    assert parse_keys(" 3 , a/b-1.npy ") == [3, Path("a/b-1.npy")]


@pytest.mark.parametrize("text", ["", "1,", "7-5", "4294967296", "1 2"])
def test_keys_that_cannot_be_are_refused(text):
    with pytest.raises(UsageError, match=r"--seeds|Seed"):
        parse_keys(text)


def test_a_film_lasts_two_seconds_from_key_to_key_unless_it_is_told():
    assert FilmConfig().frame_count(4) == 240
    assert FilmConfig(motion="walk").frame_count(6) == 600
    assert FilmConfig(motion="sweep").frame_count(2) == 240
    assert FilmConfig(motion="sweep", is_loop=False).frame_count(1) == 120
    assert FilmConfig(seconds=1.5, frames_per_second=10).frame_count(4) == 15
    assert FilmConfig(seconds=0.001).frame_count(4) == 2


def test_a_sweep_turns_softly_and_other_films_go_evenly():
    assert FilmConfig().pace == "linear"
    assert FilmConfig(motion="sweep").pace == "smooth"
    assert FilmConfig(motion="sweep", easing="linear").pace == "linear"


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"seconds": 0.0}, "--seconds is 0.0"),
        ({"seconds": float("nan")}, "--seconds is nan"),
        ({"seconds": float("inf")}, "--seconds is inf"),
        ({"frames_per_second": 0.0}, "--fps is 0.0"),
        ({"frames_per_second": 1000.0}, "--fps is 1000.0"),
        ({"easing": "bouncy"}, "--easing bouncy is unknown"),
        ({"motion": "walk", "is_cubic": True}, "--cubic is a way from key to key, and --walk"),
        ({"motion": "sweep", "is_cubic": True}, "--cubic is a way from key to key, and --truncation-sweep"),
        ({"space": "z", "is_cubic": True}, "--cubic moves in w"),
        ({"space": "w", "motion": "walk"}, "--walk moves in z"),
        ({"space": "z", "motion": "sweep"}, "--truncation-sweep moves in w"),
        ({"easing": "smooth", "motion": "walk"}, "--easing acts between keys"),
    ],
)
def test_settings_that_contradict_themselves_are_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        FilmConfig(**settings)


@pytest.mark.parametrize(
    ("settings", "keys", "words"),
    [
        ({"motion": "walk"}, [1, 2], "--walk shows one key, and --seeds lists 2"),
        ({"motion": "sweep"}, [1, 2, 3], "--truncation-sweep shows one key, and --seeds lists 3"),
        ({"motion": "walk"}, [Path("a.npz")], "--walk moves in z, and a.npz holds a w"),
        ({"space": "z"}, [1, Path("a.npz")], "--space z moves in z, and a.npz holds a w"),
        ({"seconds": 0.1}, [1, 2, 3, 4], "fewer frames than its 4 keys"),
        ({}, range(20000), "would have 1,200,000 frames"),
    ],
)
def test_keys_that_do_not_fit_the_film_are_refused(settings, keys, words):
    with pytest.raises(UsageError, match=words):
        FilmConfig(**settings).check_keys(keys)


def test_a_name_says_what_is_shown_and_stays_short():
    assert name_of_keys([1, 5, Path("a/me.npz")], FilmConfig()) == "video-1-5-me"
    assert name_of_keys(range(20), FilmConfig()) == "video-0-1-17more-19"
    assert name_of_keys([7], FilmConfig(motion="walk")) == "walk-7"
