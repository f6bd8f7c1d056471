"""A dataset's photos at a network's size."""

import numpy as np
import pytest
from PIL import Image

from adatune.errors import DatasetError
from adatune.latent.dataset_photos import read_photos
from adatune.networks import NetworkConfig


def dataset(folder, sides, value=200, mode="RGB"):
    (folder / "images").mkdir()
    for index in range(sides[0]):
        Image.new(mode, (sides[1],) * 2, (value,) * 3 if mode == "RGB" else value).save(
            folder / "images" / f"{index}.png"
        )
    return folder


def config(resolution=16, channels=3):
    return NetworkConfig(resolution=resolution, channels=channels, z_dim=4, w_dim=4)


@pytest.mark.parametrize("side", [8, 16, 32])
@pytest.mark.parametrize(("mode", "channels"), [("RGB", 3), ("L", 3), ("RGB", 1)])
def test_photos_are_brought_to_the_size_and_channels_of_a_network(tmp_path, side, mode, channels):
    photos = read_photos(dataset(tmp_path, (3, side), mode=mode), config(channels=channels))
    assert photos.shape == (3, channels, 16, 16)
    assert np.allclose(photos, 200 / 127.5 - 1, atol=1e-5)


def test_of_many_photos_500_are_read(tmp_path):
    assert len(read_photos(dataset(tmp_path, (520, 4)), config(4))) == 500


def test_one_photo_has_no_spread(tmp_path):
    with pytest.raises(DatasetError, match="one picture"):
        read_photos(dataset(tmp_path, (1, 8)), config())
