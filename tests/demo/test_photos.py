import csv

import numpy as np
import pytest
from PIL import Image

from adatune.demo.photos import DECOYS, PICTURES, make_photos
from adatune.demo.run import MAX_BLUR
from adatune.prep import prepare
from adatune.prep.config import PrepConfig


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    return make_photos(tmp_path_factory.mktemp("photos"))


def test_there_are_forty_portraits_and_the_decoys(photos):
    names = [path.name for path in photos]
    assert names[:40] == [f"portrait-{index:02d}.jpg" for index in range(40)]
    assert set(names[40:]) == set(DECOYS)


def test_photos_have_the_sizes_of_photos(photos):
    for path in photos:
        with Image.open(path) as picture:
            assert picture.format == "JPEG"
            assert 200 <= min(picture.size) <= max(picture.size) <= 900


def test_the_same_seed_writes_the_same_bytes(photos, tmp_path):
    again = make_photos(tmp_path, count=2)
    assert again[0].read_bytes() == photos[0].read_bytes()
    assert again[1].read_bytes() == photos[1].read_bytes()
    assert again[-1].read_bytes() == photos[-1].read_bytes()


def test_another_seed_makes_other_photos(photos, tmp_path):
    other = make_photos(tmp_path, count=1, seed=1)
    assert other[0].read_bytes() != photos[0].read_bytes()


def test_the_pictures_shipped_are_small():
    assert sum(path.stat().st_size for path in PICTURES.iterdir()) < 350_000


def test_prep_keeps_every_portrait_and_gives_each_decoy_its_reason(photos, tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))

    result = prepare.prepare(photos[0].parent, PrepConfig(name="astronaut", size=32, max_blur=MAX_BLUR))

    with (result.dataset / "manifest.csv").open(newline="") as file:
        rows = {row["source"]: row for row in csv.DictReader(file)}
    rejected = {name: row["reason"] for name, row in rows.items() if row["status"] == "rejected"}
    assert rejected == DECOYS
    assert result.kept == 40
    crops = [np.asarray(Image.open(path)) for path in sorted((result.dataset / "images").iterdir())]
    assert {crop.shape for crop in crops} == {(32, 32, 3)}
