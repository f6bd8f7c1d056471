from dataclasses import replace

import pytest

from adatune.prep.config import PrepConfig
from adatune.prep.judge import REASONS, judge
from adatune.prep.record import Record

GOOD = Record("a.jpg", width=900, height=900, faces=1, score=1.0, eye_px=128, upscale=1.0, blur=1.0)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, ""),
        ({"problem": "unreadable", "upscale": 9.0}, "unreadable"),
        ({"problem": "no-face"}, "no-face"),
        ({"upscale": 3.01}, "small-face"),
        ({"upscale": 3.0}, ""),
        ({"yaw": -35.5}, "not-frontal"),
        ({"yaw": 35.0, "pitch": -30.0}, ""),
        ({"pitch": 31.0}, "not-frontal"),
        ({"roll": 170.0}, ""),
        ({"occlusion": 0.9}, "occluded"),
        ({"blur": 9.0}, "blurred"),
        ({"invented": 0.6}, "border"),
    ],
)
def test_a_photo_is_rejected_for_the_first_reason_that_holds(change: dict[str, object], reason: str) -> None:
    assert judge(replace(GOOD, **change), PrepConfig()) == reason
    assert reason in {"", *REASONS}
