from dataclasses import replace

import numpy as np
import pytest

from adatune.prep.config import PrepConfig
from adatune.prep.judge import REASONS, judge, judge_all
from adatune.prep.record import Record

GOOD = Record(
    "a.jpg", width=900, height=900, faces=1, score=1.0, eye_px=128, upscale=1.0, blur=1.0, colour=(20, 12, 14)
)


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
        ({"occlusion": 0.99}, "occluded"),
        ({"blur": 99.0}, "blurred"),
        ({"blur": 99.0, "occlusion": 0.99, "upscale": 9.0}, "small-face"),
        ({"blur": 99.0, "occlusion": 0.99}, "blurred"),
        ({"exposure": 0.99}, "exposure"),
        ({"invented": 0.9}, "border"),
        ({"invented": 0.9, "blur": 99.0, "box_by_hand": True}, ""),
        ({"problem": "unreadable", "box_by_hand": True}, "unreadable"),
    ],
)
def test_a_face_is_rejected_for_the_first_reason_that_holds(change: dict[str, object], reason: str) -> None:
    assert judge(replace(GOOD, **change), PrepConfig()) == reason
    assert reason in {"", *REASONS}


def test_several_faces_matter_only_where_a_single_one_was_asked_for() -> None:
    pair = replace(GOOD, faces=2)
    assert judge(pair, PrepConfig()) == judge(pair, PrepConfig(faces="all")) == ""
    assert judge(pair, PrepConfig(faces="single")) == "several-faces"


def _row(name: str, **change: object) -> Record:
    """A record that looks like no other: its fingerprint is noise drawn by its name."""
    noise = np.random.default_rng(list(name.encode())).integers(0, 256, (32, 32), np.uint8)
    return replace(GOOD, source=name, fingerprint=noise.tobytes().hex(), **change)


def _mirrored(fingerprint: str) -> str:
    return np.frombuffer(bytes.fromhex(fingerprint), np.uint8).reshape(32, 32)[:, ::-1].tobytes().hex()


def test_the_sharpest_file_of_a_picture_stands_for_all() -> None:
    sharp = _row("sharp.jpg")
    soft = replace(sharp, source="soft.jpg", blur=2.0)
    flipped = replace(soft, source="flipped.jpg", fingerprint=_mirrored(soft.fingerprint))
    rows = judge_all([soft, sharp, flipped, _row("other.jpg")], PrepConfig())
    assert [row.reason for row in rows] == ["duplicate", "", "duplicate", ""]
    assert rows[0].repeats == rows[2].repeats == "sharp.jpg"
    assert [row.reason for row in judge_all([soft, sharp], PrepConfig(keep_duplicates=True))] == ["", ""]


def test_faces_of_one_photo_are_no_duplicates_but_share_the_fate_of_their_photo() -> None:
    first = _row("pair.jpg", faces=2)
    second = replace(first, face=1)
    config = PrepConfig(faces="all")
    assert [row.reason for row in judge_all([first, second], config)] == ["", ""]
    copies = [replace(record, source="copy.jpg", blur=2.0) for record in (first, second)]
    rows = judge_all([first, second, *copies], config)
    assert [row.reason for row in rows] == ["", "", "duplicate", "duplicate"]


def test_the_user_has_the_last_word_and_the_program_is_remembered() -> None:
    records = [_row("a.jpg"), _row("b.jpg", blur=99.0), Record("c.jpg", "no-face"), _row("d.jpg")]
    decisions = {("a.jpg", 0): False, ("b.jpg", 0): True, ("c.jpg", 0): True, ("d.jpg", 0): True}
    rows = judge_all(records, PrepConfig(), decisions)
    assert [row.reason for row in rows] == ["review", "", "no-face", ""]
    assert [row.reviewed for row in rows] == ["drop", "keep", "", "keep"]
    assert [row.judged for row in rows] == ["", "blurred", "no-face", ""]


def test_a_dropped_photo_takes_its_copies_with_it() -> None:
    best = _row("best.jpg")
    copy = replace(best, source="copy.jpg", blur=2.0)
    rows = judge_all([best, copy], PrepConfig(), {("best.jpg", 0): False})
    assert [row.reason for row in rows] == ["review", "duplicate"]


def test_a_grey_photo_is_odd_among_coloured_ones_and_not_among_its_like() -> None:
    coloured = [_row(f"{i}.jpg", colour=(20.0 + i % 3, 12.0 + i % 2, 15.0 + (i * 7) % 3)) for i in range(20)]
    grey = [_row(f"grey{i}.jpg", colour=(0.5, 0.1 * (i % 2), 0.1)) for i in range(20)]
    rows = judge_all([*coloured, grey[0]], PrepConfig())
    assert [row.record.source for row in rows if row.reason == "colour"] == ["grey0.jpg"]
    assert not any(row.reason for row in judge_all(grey, PrepConfig()))


def test_enlarged_photos_and_closed_eyes_are_kept_with_a_warning() -> None:
    (row,) = judge_all([_row("a.jpg", upscale=1.8, eyes=0.05)], PrepConfig())
    assert (row.reason, row.warnings) == ("", ("enlarged 1.8 times", "eyes closed?"))
    assert judge_all([_row("a.jpg")], PrepConfig())[0].warnings == ()
