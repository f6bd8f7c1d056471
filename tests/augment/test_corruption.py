"""Filter bank against the published one and numpy's padding; noise and cutout by counting."""

import numpy as np
import pytest
import torch
from vectors import read_vectors

from adatune.augment.corruption import (
    add_noise,
    band_filters,
    band_gains,
    cut_out,
    filter_bank,
    transform_bands,
)


def gains(*exponents: float) -> dict[str, torch.Tensor]:
    return {f"filter_{band}": torch.tensor([float(exponent)]) for band, exponent in enumerate(exponents)}


def test_the_bank_is_the_published_one():
    torch.testing.assert_close(
        filter_bank().float(), read_vectors("augment")["const.filter_bank"], atol=1e-7, rtol=0
    )


def test_the_bands_add_up_to_the_picture_itself():
    impulse = torch.zeros(43, dtype=torch.float64)
    impulse[21] = 1
    torch.testing.assert_close(filter_bank().sum(0), impulse, atol=1e-10, rtol=0)
    torch.testing.assert_close(
        band_filters(band_gains(gains(0, 0, 0, 0)))[0].double(), impulse, atol=1e-6, rtol=0
    )


def test_natural_pictures_keep_their_power():
    # A 1/f picture has powers 10:1:1:1 in the bands; each draw's gains are divided by their effect on that.
    filters = band_filters(band_gains(gains(1.5, 0, 0, 0)))[0].double()
    low_gain = filters.sum().item()  # the response at frequency 0
    high_gain = (filters * torch.tensor([1.0, -1.0] * 21 + [1.0])).sum().abs().item()  # and at the highest
    assert low_gain / high_gain == pytest.approx(2**1.5, rel=1e-5)
    assert (10 * low_gain**2 + 3 * high_gain**2) / 13 == pytest.approx(1, rel=1e-5)


@pytest.mark.parametrize("size", [(32, 24), (9, 5), (1, 2), (22, 64)])
def test_filtering_equals_numpys_reflection_at_every_size(size: tuple[int, int]):
    images = torch.randn(2, 3, *size, dtype=torch.float64, generator=torch.manual_seed(1))
    exponents = {f"filter_{i}": torch.tensor([0.5 * i - 1, 1.0 - i], dtype=torch.float64) for i in range(4)}
    filters = band_filters(band_gains(exponents))
    ours = transform_bands(images, filters)
    for image, ours_of_image, taps in zip(images.numpy(), ours.numpy(), filters.numpy(), strict=True):
        for channel, result in zip(image, ours_of_image, strict=True):
            padded = np.pad(channel, 21, mode="reflect")
            across = np.apply_along_axis(np.convolve, 1, padded, taps, mode="valid")
            expected = np.apply_along_axis(np.convolve, 0, across, taps, mode="valid")
            np.testing.assert_allclose(result, expected, atol=1e-10)


def test_noise_has_the_spread_asked_for():
    noise = torch.randn(2, 3, 64, 64, generator=torch.manual_seed(2))
    noisy = add_noise(torch.zeros(2, 3, 64, 64), torch.tensor([0.0, 0.25]), noise)
    assert noisy[0].abs().max() == 0
    assert noisy[1].std().item() == pytest.approx(0.25, rel=0.03)


def test_cutout_removes_a_square_where_it_should():
    images = torch.ones(2, 1, 8, 16)
    size, x, y = torch.tensor([0.5, 0.0]), torch.tensor([0.25, 0.5]), torch.tensor([0.75, 0.5])
    expected = torch.ones(8, 16)
    expected[4:8, 0:8] = 0
    cut = cut_out(images, size, x, y)
    assert torch.equal(cut[0, 0], expected)
    assert torch.equal(cut[1], images[1])


def test_cutout_at_a_corner_keeps_three_quarters_and_more():
    cut = cut_out(torch.ones(1, 1, 16, 16), torch.tensor([0.5]), torch.tensor([0.0]), torch.tensor([1.0]))
    assert cut.mean().item() == 1 - 1 / 16
    assert cut[0, 0, -1, 0] == 0
