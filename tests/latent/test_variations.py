"""Sheets of variations: each place holds the picture of its seed and its setting."""

import numpy as np
import pytest
from PIL import Image
from tiny_networks import tiny_networks

import adatune
from adatune.errors import UsageError
from adatune.latent.sampling import SamplingConfig
from adatune.latent.variations import (
    class_sheet,
    deviations,
    draw_variations,
    noise_layer_sheet,
    noise_seed_sheet,
    parse_classes,
    save_variation_sheet,
    truncation_sweep,
)


def bytes_of(pictures):
    return [np.asarray(picture).tobytes() for picture in pictures]


def test_a_truncation_sweep_draws_what_generate_draws_at_each_psi():
    networks = tiny_networks()
    sweep = truncation_sweep(SamplingConfig(psi=0.3), None, networks.config)
    assert list(sweep.configs)[0::4] == ["psi -1", "psi 0", "psi 1"]
    expected = [picture for n in range(-4, 5) for picture in adatune.generate(networks, [1, 2], psi=n / 4)]
    assert bytes_of(draw_variations(networks, [1, 2], sweep)) == bytes_of(expected)
    assert bytes_of(expected)[8] == bytes_of(expected)[9], "at 0 all seeds are the mean"


def test_a_sweep_with_a_cutoff_leaves_the_other_layers_alone():
    sweep = truncation_sweep(SamplingConfig(), 3, tiny_networks().config)
    assert {config.layer_psi[3:] for config in sweep.configs.values()} == {(1.0,) * 5}
    assert next(config.layer_psi[:3] for config in sweep.configs.values()) == (-1,) * 3


def test_noise_seeds_draw_what_generate_draws_with_each():
    networks = tiny_networks()
    variations = noise_seed_sheet(SamplingConfig(), "3-4,9")
    expected = [adatune.generate(networks, [1], noise="random", noise_seed=seed)[0] for seed in (3, 4, 9)]
    drawn = bytes_of(draw_variations(networks, [1], variations))
    assert drawn == bytes_of(expected)
    assert len(set(drawn)) == 3


def test_noise_ranges_make_a_column_each():
    variations = noise_layer_sheet(SamplingConfig(), "all,none,16-", tiny_networks().config)
    assert list(variations.configs) == ["noise all", "noise none", "noise 16-"]
    assert len(set(bytes_of(draw_variations(tiny_networks(), [1], variations)))) == 3


def test_classes_are_rows_of_the_same_seeds():
    networks = tiny_networks(8, c_dim=3)
    assert parse_classes("all", networks.config) == [0, 1, 2]
    assert parse_classes("0-1", networks.config) == [0, 1]
    assert parse_classes(None, networks.config) == []
    variations = class_sheet(SamplingConfig(), [0, 2])
    assert variations.is_down
    expected = [picture for label in (0, 2) for picture in adatune.generate(networks, [4, 5], label=label)]
    assert bytes_of(draw_variations(networks, [4, 5], variations)) == bytes_of(expected)
    with pytest.raises(UsageError, match="without classes"):
        parse_classes("all", tiny_networks(8).config)


def test_deviations_are_those_of_numpy_and_scaled_alike():
    random = np.random.default_rng(0)
    stacks = random.integers(0, 256, (2, 5, 8, 8, 3), np.uint8)
    stacks[1] = stacks[1] // 4
    rows = [[Image.fromarray(pixels) for pixels in stack] for stack in stacks]
    pictures, gain = deviations(rows)
    expected = stacks.astype(float).mean(axis=-1).std(axis=1)
    assert gain == pytest.approx(240 / expected.max())
    for picture, deviation in zip(pictures, expected, strict=True):
        assert np.abs(np.asarray(picture)[:, :, 0] - deviation * gain).max() < 0.51
    still, gain = deviations([rows[0][:1] * 3])
    assert gain == 1
    assert np.asarray(still[0]).max() == 0


COLOURS = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0)]


@pytest.mark.parametrize("is_down", [False, True])
def test_the_places_of_a_sheet(tmp_path, is_down):
    pictures = [Image.new("RGB", (128, 128), colour) for colour in COLOURS]
    networks = tiny_networks(8, c_dim=2)
    if is_down:
        variations = class_sheet(SamplingConfig(), [0, 1])
    else:
        variations = noise_layer_sheet(SamplingConfig(), "all,none", networks.config)
    save_variation_sheet(pictures, [7, 8], variations, "caption", tmp_path / "new" / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "new" / "sheet.png"))
    corners = [np.argwhere((pixels == colour).all(axis=-1)).min(axis=0).tolist() for colour in COLOURS]
    first, second, third, fourth = corners  # setting by setting: seeds 7 and 8 of the first come first
    if not is_down:
        second, third = third, second
    assert first[0] == second[0] < third[0] == fourth[0]
    assert first[1] == third[1] < second[1] == fourth[1]


def test_a_sheet_of_noise_seeds_ends_with_where_they_differ(tmp_path):
    networks = tiny_networks(32)
    variations = noise_seed_sheet(SamplingConfig(), "0-2")
    drawn = list(draw_variations(networks, [1], variations))
    save_variation_sheet(drawn, [1], variations, "", tmp_path / "sheet.png")
    (column,), _ = deviations([drawn])
    large = np.asarray(column.resize((128, 128), Image.Resampling.BICUBIC))
    sheet = np.asarray(Image.open(tmp_path / "sheet.png"))
    found = [
        (y, x)
        for y, x in np.argwhere((sheet == large[0, 0]).all(axis=-1))
        if np.array_equal(sheet[y : y + 128, x : x + 128], large)
    ]
    assert len(found) == 1
    assert found[0][1] > 3 * 128
