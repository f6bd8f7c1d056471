import json

import numpy as np
import pytest
from facenet_pytorch import MTCNN
from PIL import Image

from adatune.demo.drawn_faces import draw_dataset, draw_face, paint_face
from adatune.demo.face_traits import draw_traits


@pytest.fixture(scope="module")
def detector():
    return MTCNN(min_face_size=60)


@pytest.mark.parametrize("seed", range(6))
def test_a_face_detector_finds_the_eyes_where_prep_would_put_them(detector, seed):
    light = paint_face(draw_traits(seed), 256, 320)
    picture = (np.clip(light, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)

    _, scores, landmarks = detector.detect(picture, landmarks=True)

    assert landmarks is not None
    assert scores[0] > 0.9
    eyes = np.array(landmarks[0], float)[:2]
    # 0.375 and 0.625 of the width, 0.47 of the height; over 24 faces at most 0.13 eye distances away
    assert np.abs(eyes - [[96, 150.4], [160, 150.4]]).max() < 0.25 * 64


def test_the_same_seed_is_the_same_face():
    np.testing.assert_array_equal(draw_face(3), draw_face(3))


def test_a_face_at_64_pixels_averages_to_the_same_face_at_32():
    large = draw_face(5, 64).astype(float).reshape(32, 2, 32, 2, 3).mean((1, 3))
    assert (
        np.abs(large - draw_face(5, 32)).mean() < 4
    )  # of 255: light is averaged, not its gamma-coded values


def test_faces_differ_from_each_other():
    faces = np.stack([draw_face(seed) for seed in range(12)]).astype(float)
    gaps = np.abs(faces[:, None] - faces[None]).mean((2, 3, 4))
    assert gaps[np.triu_indices(12, 1)].min() > 10  # of 255; two drawings of one person would be below 5


def test_draw_dataset_writes_a_dataset_folder(tmp_path):
    draw_dataset(tmp_path / "faces", 3, 32, processes=1)

    files = sorted(path.name for path in (tmp_path / "faces" / "images").iterdir())
    assert files == ["00000000.png", "00000001.png", "00000002.png"]
    with Image.open(tmp_path / "faces" / "images" / files[1]) as picture:
        np.testing.assert_array_equal(np.asarray(picture), draw_face(1))
    assert json.loads((tmp_path / "faces" / "dataset.json").read_text()) == {"labels": None}
    settings = json.loads((tmp_path / "faces" / "prep.json").read_text())
    assert (settings["aspect"], settings["size"], settings["mirror"]) == (1.25, 32, True)
