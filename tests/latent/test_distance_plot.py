"""The histogram has its bars where the numbers are."""

import numpy as np
import pytest

from adatune.latent import distance_plot as plot
from adatune.latent.distance_plot import distance_plot


def columns_of(picture, colour):
    pixels = np.asarray(picture)
    _, x = np.nonzero((pixels[120:] == colour).all(axis=-1))
    return x


def test_near_distances_are_left_of_far_ones_and_more_are_higher():
    near, far = [0.1] * 9 + [0.2] * 3, [0.5, 0.55, 0.6]
    picture = distance_plot({"generated": near, "photos": far}, "title", "scale")
    blue, orange = (columns_of(picture, colour) for colour in plot._COLOURS)
    assert blue.max() < np.quantile(orange, 0.5)
    pixels = np.asarray(picture)
    heights = (pixels == plot._COLOURS[0]).all(axis=-1)[120:].sum(axis=0)
    first, second = heights[blue.min() + 3], heights[blue.max() - 3]
    assert first == pytest.approx(3 * second, rel=0.1)


def test_the_scale_begins_at_zero_and_holds_the_largest():
    for largest in (0.0, 1e-4, 0.31, 2.0, 1234.0):
        picture = distance_plot({"all": [largest / 2, largest]}, "title", "scale")
        blue = columns_of(picture, plot._COLOURS[0])
        assert plot._LEFT <= blue.min() <= blue.max() <= picture.width - plot._RIGHT


@pytest.mark.parametrize(("step", "expected"), [(0.11, 0.2), (0.2, 0.2), (0.3, 0.5), (7, 10), (0.51, 1)])
def test_steps_are_round(step, expected):
    assert plot._round_step(step) == pytest.approx(expected)
