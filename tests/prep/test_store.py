import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.errors import DatasetError
from adatune.prep.config import PrepConfig
from adatune.prep.record import Record
from adatune.prep.review import Box
from adatune.prep.sources import Source
from adatune.prep.store import Store, holds, write_if_new

RECORD = Record("写\udc80.jpg", score=0.5, fingerprint="0aff", corners=((0.5, 1.0), (2.0, 3.0)), second=0.25)
CROPS = {key: np.full((16, 16, 3), value, np.uint8) for key, value in (("a", 10), ("b", 20), ("c", 30))}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "photos").mkdir()
    store = Store(tmp_path / "datasets" / "faces")
    store.claim(tmp_path / "photos")
    for key, crop in CROPS.items():
        store.write(key, [(RECORD, crop), (replace(RECORD, face=1), crop + 1)])
    return store


def _publish(store: Store, keys: list[str]) -> None:
    store.publish([store.crop(key, 0) for key in keys], store.dataset)


def _values(store: Store) -> list[int]:
    pictures = sorted((store.dataset / "images").iterdir())
    return [int(np.asarray(Image.open(path))[0, 0, 0]) for path in pictures]


def test_a_record_comes_back_as_it_was_and_only_with_its_crop(store: Store) -> None:
    assert store.read("a") == [RECORD, replace(RECORD, face=1)]
    store.crop("a", 1).unlink()
    assert store.read("a") is None
    assert store.read("unknown") is None


def test_publishing_follows_the_list_and_repairs_what_was_deleted(store: Store) -> None:
    _publish(store, ["a", "b", "c"])
    assert _values(store) == [10, 20, 30]
    _publish(store, ["c", "a"])
    assert _values(store) == [30, 10]
    (store.dataset / "images" / "00000000.png").unlink()
    _publish(store, ["c", "a"])
    assert _values(store) == [30, 10]


def test_a_kill_between_the_renames_loses_nothing(store: Store) -> None:
    _publish(store, ["a", "b"])
    (store.dataset / "images").rename(store.dataset / "images.old")
    (store.dataset / "images.new").mkdir()
    _publish(store, ["a", "b"])
    assert _values(store) == [10, 20]
    assert not (store.dataset / "images.old").exists()
    assert not (store.dataset / "images.new").exists()


def test_the_key_changes_with_the_file_and_with_what_measuring_depends_on(
    tmp_path: Path, store: Store
) -> None:
    source, config = Source("x.jpg", tmp_path / "x.jpg", state=(7, 1)), PrepConfig()
    first = store.key(source, config, {})
    assert store.key(source, PrepConfig(max_yaw=5), {}) == first
    others = [
        store.key(source, PrepConfig(size=256), {}),
        store.key(source, PrepConfig(ratio="2:3"), {}),
        store.key(source, PrepConfig(faces="all"), {}),
        store.key(source, config, {0: Box(1, 2, 3, 4)}),
        store.key(source, config, {1: Box(1, 2, 3, 4)}),
        store.key(replace(source, state=(7, 2)), config, {}),
        store.key(replace(source, name="\udc80.jpg"), config, {}),
    ]
    assert len({first, *others}) == len(others) + 1


def test_a_crop_that_was_cut_off_is_made_anew_and_published_again(store: Store) -> None:
    """The published picture is the same file under another name, so it is damaged too."""
    _publish(store, ["a", "b"])
    os.truncate(store.crop("a", 0), 20)
    assert store.read("a") is None
    store.write("a", [(RECORD, CROPS["a"])])
    _publish(store, ["a", "b"])
    assert _values(store) == [10, 20]


def test_only_photos_that_are_there_are_kept(store: Store) -> None:
    _publish(store, ["a"])
    store.forget_all_but({"a"})
    assert store.read("a") is not None
    assert store.read("b") is None
    assert not store.crop("b", 0).exists()
    names = {path.name for path in store.cache.iterdir()}
    assert {"source.json", "a.json", "a-0.crop", "a-1.crop", "published-faces.json"} == names


def test_other_photos_of_the_same_name_are_refused_and_moved_ones_are_not(
    tmp_path: Path, store: Store
) -> None:
    (tmp_path / "others").mkdir()
    with pytest.raises(DatasetError, match="made from other photos"):
        store.claim(tmp_path / "others")
    (tmp_path / "photos").rename(tmp_path / "moved")
    store.claim(tmp_path / "moved")


def test_a_file_is_written_only_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_if_new(path, "one")
    os.utime(path, ns=(1, 1))
    write_if_new(path, "one")
    assert path.stat().st_mtime_ns == 1
    write_if_new(path, "two")
    assert holds(path, "two")
    assert not holds(path, "one")
