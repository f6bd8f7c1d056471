import csv
import io

from adatune.prep.manifest import COLUMNS, Row, count_reasons, manifest_text
from adatune.prep.record import Record

ROWS = [
    Row(Record('odd,"name"\n.jpg', faces=1, score=0.99, upscale=2.0), "", "images/00000000.png"),
    Row(Record("b.jpg", "no-face"), "no-face", ""),
    Row(Record("c.jpg", "no-face"), "no-face", ""),
    Row(Record("d.jpg", "unreadable"), "unreadable", ""),
]


def test_odd_names_survive_the_csv_and_missing_numbers_stay_empty() -> None:
    rows = list(csv.DictReader(io.StringIO(manifest_text(ROWS))))
    assert list(rows[0]) == list(COLUMNS)
    assert ",".join(COLUMNS[:11]) == "source,status,reason,faces,score,yaw,pitch,roll,eye_px,upscale,output"
    assert [row["source"] for row in rows] == [row.record.source for row in ROWS]
    assert (rows[0]["status"], rows[0]["score"], rows[0]["output"]) == (
        "accepted",
        "0.9900",
        "images/00000000.png",
    )
    assert (rows[1]["status"], rows[1]["faces"], rows[1]["score"]) == ("rejected", "0", "")
    assert rows[3]["faces"] == ""


def test_reasons_are_counted() -> None:
    assert count_reasons(ROWS) == {"no-face": 2, "unreadable": 1}
