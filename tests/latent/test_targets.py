"""Photos become the squares that the network knows."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from adatune.errors import PhotosError, UsageError
from adatune.latent.targets import crop_settings, find_targets, to_images
from adatune.networks import NetworkConfig
from adatune.prep.config import PrepConfig
from adatune.prep.prepare import prep

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"
CONFIG = NetworkConfig(resolution=64)


def run_of(tmp_path, monkeypatch, **settings):
    """A run's network file whose dataset is ASTRONAUT, prepared."""
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    result = prep(ASTRONAUT, name="one", size=64, **settings)
    folder = tmp_path / "runs" / "00000-one"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(f"data = {json.dumps(str(result.dataset))}\n")
    return result, folder / "network-000001.safetensors"


def test_a_photo_is_cut_as_the_training_set_was(tmp_path, monkeypatch):
    result, network = run_of(tmp_path, monkeypatch, ratio="3:4")
    crop, reason = crop_settings(network, CONFIG, 4 / 3)
    assert "as the training set was" in reason
    (target,), problems = find_targets([ASTRONAUT], crop)
    (stored,) = (result.dataset / "images").iterdir()
    assert np.array_equal(target.pixels, np.asarray(Image.open(stored)))
    assert (target.name, target.source, problems) == ("astronaut", "astronaut.jpg", {})


def test_a_dataset_of_another_shape_is_not_believed(tmp_path, monkeypatch):
    _, network = run_of(tmp_path, monkeypatch)
    assert crop_settings(network, CONFIG, 1.0)[0].align == "ffhq"
    (network.parent / "config.toml").write_text("data = 3\n")
    crop, reason = crop_settings(network, CONFIG, 1.25)
    assert crop.align == "portrait54"
    assert "1.25" in reason


@pytest.mark.parametrize(
    ("aspect", "align", "expected"),
    [(1.25, "portrait54", 1.25), (1.0, "ffhq", 1.0), (1.5, "portrait54", 1.5)],
)
def test_without_a_dataset_the_aspect_decides(tmp_path, aspect, align, expected):
    crop, _ = crop_settings(tmp_path / "some.pkl", CONFIG, aspect)
    assert (crop.align, crop.aspect, crop.size) == (align, expected, 64)


def test_a_network_too_small_for_photos_is_refused_in_words_that_fit_every_command(tmp_path):
    with pytest.raises(UsageError, match="8x8; photos are cut to 16x16 at least") as refused:
        crop_settings(tmp_path / "some.pkl", NetworkConfig(resolution=8), 1.0)
    assert "--" not in str(refused.value)
    assert crop_settings(tmp_path / "some.pkl", NetworkConfig(resolution=16), 1.0)[0].size == 16


def test_an_aligned_square_of_the_networks_size_is_taken_pixel_by_pixel(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "square.png")
    (target,), _ = find_targets([tmp_path / "square.png"], PrepConfig(size=64), is_aligned=True)
    assert np.array_equal(target.pixels, pixels)


def test_an_aligned_portrait_is_squashed_whole(tmp_path):
    pixels = np.zeros((160, 128, 3), np.uint8)
    pixels[80:] = 200
    Image.fromarray(pixels).save(tmp_path / "tall.png")
    (target,), _ = find_targets([tmp_path / "tall.png"], PrepConfig(size=64), is_aligned=True)
    assert target.pixels.shape == (64, 64, 3)
    assert target.pixels[:30].max() < 5
    assert target.pixels[34:].min() > 195


def test_a_photo_without_a_face_is_left_out_and_the_others_are_taken(tmp_path):
    Image.new("RGB", (300, 300), (90, 120, 90)).save(tmp_path / "meadow.png")
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    targets, problems = find_targets([tmp_path, ASTRONAUT, ASTRONAUT], PrepConfig(size=64))
    assert [target.name for target in targets] == ["astronaut", "astronaut-2"]
    assert problems.keys() == {"meadow.png", "broken.jpg"}
    assert problems["meadow.png"] == "no face found"
    with pytest.raises(PhotosError, match=r"None of the 2 photos.*no face found.*--aligned"):
        find_targets([tmp_path], PrepConfig(size=64))


def test_a_damaged_picture_is_left_out_where_nothing_is_aligned_too(tmp_path):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    with pytest.raises(
        PhotosError, match=r"\(broken.jpg: .*\)\.$"
    ):  # no command's option: it is given already
        find_targets([tmp_path / "broken.jpg"], PrepConfig(size=64), is_aligned=True)


def test_images_go_from_minus_one_to_one_and_are_grey_where_the_network_is():
    pixels = np.stack([np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)])
    images = to_images(list(pixels), NetworkConfig(resolution=16), torch.device("cpu"))
    assert images.shape == (2, 3, 16, 16)
    assert (images[0] == -1).all()
    assert (images[1] == 1).all()
    grey = to_images(list(pixels), NetworkConfig(resolution=16, channels=1), torch.device("cpu"))
    assert grey.shape == (2, 1, 16, 16)
