import csv
import io
import json

from adatune.prep.config import PrepConfig
from adatune.prep.examine import Record
from adatune.prep.manifest import COLUMNS, Row, count_reasons, manifest_text, prep_text

ROWS = [
    Row(Record('odd,"name"\n.jpg', faces=1, score=0.99, upscale=2.0), "", "images/00000000.png"),
    Row(Record("b.jpg", "no-face"), "no-face", ""),
    Row(Record("c.jpg", "no-face"), "no-face", ""),
    Row(Record("d.jpg", "unreadable"), "unreadable", ""),
]


def test_odd_names_survive_the_csv_and_missing_numbers_stay_empty() -> None:
    rows = list(csv.DictReader(io.StringIO(manifest_text(ROWS))))
    assert list(rows[0]) == COLUMNS
    assert [row["source"] for row in rows] == [row.record.source for row in ROWS]
    assert (rows[0]["status"], rows[0]["score"], rows[0]["output"]) == (
        "accepted",
        "0.9900",
        "images/00000000.png",
    )
    assert (rows[1]["status"], rows[1]["faces"], rows[1]["score"]) == ("rejected", "0", "")
    assert rows[3]["faces"] == ""


def test_the_description_counts_each_photo_once_and_names_no_place() -> None:
    described = json.loads(prep_text(PrepConfig(size=64, mirror=False), "faces", ROWS))
    assert described["counts"] == {"found": 4, "kept": 1, "rejected": {"no-face": 2, "unreadable": 1}}
    assert (described["aspect"], described["size"], described["mirror"]) == (1.25, 64, False)
    assert count_reasons(ROWS) == {"no-face": 2, "unreadable": 1}
