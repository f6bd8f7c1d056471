"""Sheets with writing at the margins."""

import numpy as np
import pytest
from PIL import Image

from adatune.errors import UsageError
from adatune.latent.labelled_sheet import LARGEST_SIDE, check_side, labelled_sheet

COLOURS = [[(200, 0, 0), (0, 200, 0)], [(0, 0, 200), (200, 200, 0)]]


def sheet(size, **settings):
    pictures = [[Image.new("RGB", size, colour) for colour in row] for row in COLOURS]
    pictures[0][0] = None
    return np.asarray(labelled_sheet(pictures, ["7", "88"], ["", "4294967295"], "a network", **settings))


def places(pixels):
    """Where each colour is: left, top, right, bottom."""
    found = {}
    for row in COLOURS:
        for colour in row:
            y, x = np.nonzero((pixels == colour).all(axis=-1))
            if len(x):
                found[colour] = int(x.min()), int(y.min()), int(x.max()) + 1, int(y.max()) + 1
    return found


def dark(pixels):
    return (pixels.sum(axis=-1) < 250).any()


def test_a_picture_keeps_its_pixels_and_a_free_place_is_paper():
    found = places(sheet((160, 200)))
    assert (200, 0, 0) not in found
    assert [(right - left, bottom - top) for left, top, right, bottom in found.values()] == [(160, 200)] * 3


def test_pictures_stand_in_rows_and_columns_without_touching():
    found = places(sheet((160, 200)))
    top_right, below_left, below_right = found[0, 200, 0], found[0, 0, 200], found[200, 200, 0]
    assert top_right[0] == below_right[0] > below_left[2]
    assert below_left[1] == below_right[1] > top_right[3]


def test_sources_stand_apart():
    near, far = (places(sheet((160, 200), has_sources=apart)) for apart in (False, True))
    assert far[200, 200, 0][0] - far[0, 0, 200][2] >= 2 * (near[200, 200, 0][0] - near[0, 0, 200][2])


def test_small_pictures_are_enlarged_by_a_whole_number():
    found = places(sheet((32, 40)))
    assert found[0, 0, 200][2] - found[0, 0, 200][0] == 128
    assert found[0, 0, 200][3] - found[0, 0, 200][1] == 160


def test_labels_are_written_above_the_columns_and_left_of_the_rows_and_the_caption_below():
    pixels = sheet((160, 200))
    left, top, _, bottom = places(pixels)[0, 0, 200]
    second = places(pixels)[0, 200, 0]
    assert dark(pixels[: second[1], second[0] : second[2]])
    assert not dark(pixels[: second[1], left : left + 160])
    assert dark(pixels[top:bottom, :left])
    assert (pixels[bottom:] < 180).any()


def test_labels_stand_on_one_line_whether_or_not_their_letters_reach_below_it():
    def first_row_of_ink(label):
        picture = Image.new("RGB", (128, 128), (200, 0, 0))
        return (np.asarray(labelled_sheet([[picture]], [""], [label], "")).sum(axis=-1) < 250).any(1).argmax()

    assert first_row_of_ink("noon") == first_row_of_ink("noong") > 0


def test_a_label_wider_than_the_margin_widens_it_and_no_writing_leaves_the_sheet():
    picture = Image.new("RGB", (128, 128), (200, 0, 0))
    narrow = labelled_sheet([[picture]], [""], ["0"], "")
    wide = labelled_sheet([[picture]], ["4294967295"], ["0"], "a long line about what is shown here " * 2)
    assert wide.width > narrow.width
    edge = np.asarray(wide)
    assert len(np.unique(np.concatenate([edge[:, 0], edge[:, -1], edge[0], edge[-1]]), axis=0)) == 1


def test_a_sheet_that_no_file_can_hold_is_refused():
    check_side((LARGEST_SIDE, 1))
    with pytest.raises(UsageError, match=r"65501 x 1 pixels; .* Use fewer rows\."):
        check_side((LARGEST_SIDE + 1, 1), "Use fewer rows.")
