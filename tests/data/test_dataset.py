import json
import shutil
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from adatune.data.dataset import find_dataset, free_memory, open_dataset
from adatune.errors import DatasetError


def noise(index: int, side: int = 16) -> np.ndarray[Any, Any]:
    return np.random.default_rng(index).integers(0, 256, (side, side, 3), dtype=np.uint8)


def write_dataset(folder: Path, count: int = 3, side: int = 16, labels: Any = None) -> Path:
    (folder / "images").mkdir(parents=True)
    for index in range(count):
        Image.fromarray(noise(index, side)).save(folder / f"images/{index:08d}.png")
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    return folder


def test_a_prepared_folder_gives_its_pixels_in_order(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces")
    (folder / "prep.json").write_text('{"aspect": 1.25, "mirror": false}')
    dataset = open_dataset(folder)
    assert (dataset.name, dataset.resolution, dataset.channels, len(dataset)) == ("faces", 16, 3, 3)
    assert (dataset.aspect, dataset.mirror, dataset.labels, dataset.c_dim) == (1.25, False, None, 0)
    pixels = dataset.read([2, 0])
    assert pixels.dtype == np.uint8
    assert np.array_equal(pixels, np.stack([noise(2), noise(0)]).transpose(0, 3, 1, 2))


def test_a_zip_equals_its_folder(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces", labels=[[f"images/{i:08d}.png", i % 2] for i in range(3)])
    inside = shutil.make_archive(str(tmp_path / "inside"), "zip", folder)
    around = shutil.make_archive(str(tmp_path / "around"), "zip", tmp_path, "faces")
    plain = open_dataset(folder)
    for path in (inside, around):
        zipped = open_dataset(Path(path))
        assert np.array_equal(zipped.read(range(3)), plain.read(range(3)))
        assert np.array_equal(zipped.labels, plain.labels)
        assert zipped.c_dim == 2


def test_pictures_anywhere_in_other_tools_folders_are_found_sorted(tmp_path: Path) -> None:
    for index, name in enumerate(["00001/b.png", "00000/a.png"]):
        path = tmp_path / "set" / name
        path.parent.mkdir(parents=True)
        Image.fromarray(noise(index)).save(path)
    dataset = open_dataset(tmp_path / "set")
    assert dataset.names == ["00000/a.png", "00001/b.png"]
    assert (dataset.aspect, dataset.mirror) == (1.0, None)


def test_what_a_killed_prep_left_beside_images_is_not_read(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces")
    (folder / "prep.json").write_text("{}")
    shutil.copytree(folder / "images", folder / "images.new")
    assert len(open_dataset(folder)) == 3


def test_classes_that_no_picture_shows_still_count(tmp_path: Path) -> None:
    """As in a validation set, which may hold fewer of them than what a network was trained on."""
    folder = write_dataset(tmp_path / "faces", labels=[[f"images/{i:08d}.png", i % 2] for i in range(3)])
    (folder / "prep.json").write_text('{"classes": ["cat", "dog", "fox", "owl"]}')
    dataset = open_dataset(folder)
    assert dataset.c_dim == 4
    assert dataset.labels is not None
    assert dataset.labels.argmax(axis=1).tolist() == [0, 1, 0]
    assert dataset.labels.sum() == 3


def test_vectors_keep_their_length(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces", labels=[[f"images/{i:08d}.png", [i, 2.5]] for i in range(3)])
    (folder / "prep.json").write_text('{"classes": []}')
    assert open_dataset(folder).c_dim == 2


def test_grey_pictures_have_one_channel(tmp_path: Path) -> None:
    Image.fromarray(noise(0)[..., 0]).save(tmp_path / "0.png")
    Image.fromarray(noise(1)[..., 0].astype(np.uint16) * 257).save(tmp_path / "1.png")
    dataset = open_dataset(tmp_path)
    assert dataset.channels == 1
    assert np.array_equal(dataset.read([0, 1])[:, 0], np.stack([noise(0)[..., 0], noise(1)[..., 0]]))


def test_grey_among_colour_becomes_colour(tmp_path: Path) -> None:
    Image.fromarray(noise(0)[..., 0]).save(tmp_path / "0.png")
    Image.fromarray(noise(1)).save(tmp_path / "1.png")
    dataset = open_dataset(tmp_path)
    assert dataset.channels == 3
    assert np.array_equal(dataset.read([0])[0], np.repeat(noise(0)[None, ..., 0], 3, 0))


def test_transparent_parts_lie_over_white(tmp_path: Path) -> None:
    rgba = np.dstack([noise(0), np.full((16, 16), 255, np.uint8)])
    rgba[:8, :, 3] = 0
    Image.fromarray(rgba).save(tmp_path / "0.png")
    picture = open_dataset(tmp_path).read([0])[0]
    assert (picture[:, :8] == 255).all()
    assert np.array_equal(picture[:, 8:], noise(0)[8:].transpose(2, 0, 1))


def test_palette_pictures_are_read_as_colour(tmp_path: Path) -> None:
    flat = Image.fromarray(noise(0)).quantize(16)
    flat.save(tmp_path / "0.png")
    assert np.array_equal(
        open_dataset(tmp_path).read([0])[0], np.asarray(flat.convert("RGB")).transpose(2, 0, 1)
    )


def test_a_picture_that_is_not_square_is_named(tmp_path: Path) -> None:
    Image.fromarray(noise(0)[:, :8]).save(tmp_path / "wide.png")
    with pytest.raises(DatasetError, match=r"wide\.png .* is 8x16, not square.*adatune prep"):
        open_dataset(tmp_path)


def test_two_sizes_name_both_files(tmp_path: Path) -> None:
    for index, side in enumerate([16, 32]):
        Image.fromarray(noise(index, side)).save(tmp_path / f"{index}.png")
    with pytest.raises(DatasetError, match=r"0\.png is 16x16, 1\.png is 32x32"):
        open_dataset(tmp_path)


@pytest.mark.parametrize("side", [2, 17, 2048])
def test_a_size_no_network_has_is_refused(tmp_path: Path, side: int) -> None:
    Image.new("RGB", (side, side)).save(tmp_path / "0.png")
    with pytest.raises(DatasetError, match=f"are {side}x{side}"):
        open_dataset(tmp_path)


def test_an_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="holds no picture"):
        open_dataset(tmp_path)


def test_a_text_file_that_is_called_png_is_named(tmp_path: Path) -> None:
    (tmp_path / "0.png").write_text("<html>")
    with pytest.raises(DatasetError, match=r"0\.png .* it is not a picture"):
        open_dataset(tmp_path)


def test_a_picture_cut_off_is_named_when_it_is_read(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces", side=64)
    path = folder / "images/00000001.png"
    path.write_bytes(path.read_bytes()[:-3000])
    dataset = open_dataset(folder)
    with pytest.raises(DatasetError, match=r"00000001\.png .* cannot be read"):
        dataset.read([1])


def test_a_check_decodes_every_picture_once_and_names_the_damaged_one(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces", side=64)
    sound = open_dataset(folder)
    sound.check_pictures()
    path = folder / "images/00000002.png"
    path.write_bytes(path.read_bytes()[:-3000])
    assert np.array_equal(sound.read([2])[0], noise(2, 64).transpose(2, 0, 1))
    with pytest.raises(DatasetError, match=r"00000002\.png .* cannot be read"):
        open_dataset(folder).check_pictures()


def test_a_damaged_prep_json_is_refused(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces")
    (folder / "prep.json").write_text('{"aspect": 1.2')
    with pytest.raises(DatasetError, match=r"prep\.json .* is damaged"):
        open_dataset(folder)


def test_pictures_are_decoded_once_and_served_from_memory(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces")
    dataset = open_dataset(folder)
    before = dataset.read([0, 1])
    shutil.rmtree(folder)
    assert np.array_equal(dataset.read([0, 1]), before)
    with pytest.raises(DatasetError, match="00000002"):
        dataset.read([2])


def test_many_threads_read_what_one_reads_from_a_zip(tmp_path: Path) -> None:
    folder = write_dataset(tmp_path / "faces", count=24)
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as file:
        for path in sorted((folder / "images").iterdir()):
            file.write(path, path.name)
    dataset = open_dataset(tmp_path / "a.zip")
    with ThreadPoolExecutor(8) as pool:
        together = list(pool.map(lambda i: dataset.read([i % 24])[0], range(96)))
    assert all(
        np.array_equal(picture, noise(i % 24).transpose(2, 0, 1)) for i, picture in enumerate(together)
    )


def test_free_memory_is_between_nothing_and_a_petabyte() -> None:
    assert 0 < free_memory() < 2**50


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    return tmp_path


def test_the_only_dataset_is_taken(home: Path) -> None:
    folder = write_dataset(home / "datasets/faces")
    (home / "datasets/README.md").write_text("not a dataset")
    (home / "datasets/refused/images").mkdir(parents=True)  # of photos none of which could be used
    assert find_dataset(None) == find_dataset("faces") == folder


@pytest.mark.parametrize("packed", [False, True])
def test_a_validation_set_is_taken_by_name_alone(home: Path, packed: bool) -> None:
    folder = write_dataset(home / "datasets/faces")
    apart = write_dataset(home / "datasets/faces-validation")
    (apart / "prep.json").write_text('{"split": "validation"}')
    if packed:
        shutil.make_archive(str(apart), "zip", apart)
        shutil.rmtree(apart)
    assert find_dataset(None) == folder
    assert open_dataset(find_dataset("faces-validation")).is_validation
    assert not open_dataset(folder).is_validation
    shutil.rmtree(folder)
    with pytest.raises(DatasetError, match="There is no dataset to train on"):
        find_dataset(None)


def test_a_dataset_and_its_zip_are_one(home: Path) -> None:
    folder = write_dataset(home / "datasets/faces.v2")
    shutil.make_archive(str(folder), "zip", folder)
    assert find_dataset(None) == find_dataset("faces.v2") == folder
    assert find_dataset("faces.v2.zip") == folder.with_name("faces.v2.zip")


def test_several_datasets_are_listed(home: Path) -> None:
    write_dataset(home / "datasets/cats")
    write_dataset(home / "datasets/faces")
    with pytest.raises(DatasetError, match=r"2 datasets: cats, faces\. Choose one, for example --data cats"):
        find_dataset(None)


def test_no_dataset_says_how_to_make_one(home: Path) -> None:
    with pytest.raises(DatasetError, match="adatune prep PHOTOS"):
        find_dataset(None)


def test_a_misspelt_dataset_lists_those_that_exist(home: Path) -> None:
    write_dataset(home / "datasets/faces")
    with pytest.raises(DatasetError, match=r"no dataset --data face\. In .*: faces\."):
        find_dataset("face")


def test_a_name_finds_a_zip_and_a_path_anything(home: Path) -> None:
    (home / "datasets").mkdir()
    archive = home / "datasets/faces.zip"
    archive.write_bytes(b"")
    assert find_dataset("faces") == archive
    elsewhere = write_dataset(home / "elsewhere")
    assert find_dataset(str(elsewhere)) == elsewhere
