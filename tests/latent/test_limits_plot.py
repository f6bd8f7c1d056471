"""The plot of limits: what is where on it."""

import numpy as np

from adatune.augment.edits import make_edit
from adatune.latent.limits_plot import limits_plot
from adatune.latent.steering_limits import Limit, Limits
from adatune.metrics.achieved import Spread

GREEN_SHADE, BAND, ORANGE = (237, 243, 231), (246, 228, 205), (196, 98, 45)


def plot(low=-2.0, high=2.0, spread=None, max_kid=None, name="shiftx"):
    edit = make_edit(name, 32)
    rows = tuple(
        Limit(
            a,
            edit.slider_of(a),
            a / 2,
            a / 2 - 0.2,
            a / 2 + 0.2,
            0.5,
            abs(a),
            1.0 if a else None,
            abs(a) / 100,
        )
        for a in (-4.0, -2.0, 0.0, 2.0, 4.0)
    )
    limits = Limits(name, edit.unit, rows, low, high, ("", ""), "discriminator", 64, 0.7, max_kid, spread)
    return np.asarray(limits_plot(limits, edit.slider_of, edit.alpha_of, "words"))


def count(picture, colour):
    return int((picture == colour).all(axis=-1).sum())


def test_the_recommended_range_is_shaded_as_wide_as_it_is():
    narrow, wide = count(plot(), GREEN_SHADE), count(plot(-4, 4), GREEN_SHADE)
    assert 1.7 < wide / narrow < 2.3


def test_the_spread_of_a_dataset_lies_behind_what_is_achieved():
    assert count(plot(), BAND) == 0
    assert count(plot(spread=Spread(40, 0.1, -1.0, 1.0)), BAND) > 10_000


def test_a_bound_of_kid_is_drawn_across():
    bounded, free = plot(max_kid=0.03), plot()
    across = (bounded == ORANGE).all(axis=-1).sum(axis=1).max()
    assert across > 700 > (free == ORANGE).all(axis=-1).sum(axis=1).max()


def test_nothing_of_the_plot_leaves_its_paper():
    picture = plot(spread=Spread(40, 0.1, -100.0, 100.0))
    assert (picture[:, :8] == (250, 248, 244)).all()
    assert (picture[:, -8:] == (250, 248, 244)).all()


def test_the_line_of_steps_leaves_out_the_unmoved_picture_which_has_none():
    columns = (plot()[460:660] == ORANGE).all(axis=-1).any(axis=0).nonzero()[0]  # the middle panel
    assert columns.min() < 110 < 850 < columns.max()
    assert np.diff(columns).max() > 300


def test_lines_are_smooth_and_thin_ones_stay_visible():
    panel = plot()[117:356, 110:860].reshape(-1, 3).astype(int)
    shades = np.unique(panel[(panel[:, 2] - panel[:, 0]) > 0], axis=0)  # the blue line over the paper
    assert len(shades) > 10
