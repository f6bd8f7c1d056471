import csv
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatune.errors import ReviewError
from adatune.prep.review import Box, read_crops, read_review, review_text, unknown_sources

# Every name that a file system can hand over: bytes without a zero, decoded as Python does.
NAMES = st.binary(min_size=1, max_size=40).map(lambda name: os.fsdecode(name.replace(b"\0", b"0")))
AWKWARD = [
    "two\nlines.jpg",
    "carriage\r\nreturn.jpg",
    'a "quoted", name.jpg',
    "<script>alert(1)</script>.jpg",
    "caf\udce9 latin-1.jpg",
    "back\\slash\\u0041.jpg",
    "=1+1.jpg",
    " spaces at both ends ",
    "semi;colon\ttab.jpg",
    "雪と桜 👩🏽‍🎨.jpg",
    "line\u2028separator.jpg",
    "clip.mp4#000120",
]


def _write(tmp_path: Path, content: str | bytes) -> Path:
    path = tmp_path / "review.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def _mistake(tmp_path: Path, content: str | bytes, *, crops: bool = False) -> str:
    with pytest.raises(ReviewError) as caught:
        (read_crops if crops else read_review)(_write(tmp_path, content))
    return str(caught.value)


@given(decisions=st.dictionaries(st.tuples(NAMES, st.integers(0, 99)), st.booleans(), max_size=8))
def test_any_file_name_survives_writing_and_reading(tmp_path_factory, decisions) -> None:
    text = review_text(decisions)
    path = _write(tmp_path_factory.mktemp("review"), text)
    assert read_review(path) == decisions


def test_what_is_written_is_one_plain_line_a_face_for_any_program() -> None:
    text = review_text({(name, 0): True for name in AWKWARD})
    assert text.splitlines()[0] == "source,face,decision"
    assert len(text.splitlines()) == len(AWKWARD) + 1
    assert [len(row) for row in csv.reader(text.splitlines())] == [3] * (len(AWKWARD) + 1)
    assert not any(line.startswith("=") for line in text.splitlines())


def test_what_a_spreadsheet_makes_of_it_reads_the_same(tmp_path: Path) -> None:
    decisions = {(name, index % 2): index % 3 == 0 for index, name in enumerate(AWKWARD)}
    rows = list(csv.reader(review_text(decisions).splitlines()))
    path = tmp_path / "excel.csv"
    for delimiter in ",;\t":
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file, delimiter=delimiter, lineterminator="\r\n", quoting=csv.QUOTE_ALL).writerows(
                rows
            )
        assert read_review(path) == decisions


def test_columns_may_be_in_any_order_with_others_between_and_no_face(tmp_path: Path) -> None:
    path = _write(tmp_path, "Decision, note ,SOURCE\n Keep ,because,a.jpg\n\nDROP,,b.jpg\n")
    assert read_review(path) == {("a.jpg", 0): True, ("b.jpg", 0): False}


def test_a_name_typed_by_hand_may_hold_a_backslash_or_a_line_break(tmp_path: Path) -> None:
    path = _write(tmp_path, 'source,decision\nfolder\\new.jpg,keep\n"two\nlines.jpg",drop\n')
    assert read_review(path) == {("folder\\new.jpg", 0): True, ("two\nlines.jpg", 0): False}


def test_the_same_decision_twice_is_one(tmp_path: Path) -> None:
    assert read_review(_write(tmp_path, "source,decision\na,keep\na,keep\n")) == {("a", 0): True}


def test_an_empty_review_decides_nothing(tmp_path: Path) -> None:
    assert read_review(_write(tmp_path, review_text({}))) == {}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", ["no column 'source'", "'decision'"]),
        ("source,face\na.jpg,0\n", ["no column 'decision'", "source, face"]),
        ("source,decision\na.jpg,keep\nb.jpg,maybe\n", ["line 3", "'maybe'", "keep", "drop"]),
        ("source,decision\na.jpg,\n", ["line 2", "''", "delete the line"]),
        ("source,decision\na.jpg\n", ["line 2", "''"]),
        ("source,decision\n,keep\n", ["line 2", "names no photo"]),
        ("source,face,decision\na.jpg,first,keep\n", ["line 2", "'first'", "'face'"]),
        ("source,face,decision\na.jpg,-1,keep\n", ["line 2", "'-1'"]),
        ("source,decision\na.jpg,keep\n\nb.jpg,keep\na.jpg,drop\n", ["line 5", "line 2", "a.jpg"]),
        ('source,decision\n"two\nlines",keep\nb,bad\n', ["line 4", "'bad'"]),
        ('source,decision\n"a.jpg,keep\n', ["line 2", "quot"]),
        (b"source,decision\na.jpg,keep\ncaf\xe9.jpg,keep\n", ["line 3", "UTF-8"]),
        ("source,decision\na.jpg,keep\n".encode("utf-16"), ["line 1", "UTF-8"]),
    ],
)
def test_a_mistake_is_named_with_its_line_and_the_way_out(
    tmp_path: Path, content: str | bytes, words: list[str]
) -> None:
    message = _mistake(tmp_path, content)
    assert "review.csv" in message
    for word in words:
        assert word in message, message


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ReviewError, match=r"cannot be read|no file"):
            read_review(path)


def test_hand_made_boxes_are_read_with_and_without_face_and_angle(tmp_path: Path) -> None:
    path = _write(tmp_path, "source,face,x,y,width,height,angle\na.jpg,1,-10.5,20,300,375,-4.5\n")
    assert read_crops(path) == {("a.jpg", 1): Box(-10.5, 20, 300, 375, -4.5)}
    path = _write(tmp_path, "source;x;y;width;height\na.jpg;10,5;20;300;375\n")
    assert read_crops(path) == {("a.jpg", 0): Box(10.5, 20, 300, 375, 0)}


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("a,1,2,wide,4,0", ["line 2", "'width'", "'wide'", "number"]),
        ("a,1,2,nan,4,0", ["'width'", "'nan'"]),
        ("a,inf,2,3,4,0", ["'x'", "'inf'"]),
        ("a,1,2,0,4,0", ["'width'", "larger than 0"]),
        ("a,1,2,3,-4,0", ["'height'", "larger than 0"]),
        ("a,1,2,3,,0", ["'height'", "''"]),
        ("a,1,2,3,4,400", ["'angle'", "'400'", "360"]),
        ("a,1,2,3,4,0\na,1,2,3,5,0", ["line 3", "line 2"]),
    ],
)
def test_a_mistake_in_a_box_is_named(tmp_path: Path, row: str, words: list[str]) -> None:
    message = _mistake(tmp_path, f"source,x,y,width,height,angle\n{row}\n", crops=True)
    for word in words:
        assert word in message, message


def test_a_missing_column_of_a_box_is_named(tmp_path: Path) -> None:
    message = _mistake(tmp_path, "source,x,y,width\na,1,2,3\n", crops=True)
    assert "no column 'height'" in message


def test_rows_that_name_no_photo_are_found_in_their_order() -> None:
    decisions = {("b.jpg", 0): True, ("z.jpg", 1): True, ("a.jpg", 0): False, ("z.jpg", 0): True}
    assert unknown_sources(decisions, {"b.jpg"}) == ["z.jpg", "a.jpg"]
    assert unknown_sources({}, []) == []
