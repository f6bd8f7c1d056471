import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.prep.config import PrepConfig
from adatune.prep.record import Record
from adatune.prep.store import Store

CROPS = {key: np.full((16, 16, 3), value, np.uint8) for key, value in (("a", 10), ("b", 20), ("c", 30))}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "photos").mkdir()
    store = Store(tmp_path / "datasets" / "faces")
    store.claim(tmp_path / "photos")
    for key, crop in CROPS.items():
        store.write(key, Record(key + ".jpg", score=0.5, hashes=(2**64 - 1, 0)), crop)
    return store


def _values(store: Store) -> list[int]:
    pictures = sorted((store.dataset / "images").iterdir())
    return [int(np.asarray(Image.open(path))[0, 0, 0]) for path in pictures]


def test_a_record_comes_back_as_it_was_and_only_with_its_crop(store: Store) -> None:
    assert store.read("a") == Record("a.jpg", score=0.5, hashes=(2**64 - 1, 0))
    store.crop("a").unlink()
    assert store.read("a") is None
    assert store.read("unknown") is None


def test_publishing_follows_the_list_and_repairs_what_was_deleted(store: Store) -> None:
    store.publish(["a", "b", "c"])
    assert _values(store) == [10, 20, 30]
    store.publish(["c", "a"])
    assert _values(store) == [30, 10]
    (store.dataset / "images" / "00000000.png").unlink()
    store.publish(["c", "a"])
    assert _values(store) == [30, 10]


def test_a_kill_between_the_renames_loses_nothing(store: Store) -> None:
    store.publish(["a", "b"])
    (store.dataset / "images").rename(store.dataset / "images.old")
    (store.dataset / "images.new").mkdir()
    store.publish(["a", "b"])
    assert _values(store) == [10, 20]
    assert not (store.dataset / "images.old").exists()
    assert not (store.dataset / "images.new").exists()


def test_the_key_changes_with_the_file_and_with_what_measuring_depends_on(
    tmp_path: Path, store: Store
) -> None:
    photo = tmp_path / "photos" / "x.jpg"
    photo.write_bytes(b"1")
    config = PrepConfig()
    first = store.key(photo.parent, Path("x.jpg"), config)
    assert store.key(photo.parent, Path("x.jpg"), PrepConfig(max_yaw=5)) == first
    assert store.key(photo.parent, Path("x.jpg"), PrepConfig(size=256)) != first
    os.utime(photo, ns=(1, 1))
    assert store.key(photo.parent, Path("x.jpg"), config) != first
