"""Pixels to tensors and back, grids and aspects."""

import numpy as np
import torch
from PIL import Image

from adatune.images import grid, save_picture, to_pixels, undo_aspect


def test_every_byte_comes_back_and_values_beyond_the_range_are_cut():
    x = torch.arange(256.0) / 127.5 - 1
    pixels = to_pixels(torch.cat([x, torch.tensor([-9.0, 9.0])]).expand(1, 3, 1, -1))
    assert pixels[0, 0, :, 1].tolist() == [*range(256), 0, 255]


def test_grey_becomes_rgb():
    assert to_pixels(torch.zeros(2, 1, 4, 5)).shape == (2, 4, 5, 3)


def test_the_longer_side_grows():
    picture = Image.new("RGB", (512, 512))
    assert undo_aspect(picture, 1.25).size == (512, 640)
    assert undo_aspect(picture, 0.8).size == (640, 512)
    assert undo_aspect(picture, 1) is picture


def test_a_grid_is_filled_row_by_row():
    tiles = [np.full((2, 2, 3), value, np.uint8) for value in (10, 20, 30)]
    sheet = np.asarray(grid(tiles, 2))
    assert sheet[::2, ::2, 0].tolist() == [[10, 20], [30, 0]]


def test_a_png_keeps_its_pixels_and_a_jpeg_is_a_jpeg(tmp_path):
    pixels = np.random.RandomState(0).randint(0, 256, (8, 8, 3), np.uint8)
    save_picture(Image.fromarray(pixels), tmp_path / "a.png")
    save_picture(Image.fromarray(pixels), tmp_path / "a.jpg")
    assert np.array_equal(np.asarray(Image.open(tmp_path / "a.png")), pixels)
    assert Image.open(tmp_path / "a.jpg").format == "JPEG"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.jpg", "a.png"]
