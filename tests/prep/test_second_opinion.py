import os
from pathlib import Path

import numpy as np
import pytest

from adatune.errors import PhotosError
from adatune.prep.faces import Face
from adatune.prep.second_opinion import (
    Sight,
    best_match,
    compare,
    find_model,
    load_model,
    overlap,
    turned_box,
)

# The model itself (232 kB) is not in this repository: what needs it is not tested here.
POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:8f2383e4dd3c\nsize 232589\n"
FACE = Face((10.0, 20.0, 50.0, 70.0), 0.99, np.zeros((5, 2)), 0)


@pytest.fixture
def pretrained(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    (tmp_path / "pretrained").mkdir()
    return tmp_path / "pretrained"


def test_without_a_model_file_there_is_no_opinion(pretrained: Path) -> None:
    pretrained.rmdir()
    assert find_model() is None
    assert compare(np.zeros((90, 90, 3), np.uint8), [FACE, FACE]) == ([None, None], [])


def test_a_full_model_is_taken_before_a_quantised_one_and_a_new_one_before_an_old(pretrained: Path) -> None:
    for name in ("2022mar", "2023mar", "2023mar_int8", "2023mar_int8bq"):
        (pretrained / f"face_detection_yunet_{name}.onnx").write_bytes(b"")
    (pretrained / "face_recognition_sface_2021dec.onnx").write_bytes(b"")
    assert find_model() == pretrained / "face_detection_yunet_2023mar.onnx"


def test_a_folder_of_that_name_is_no_model(pretrained: Path) -> None:
    (pretrained / "face_detection_yunet.onnx").mkdir()
    assert find_model() is None


@pytest.mark.parametrize("content", ["", POINTER, "<!DOCTYPE html><html><body>Not found</body></html>"])
def test_a_file_that_is_no_model_is_named_with_what_to_do(pretrained: Path, content: str) -> None:
    path = pretrained / "face_detection_yunet_2023mar.onnx"
    path.write_text(content)
    with pytest.raises(PhotosError, match=r"yunet_2023mar\.onnx .* Download .* or delete"):
        compare(np.zeros((90, 90, 3), np.uint8), [FACE])


def test_a_file_replaced_by_another_is_read_again(pretrained: Path) -> None:
    path = pretrained / "face_detection_yunet_2023mar.onnx"
    for size in (100, 200):
        path.write_bytes(os.urandom(size))
        with pytest.raises(PhotosError, match=f"{size} bytes"):
            load_model(path)


def test_overlap_is_the_share_of_pixels_in_both_boxes() -> None:
    one, other = np.zeros((100, 100), bool), np.zeros((100, 100), bool)
    one[20:70, 10:50] = True
    other[40:90, 30:60] = True
    counted = (one & other).sum() / (one | other).sum()
    assert overlap((10, 20, 50, 70), (30, 40, 60, 90)) == pytest.approx(counted)


def test_boxes_apart_and_boxes_without_area_do_not_overlap() -> None:
    assert overlap((0, 0, 1, 1), (2, 2, 3, 3)) == 0
    assert overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_a_box_is_turned_as_its_pixels_are(turn: int) -> None:
    picture = np.zeros((60, 100), bool)
    picture[20:50, 10:30] = True
    rows, columns = np.nonzero(np.rot90(picture, turn // 90))
    seen = (columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)
    assert turned_box((10, 20, 30, 50), (100, 60), turn) == seen


def test_the_best_score_in_the_same_place_counts_and_one_elsewhere_does_not() -> None:
    points = np.zeros((5, 2))
    seen = [
        Sight((200, 200, 240, 250), 0.95, points),
        Sight((12, 22, 50, 70), 0.9, points),
        Sight((5, 20, 50, 75), 0.6, points),
    ]
    assert best_match(FACE.box, seen) == 0.9
    assert best_match((300, 300, 340, 350), seen) == 0
