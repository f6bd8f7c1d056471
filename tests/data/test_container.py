import zipfile
from pathlib import Path

import pytest

from adatune.data.container import Container, is_picture_name
from adatune.errors import DatasetError


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("images/00000000.png", True),
        ("a/b/C.JPEG", True),
        ("dataset.json", False),
        (".cache/0.png", False),
        ("images/.0.png", False),
        ("__MACOSX/images/0.png", False),
        ("0.crop", False),
    ],
)
def test_only_visible_pictures_count(name: str, expected: bool) -> None:
    assert is_picture_name(name) is expected


def write_zip(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        for name in names:
            file.writestr(name, name.encode())
    return path


def test_folder_and_zip_name_the_same_files(tmp_path: Path) -> None:
    folder = tmp_path / "faces"
    (folder / "images").mkdir(parents=True)
    for name in ("images/1.png", "images/0.png", "dataset.json"):
        (folder / name).write_bytes(name.encode())
    zipped = Container(write_zip(tmp_path / "faces.zip", "images/1.png", "images/0.png", "dataset.json"))
    assert Container(folder).names == zipped.names == ["dataset.json", "images/0.png", "images/1.png"]
    assert Container(folder).read("images/1.png") == zipped.read("images/1.png") == b"images/1.png"


def test_a_zip_of_the_folder_itself_has_that_folder_as_root(tmp_path: Path) -> None:
    assert (
        Container(write_zip(tmp_path / "a.zip", "faces/images/0.png", "faces/dataset.json")).root == "faces/"
    )
    assert Container(write_zip(tmp_path / "b.zip", "images/0.png")).root == ""
    assert Container(write_zip(tmp_path / "c.zip", "images/0.png", "dataset.json")).root == ""


def test_nothing_there_says_how_to_make_a_dataset(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="adatune prep"):
        Container(tmp_path / "missing")


def test_half_a_zip_is_refused(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", "images/0.png", "images/1.png")
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(DatasetError, match="not a sound zip"):
        Container(path)


def test_a_zip_damaged_in_the_middle_names_the_file(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", "images/0.png", "images/1.png")
    data = bytearray(path.read_bytes())
    at = data.index(b"images/0.png", 40)  # the content: behind the name in the local header
    data[at] ^= 0xFF
    path.write_bytes(data)
    container = Container(path)
    with pytest.raises(DatasetError, match=r"images/0\.png in .* cannot be read: Bad CRC"):
        container.read("images/0.png")
