import json

from adatune.prep.config import PrepConfig
from adatune.prep.description import description
from adatune.prep.manifest import Row
from adatune.prep.record import Record

ROWS = [
    Row(Record("a.jpg", faces=1, score=0.99, upscale=2.0), "", "images/00000000.png"),
    Row(Record("b.jpg", "no-face"), "no-face"),
    Row(Record("c.jpg", "no-face"), "no-face"),
    Row(Record("d.jpg", "unreadable"), "unreadable"),
    Row(Record("e.jpg", faces=1, score=0.99, upscale=1.0), "", "images/00000000.png", split="validation"),
]


def test_the_description_counts_each_photo_once_and_names_no_place() -> None:
    config = PrepConfig(size=64, mirror=False, labels="/home/someone/labels.csv", workers=3)
    text = description("faces", config, ROWS, "train", classes=["a", "b"])
    described = json.loads(text)
    assert described["counts"] == {"found": 5, "kept": 1, "rejected": {"no-face": 2, "unreadable": 1}}
    assert (described["aspect"], described["size"], described["mirror"]) == (1.25, 64, False)
    assert (described["upscaled"], described["classes"]) == (1, ["a", "b"])
    assert "someone" not in text
    assert json.loads(description("faces", config, ROWS, "validation"))["upscaled"] == 0
