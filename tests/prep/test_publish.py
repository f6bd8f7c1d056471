import json
from pathlib import Path

import numpy as np
import pytest

from adatune.errors import DatasetError, PhotosError
from adatune.prep.classes import Labels
from adatune.prep.config import PrepConfig
from adatune.prep.manifest import Row
from adatune.prep.publish import Judged, publish
from adatune.prep.record import Record
from adatune.prep.report import dataset_report
from adatune.prep.store import Store

CONFIG = PrepConfig(size=16, align="none")
LABELS = Labels({"a": 0, "b": 1, "c": 1}, ("cat", "dog"), "folders")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(tmp_path / "datasets" / "pets")
    store.claim(tmp_path)
    for key in ("a", "b", "c"):
        store.write(key, [(Record(key, upscale=1.0), np.full((16, 16, 3), ord(key), np.uint8))])
    return store


def _publish(store: Store, verdicts: dict[str, tuple[str, str]], labels: Labels | None = None) -> None:
    judged = [
        Judged(Row(Record(key, upscale=1.0), reason, split=split), store.crop(key, 0))
        for key, (reason, split) in verdicts.items()
    ]
    publish(store, "pets", CONFIG, judged, dataset_report([item.row for item in judged], CONFIG), labels)


def test_both_sides_of_a_split_are_datasets_and_share_no_picture(store: Store) -> None:
    _publish(store, {"a": ("", "train"), "b": ("", "validation"), "c": ("", "train")}, LABELS)
    aside = store.dataset.with_name("pets-validation")
    assert json.loads((store.dataset / "dataset.json").read_text())["labels"] == [
        ["images/00000000.png", 0],
        ["images/00000001.png", 1],
    ]
    assert json.loads((aside / "dataset.json").read_text())["labels"] == [["images/00000000.png", 1]]
    assert json.loads((aside / "prep.json").read_text())["split"] == "validation"
    assert json.loads((store.dataset / "prep.json").read_text())["classes"] == ["cat", "dog"]
    bytes_of = {path.read_bytes() for folder in (store.dataset, aside) for path in folder.glob("images/*")}
    assert len(bytes_of) == 3


def test_without_a_split_the_earlier_one_goes(store: Store) -> None:
    _publish(store, {"a": ("", "train"), "b": ("", "validation")})
    _publish(store, {"a": ("", "train"), "b": ("", "train")})
    assert not store.dataset.with_name("pets-validation").exists()
    assert len(list(store.dataset.glob("images/*"))) == 2


def test_a_folder_of_the_users_own_is_never_written_to(store: Store) -> None:
    aside = store.dataset.with_name("pets-validation")
    aside.mkdir()
    (aside / "mine.txt").write_text("precious")
    with pytest.raises(DatasetError, match="pets-validation exists and is not what"):
        _publish(store, {"a": ("", "train"), "b": ("", "validation")})
    assert (aside / "mine.txt").read_text() == "precious"


def test_nothing_usable_leaves_the_reasons_and_no_dataset(store: Store) -> None:
    _publish(store, {"a": ("", "train")})
    with pytest.raises(PhotosError, match="No usable photo among 2: 2 small"):
        _publish(store, {"a": ("small", "train"), "b": ("small", "train")})
    left = {path.name for path in store.dataset.iterdir()}
    assert left == {".cache", "manifest.csv", "contact-sheet.html"}
