"""Sheets with words below each picture: every picture in its place, with ink below it."""

import numpy as np
import pytest
from PIL import Image

from adatune.errors import UsageError
from adatune.latent.captioned_sheet import captioned_sheet, columns_for
from adatune.latent.labelled_sheet import PAPER

COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200)]


def boxes(sheet):
    """Left, top, right, bottom of each colour."""
    pixels = np.asarray(sheet)
    found = []
    for colour in COLOURS:
        y, x = np.nonzero((pixels == colour).all(axis=-1))
        found.append((int(x.min()), int(y.min()), int(x.max()), int(y.max())))
    return found


@pytest.mark.parametrize("side", [32, 128, 300])
def test_pictures_lie_in_rows_in_their_order_and_small_ones_grow_by_whole_numbers(side):
    pictures = [Image.new("RGB", (side, side), colour) for colour in COLOURS]
    sheet = captioned_sheet(pictures, [("1", "score 2")] * 5, 3, "five")
    places = boxes(sheet)
    width = 128 if side == 32 else side
    assert all(right - left + 1 == width == bottom - top + 1 for left, top, right, bottom in places)
    assert [top for _, top, _, _ in places[:3]] == [places[0][1]] * 3
    assert places[0][0] < places[1][0] < places[2][0]
    assert [place[0] for place in places[3:]] == [place[0] for place in places[:2]]
    assert places[3][1] > places[0][3]


def test_each_caption_stands_below_its_picture_and_names_it():
    pictures = [Image.new("RGB", (128, 128), colour) for colour in COLOURS]
    words = [("12345", ""), ("", ""), ("", "distance 0.1"), ("", ""), ("", "")]
    sheet = captioned_sheet(pictures, words, 5, "")
    pixels = np.asarray(sheet)
    ink = [
        int((pixels[bottom + 1 :, left : right + 1] != PAPER).any(axis=-1).sum())
        for left, _, right, bottom in boxes(sheet)
    ]
    assert ink[0] > 50
    assert ink[2] > 50
    assert ink[1] == ink[3] == ink[4] == 0


def test_columns_fill_the_last_row_and_stay_near_three_to_two():
    for count in range(1, 200):
        columns = columns_for(count, 1.25)
        rows = -(-count // columns)
        assert 1 <= columns <= count
        if count >= 6:
            assert 0.7 < columns / (rows * 1.25) < 4, count
    assert columns_for(12, 1.25) in (4, 6)
    assert columns_for(15, 1.25) == 5
    assert columns_for(64, 1.0) == 8


def test_a_sheet_too_large_for_a_file_is_refused():
    with pytest.raises(UsageError, match="fewer pictures"):
        captioned_sheet([Image.new("RGB", (40000, 1))] * 2, [("", "")] * 2, 2, "")


def test_a_long_title_takes_lines_and_not_width():
    pictures = [Image.new("RGB", (128, 128), colour) for colour in COLOURS]
    short, long = (
        captioned_sheet(pictures, [("", "")] * 5, 5, title) for title in ("a word", "a word " * 60)
    )
    assert long.width == short.width
    assert long.height > short.height + 14
    ink = (np.asarray(long)[boxes(long)[0][3] + 40 :] != PAPER).any(axis=(0, 2))
    assert ink[-20:].sum() == 0
    assert ink.sum() > 300
