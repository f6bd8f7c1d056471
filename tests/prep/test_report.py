import json
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import cycle, islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatune.errors import DatasetError
from adatune.prep.config import PrepConfig
from adatune.prep.manifest import Row
from adatune.prep.record import Record
from adatune.prep.report import DatasetReport, dataset_report, from_json, pixels_across

_FACE = Record("a.jpg", faces=1, score=0.99, eye_px=200, upscale=0.5, blur=1.0, colour=(20.0, 10.0, 10.0))


def rows_of(records: Sequence[Record], **changes: Any) -> list[Row]:
    named = [replace(record, source=f"{index}.jpg") for index, record in enumerate(records)]
    return [Row(record, **changes) for record in named]


def faces(**columns: Sequence[Any]) -> list[Row]:
    count = max(map(len, columns.values()))
    filled = {name: list(islice(cycle(values), count)) for name, values in columns.items()}
    return rows_of([replace(_FACE, **{name: filled[name][i] for name in filled}) for i in range(count)])


def test_photos_faces_and_reasons_are_counted() -> None:
    rows = [
        *faces(yaw=[0, 1, 2]),
        Row(Record("0.jpg", face=1), "small-face"),
        Row(Record("x.jpg"), "no-face"),
    ]
    report = dataset_report([*rows, Row(Record("y.jpg"), "no-face")], PrepConfig())
    assert (report.photos, report.found, report.kept, report.validation) == (5, 6, 3, 0)
    assert list(report.reasons.items()) == [("no-face", 2), ("small-face", 1)]


def test_pictures_for_validation_are_counted_apart() -> None:
    rows = [
        replace(row, split="validation" if index < 2 else "train")
        for index, row in enumerate(faces(yaw=[0] * 9))
    ]
    report = dataset_report(rows, PrepConfig(validation=0.2))
    assert (report.kept, report.validation, sum(report.pixels.values())) == (7, 2, 9)


def test_sizes_are_those_of_the_photo_across_the_crop() -> None:
    across = [100, 255.9, 256, 511, 512, 900, 1024, 5000]
    report = dataset_report(faces(upscale=[512 / pixels for pixels in across]), PrepConfig(size=512))
    assert list(report.pixels.values()) == [1, 1, 2, 2, 1, 1]
    assert list(report.pixels) == [
        "under 128",
        "128 to 255",
        "256 to 511",
        "512 to 1023",
        "1024 to 2047",
        "2048 and more",
    ]
    assert report.enlarged == {"256": 1, "512": 4, "1024": 6}
    assert report.largest_enlargement == 5.12


@given(st.sampled_from([64, 256, 512, 1024]), st.floats(30, 5000), st.sampled_from(["4:5", "1:1", "16:9"]))
def test_pixels_across_do_not_depend_on_the_size_asked_for(size: int, width: float, ratio: str) -> None:
    config = PrepConfig(size=size, ratio=ratio)
    record = Record("a.jpg", upscale=size / width)
    narrow = width if ratio != "16:9" else width * 9 / 16
    assert pixels_across(record, config) == pytest.approx(narrow)


def test_heads_are_counted_by_where_they_look() -> None:
    report = dataset_report(
        faces(yaw=[-40, -20, -6, -4, 4.9, 5, 15, 24, 80], pitch=[-20, 0, 7]), PrepConfig()
    )
    assert list(report.yaw.values()) == [1, 1, 1, 2, 1, 2, 1]
    assert next(iter(report.yaw)) == "left over 25°"
    assert list(report.yaw)[2:5] == ["left 5 to 15°", "frontal within 5°", "right 5 to 15°"]
    assert list(report.pitch.values()) == [3, 0, 3, 3, 0]
    assert list(report.pitch)[:3] == ["lowered over 15°", "lowered 5 to 15°", "level within 5°"]


def test_blur_eyes_colour_and_border_are_summed_up_over_the_kept_faces() -> None:
    rows = faces(
        blur=[float(value) for value in range(11)],
        eyes=[0.1, *[1.0] * 10],
        colour=[(1.0, 0.0, 0.0), (2.0, 0.0, 0.0), *[(30.0, 0.0, 0.0)] * 9],
        invented=[0.3, 0.2, 0.1, *[0.0] * 8],
    )
    rejected = Row(
        replace(_FACE, source="z.jpg", blur=99.0, eyes=0.0, colour=(0.0, 0.0, 0.0), invented=1), "blurred"
    )
    report = dataset_report([*rows, rejected], PrepConfig())
    assert report.blur == {"10% below": 1, "half below": 5, "90% below": 9}
    assert (report.eyes_closed, report.grey, report.cut_off) == (1, 2, 3)


def test_without_faces_sizes_are_told_and_poses_are_not() -> None:
    report = dataset_report(
        rows_of([Record("a.jpg", upscale=0.5), Record("b.jpg", upscale=2)]), PrepConfig(align="none")
    )
    assert (report.enlarged["512"], report.yaw, report.pitch, report.blur, report.grey) == (1, {}, {}, {}, 0)
    text = "\n".join(report.lines())
    assert "Photo pixels across the crop" in text
    assert "Heads" not in text


def test_classes_are_counted_with_those_that_have_no_photo() -> None:
    rows = [replace(row, label="cat") for row in faces(yaw=[0] * 3)]
    rows[0] = replace(rows[0], split="validation")
    assert dataset_report(rows, PrepConfig(), ("cat", "dog")).classes == {"cat": 2, "dog": 0}


def test_a_report_survives_being_kept() -> None:
    report = dataset_report(
        [*faces(yaw=[-20, 0, 20] * 20), Row(Record("x.jpg"), "no-face")], PrepConfig(), ("cat",)
    )
    kept = json.loads(json.dumps(report.as_json()))
    assert from_json(kept) == report
    assert list(kept) == [field.name for field in fields(DatasetReport)]


def test_a_dataset_of_an_earlier_version_says_what_to_do() -> None:
    with pytest.raises(DatasetError, match="Type the command that prepared it again"):
        from_json({"size": 512})


def test_lines_are_aligned_with_bars_in_proportion() -> None:
    text = dataset_report([*faces(yaw=[-20] + [0] * 4 + [8] * 2)], PrepConfig()).lines()
    start = text.index("Heads turned (of the picture)")
    bars = text[start + 1 : start + 8]
    assert bars[3] == "  frontal within 5°  4  " + "█" * 30
    assert bars[4] == "  right 5 to 15°     2  " + "█" * 15
    assert bars[1] == "  left 15 to 25°     1  " + "█" * 7 + "▌"
    assert bars[0] == "  left over 25°      0"


@given(
    st.lists(
        st.tuples(st.floats(0.1, 20), st.floats(-90, 90), st.sampled_from(["", "no-face", "blurred"])),
        max_size=20,
    )
)
def test_any_dataset_can_be_reported(found: list[tuple[float, float, str]]) -> None:
    rows = [
        Row(replace(_FACE, source=f"{i}.jpg", upscale=u, yaw=y), reason)
        for i, (u, y, reason) in enumerate(found)
    ]
    report = dataset_report(rows, PrepConfig())
    assert report.kept + sum(report.reasons.values()) == report.found == len(rows)
    assert sum(report.yaw.values()) == sum(report.pixels.values()) == report.kept
    assert all(len(line) <= 100 for line in report.lines())
