"""The sheet of a walk: which picture is where."""

import numpy as np
import torch

from adatune.augment.edits import make_edit
from adatune.checkpoints import LoadedNetworks
from adatune.latent.sampling import SamplingConfig, draw_pictures
from adatune.latent.steering import SteeringConfig, new_walk
from adatune.latent.steering_sheet import draw_rows, steering_sheet
from adatune.networks import Generator, NetworkConfig


def networks(aspect=1.0):
    torch.manual_seed(3)
    config = NetworkConfig(resolution=16, z_dim=8, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2)
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    return LoadedNetworks(config, None, None, generator, None, aspect, {})


def rows(loaded, alphas, seeds, square=False):
    edit = make_edit("brightness", 16)
    walk = new_walk(loaded.G_ema, edit, SteeringConfig())
    look = SamplingConfig(is_square=square)
    return list(draw_rows(loaded, edit, 0, "w+", walk, alphas, seeds, look))


def test_at_alpha_0_walk_and_edit_show_the_picture_of_the_seed():
    loaded, seeds = networks(), [3, 1, 4, 1, 5, 9]
    pictures = [
        np.asarray(picture, dtype=int) for _, picture in draw_pictures(loaded, seeds, SamplingConfig())
    ]
    for (walked, edited), expected in zip(rows(loaded, [-0.2, 0.0], seeds), pictures, strict=True):
        assert np.abs(np.asarray(walked[1], dtype=int) - expected).max() <= 1
        assert np.array_equal(np.asarray(walked[1]), np.asarray(edited[1]))
        assert not np.array_equal(np.asarray(walked[0]), np.asarray(walked[1]))


def test_the_edit_row_shows_the_edit_and_black_where_nothing_is_asked_for():
    loaded = networks()
    ((_, (edited, same)),) = rows(loaded, [0.2, 0.0], [7])
    difference = np.asarray(edited, dtype=int) - np.asarray(same, dtype=int)
    assert np.abs(difference[(np.asarray(edited) < 255) & (np.asarray(same) > 0)] - 25).max() <= 1
    edit = make_edit("zoom", 16)
    walk = new_walk(loaded.G_ema, edit, SteeringConfig())
    ((_, (far,)),) = draw_rows(loaded, edit, 0, "w+", walk, [4.0], [7], SamplingConfig())
    assert not np.asarray(far)[0].any()
    assert np.asarray(far)[8].any()


def test_seeds_go_down_in_pairs_and_portraits_stand_upright():
    loaded = networks(aspect=1.25)
    drawn = rows(loaded, [-1.0, 0.0, 1.0], [0, 1])
    assert drawn[0][0][0].size == (16, 20)
    assert rows(loaded, [0.0], [0], square=True)[0][0][0].size == (16, 16)
    sheet = steering_sheet(drawn, [0, 1], [-1.0, 0.0, 1.0], "words")
    assert sheet.height > 4 * 160
    assert sheet.width > 3 * 128
