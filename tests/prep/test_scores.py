import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatune.prep.config import PrepConfig
from adatune.prep.judge import judge
from adatune.prep.manifest import Row
from adatune.prep.record import Record
from adatune.prep.scores import Score, measured

GOOD = Record("a.jpg", width=900, height=900, faces=1, score=0.99, upscale=1.0, blur=1.0)
REASON_OF = {
    "upscale": "small-face",
    "blur": "blurred",
    "exposure": "exposure",
    "yaw": "not-frontal",
    "pitch": "not-frontal",
    "occlusion": "occluded",
    "border": "border",
}


def _measured(config: PrepConfig | None = None, **fields) -> dict[str, Score]:
    record = Record(**{**GOOD.__dict__, **fields})
    return {score.key: score for score in measured(Row(record), config or PrepConfig())}


@given(
    upscale=st.floats(0, 9),
    blur=st.floats(0, 9),
    exposure=st.floats(0, 1),
    yaw=st.floats(-90, 90),
    pitch=st.floats(-90, 90),
    occlusion=st.floats(0, 1),
    invented=st.floats(0, 1),
)
def test_a_score_is_over_its_limit_exactly_when_the_judge_says_so(**fields: float) -> None:
    record = Record(**{**GOOD.__dict__, **fields})
    over = {score.key for score in measured(Row(record), PrepConfig()) if score.level == "over"}
    reason = judge(record, PrepConfig())
    assert bool(over) == bool(reason)
    assert not reason or reason in {REASON_OF[key] for key in over}


def test_the_share_of_the_limit_and_the_limit_in_words_are_those_of_the_settings() -> None:
    score = _measured(PrepConfig(max_blur=8.0), blur=6.0)["blur"]
    assert (score.share, score.limit, score.text, score.level) == (0.75, "limit 8 px", "6.0 px", "")


def test_a_limit_of_zero_is_crossed_by_anything_and_divides_nothing() -> None:
    scores = _measured(PrepConfig(max_occlusion=0.0, max_blur=0.0), occlusion=0.1, blur=0.0)
    assert scores["occlusion"].level == "over"
    assert scores["blur"].level == ""
    assert all(math.isfinite(score.share or 0) for score in scores.values())


def test_what_only_warns_is_marked_as_a_warning() -> None:
    scores = _measured(upscale=2.0, eyes=0.1)
    assert (scores["upscale"].level, scores["eyes"].level) == ("warn", "warn")


@pytest.mark.parametrize(("angle", "text"), [(12.4, "+12°"), (-7.0, "−7°"), (0.2, "0°"), (-0.2, "0°")])
def test_angles_have_a_sign_unless_they_are_zero(angle: float, text: str) -> None:
    assert _measured(yaw=angle)["yaw"].text == text


def test_nothing_was_measured_without_a_face_and_only_the_size_without_alignment() -> None:
    assert measured(Row(Record("a.jpg", "no-face"), "no-face"), PrepConfig()) == []
    assert list(_measured(PrepConfig(align="none"))) == ["upscale"]


def test_colours_are_marked_where_they_are_the_reason() -> None:
    row = Row(GOOD, "colour")
    chroma = next(score for score in measured(row, PrepConfig()) if score.key == "chroma")
    assert (chroma.level, chroma.is_detail) == ("over", False)


def test_a_second_opinion_is_shown_where_there_is_one() -> None:
    assert "second" not in _measured()
    assert _measured(second=0.87)["second"].text == "0.870"
