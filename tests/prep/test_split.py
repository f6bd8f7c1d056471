import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatune.errors import UsageError
from adatune.prep.split import choose_validation, validation_name

_PHOTOS = [f"people/{index:05d}.jpg" for index in range(4000)]


@given(st.sets(st.text()), st.sets(st.text()), st.floats(0, 0.99))
def test_adding_photos_moves_none_to_the_other_side(some: set[str], more: set[str], share: float) -> None:
    before, after = choose_validation(some, share), choose_validation(some | more, share)
    assert after & some == before


@given(st.sets(st.text()), st.floats(0, 0.99), st.floats(0, 0.99))
def test_a_larger_share_keeps_what_a_smaller_one_chose(names: set[str], one: float, other: float) -> None:
    assert choose_validation(names, min(one, other)) <= choose_validation(names, max(one, other))


@pytest.mark.parametrize("share", [0.02, 0.1, 0.25, 0.5])
def test_the_share_is_met_within_four_standard_deviations_of_a_coin(share: float) -> None:
    expected, deviation = 4000 * share, math.sqrt(4000 * share * (1 - share))
    assert abs(len(choose_validation(_PHOTOS, share)) - expected) < 4 * deviation


def test_the_chosen_photos_are_spread_evenly_over_runs_of_names() -> None:
    chosen = choose_validation(_PHOTOS, 0.1)
    counts = [sum(name in chosen for name in _PHOTOS[start : start + 400]) for start in range(0, 4000, 400)]
    assert (
        sum((count - 40) ** 2 / 36 for count in counts) < 29.6
    )  # chi squared, 10 degrees, one in a thousand


def test_no_share_chooses_nothing() -> None:
    assert choose_validation(_PHOTOS, 0) == set()


@pytest.mark.parametrize("share", [-0.1, 1, 10, math.nan])
def test_what_is_no_share_is_refused(share: float) -> None:
    with pytest.raises(UsageError, match=r"--validation .* is no share"):
        choose_validation(_PHOTOS, share)


@pytest.mark.parametrize("step", [1, 12, 25])
def test_frames_lie_on_one_side_for_whole_stretches_of_time(step: int) -> None:
    frames = list(range(0, 10_000, step))
    chosen = choose_validation([f"clip.mp4#{frame:06d}" for frame in frames], 0.1)
    sides = [f"clip.mp4#{frame:06d}" in chosen for frame in frames]
    assert sum(before != after for before, after in pairwise(sides)) <= 2 * 10
    assert len(chosen) == pytest.approx(len(frames) / 10, abs=0.02 * len(frames))


def test_a_frame_is_on_the_same_side_whatever_frames_are_taken() -> None:
    dense = choose_validation([f"clip.mp4#{frame:06d}" for frame in range(5000)], 0.2)
    sparse = [f"clip.mp4#{frame:06d}" for frame in range(0, 5000, 30)]
    assert choose_validation(sparse, 0.2) == dense & set(sparse)


def test_two_videos_keep_different_times_apart() -> None:
    first, second = (
        {int(name[-6:]) for name in choose_validation([f"{clip}#{i:06d}" for i in range(1000)], 0.1)}
        for clip in ("a.mp4", "b.mp4")
    )
    assert first != second
    assert len(first) == len(second) == 100


def test_composed_and_decomposed_names_are_one_photo() -> None:
    composed, decomposed = (
        {name[-5:] for name in choose_validation([f"{prefix}{i:05d}" for i in range(200)], 0.5)}
        for prefix in ("caf\u00e9", "cafe\u0301")
    )
    assert composed == decomposed


def test_the_sides_of_these_photos_are_the_same_in_every_version() -> None:
    names = ["a.jpg", "b.jpg", "people/c.jpg", "d\udcff.jpg", "clip.mp4#000000", "clip.mp4#000500"]
    assert choose_validation(names, 0.5) == {"people/c.jpg", "clip.mp4#000000"}


def test_the_validation_set_is_named_after_its_dataset() -> None:
    assert validation_name("faces") == "faces-validation"
