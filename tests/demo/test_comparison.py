import numpy as np

from adatune.demo.comparison import comparison

RED = np.zeros((16, 32, 32, 3), np.uint8)
RED[..., 0] = 255
GREEN = RED[..., [1, 0, 2]]


def test_panels_stand_side_by_side_in_order():
    sheet = np.asarray(comparison({"One": ("red", RED), "Two": ("green", GREEN)}, 1.25))
    red = (sheet == [255, 0, 0]).all(axis=2)
    green = (sheet == [0, 255, 0]).all(axis=2)
    assert np.flatnonzero(red.any(0)).max() < np.flatnonzero(green.any(0)).min()


def test_pictures_get_their_aspect_back():
    sheet = np.asarray(comparison({"One": ("red", RED[:1])}, 1.25))
    red = (sheet == [255, 0, 0]).all(axis=2)
    height, width = red.any(1).sum(), red.any(0).sum()
    assert height == 1.25 * width


def test_titles_are_written_above_the_pictures():
    sheet = np.asarray(comparison({"One": ("red", RED)}, 1.25)).astype(int)
    first_row = np.flatnonzero((sheet == [255, 0, 0]).all(axis=2).any(1)).min()
    assert sheet[:first_row].sum(axis=2).min() < 200
