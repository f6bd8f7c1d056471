import numpy as np
import pytest

from adatune.demo.checks import diversity, nearest_distance, small_copies

RANDOM = np.random.default_rng(0)
PICTURES = RANDOM.integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)


def test_pictures_of_the_set_and_their_mirror_images_are_at_distance_zero():
    assert nearest_distance(PICTURES[3:5], PICTURES) == 0
    assert nearest_distance(PICTURES[3:5, :, ::-1], PICTURES) == 0


def test_black_against_white_is_one():
    black, white = np.zeros((2, 32, 32, 3), np.uint8), np.full((3, 32, 32, 3), 255, np.uint8)
    assert nearest_distance(black, white) == 1


def test_one_picture_repeated_has_no_diversity():
    assert diversity(np.repeat(PICTURES[:1], 64, axis=0)) == 0


def test_diversity_is_the_mean_over_pairs():
    greys = np.stack([np.full((8, 8, 3), value, np.uint8) for value in (0, 51, 255)])
    assert diversity(greys) == pytest.approx((0.2 + 1.0 + 0.8) / 3)


def test_small_copies_average_blocks():
    copies = small_copies(PICTURES)
    assert copies.shape == (10, 192)
    assert copies[2].reshape(8, 8, 3)[1, 0, 2] == pytest.approx(PICTURES[2, 4:8, 0:4, 2].mean() / 255)
