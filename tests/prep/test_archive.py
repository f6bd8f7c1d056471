import json
import os
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.data.dataset import open_dataset
from adatune.errors import DatasetError
from adatune.prep.archive import check_target, is_ours, write_zip


def make_dataset(folder: Path, count: int = 3) -> Path:
    (folder / "images").mkdir(parents=True)
    for index in range(count):
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"images/{index:08d}.png")
    labels = [[f"images/{index:08d}.png", index % 2] for index in range(count)]
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    (folder / "prep.json").write_text('{"format": "adatune-prep-1", "aspect": 1.25, "mirror": true}')
    (folder / "manifest.csv").write_text("source\nholiday.jpg\n")
    (folder / ".cache").mkdir()
    return folder


def test_training_sees_in_the_zip_what_it_sees_in_the_folder(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "faces")
    assert write_zip(folder, tmp_path / "out" / "faces.zip") == 3
    plain, packed = open_dataset(folder), open_dataset(tmp_path / "out" / "faces.zip")
    assert np.array_equal(packed.read(range(3)), plain.read(range(3)))
    assert np.array_equal(packed.labels, plain.labels)  # type: ignore[arg-type]
    assert (packed.aspect, packed.mirror, packed.name) == (1.25, True, "faces")


def test_the_layout_is_what_other_tools_expect(tmp_path: Path) -> None:
    """Labels at the top, keyed by the member's path; every picture listed once and nothing else with it."""
    write_zip(make_dataset(tmp_path / "faces"), tmp_path / "faces.zip")
    with zipfile.ZipFile(tmp_path / "faces.zip") as archive:
        names = archive.namelist()
        pictures = [
            name for name in names if os.path.splitext(name)[1].lower() in Image.registered_extensions()
        ]
        labels = dict(json.loads(archive.read("dataset.json"))["labels"])
        sizes = {Image.open(archive.open(name)).size for name in pictures}
        assert archive.testzip() is None
        assert {info.compress_type for info in archive.infolist()} == {zipfile.ZIP_STORED}
    assert names == ["dataset.json", "prep.json", *(f"images/{index:08d}.png" for index in range(3))]
    assert sorted(labels) == pictures
    assert sizes == {(16, 16)}


def test_equal_datasets_give_equal_bytes(tmp_path: Path) -> None:
    for name in ("one", "two"):
        write_zip(make_dataset(tmp_path / name), tmp_path / f"{name}.zip")
        os.utime(tmp_path / name / "dataset.json", (0, 2e9))
    write_zip(tmp_path / "two", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_our_own_zip_is_replaced(tmp_path: Path) -> None:
    folder, target = make_dataset(tmp_path / "faces"), tmp_path / "faces.zip"
    write_zip(folder, target)
    assert is_ours(target)
    (folder / "images/00000002.png").unlink()
    assert write_zip(folder, target) == 2
    with zipfile.ZipFile(target) as archive:
        assert len(archive.namelist()) == 4


@pytest.mark.parametrize("kind", ["text", "zip", "zip with prep.json", "folder"])
def test_what_we_did_not_make_is_left_alone(tmp_path: Path, kind: str) -> None:
    target = tmp_path / "holiday.zip"
    if kind == "folder":
        target.mkdir()
    elif kind == "text":
        target.write_text("my notes")
    else:
        with zipfile.ZipFile(target, "w") as archive:
            archive.writestr("prep.json" if "prep" in kind else "a.txt", "[]")
    before = target.read_bytes() if target.is_file() else b""
    folder = make_dataset(tmp_path / "faces")
    for attempt in (write_zip, check_target):
        with pytest.raises(DatasetError, match=r"holiday\.zip exists and is no zip of a dataset"):
            attempt(folder, target)
    assert (target.read_bytes() if target.is_file() else b"") == before


@pytest.mark.parametrize("lost", ["dataset.json", "prep.json", "images"])
def test_an_unfinished_dataset_is_not_packed(tmp_path: Path, lost: str) -> None:
    folder = make_dataset(tmp_path / "faces")
    path = folder / lost
    shutil.rmtree(path) if path.is_dir() else path.unlink()
    with pytest.raises(DatasetError, match=f"no finished dataset: {lost}/? is missing"):
        write_zip(folder, tmp_path / "faces.zip")
    assert not (tmp_path / "faces.zip").exists()


def test_a_zip_among_the_pictures_is_refused(tmp_path: Path) -> None:
    folder = make_dataset(tmp_path / "faces")
    with pytest.raises(DatasetError, match="lies among the pictures"):
        write_zip(folder, folder / "images" / "faces.zip")


def test_a_failure_half_way_leaves_the_zip_of_before(tmp_path: Path) -> None:
    folder, target = make_dataset(tmp_path / "faces"), tmp_path / "faces.zip"
    write_zip(folder, target)
    before = target.read_bytes()
    lost = folder / "images/00000001.png"
    lost.unlink()
    lost.symlink_to(tmp_path / "gone.png")
    with pytest.raises(OSError, match=r"gone|00000001"):
        write_zip(folder, target)
    assert target.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.suffix == ".zip"] == ["faces.zip"]
