"""The operations that damage a picture: gains of four frequency bands, white noise, a missing square."""

from collections.abc import Mapping
from functools import lru_cache

import torch
from torch import Tensor

# Decomposition low-pass filter of the symlet with 2 vanishing moments (the same as Daubechies' with 2).
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
BANDS = 4
# Power of natural pictures in the four bands, lowest first: 1/f spectra give the lowest most of it.
EXPECTED_POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)


def filter_bank() -> Tensor:
    """The impulse responses of four bands, lowest first, [4, 43] float64; their sum is a unit impulse.

    Built from the quadrature-mirror pair of sym2: each octave stretches the bands below it, keeps their low
    part and adds the high part as a band of its own.
    Source: Karras et al. 2020, arXiv:2006.06676, appendix B.
    """
    low_pass = torch.tensor(SYM2, dtype=torch.float64)
    high_pass = low_pass * torch.tensor([1.0, -1.0, 1.0, -1.0], dtype=torch.float64)
    low, high = _autocorrelation(low_pass), _autocorrelation(high_pass)
    bank = torch.ones(1, 1, dtype=torch.float64)
    for _ in range(BANDS - 1):
        stretched = torch.zeros(len(bank), 2 * bank.shape[1] - 1, dtype=torch.float64)
        stretched[:, ::2] = bank
        bank = torch.stack([_convolve(band, low) for band in stretched])
        margin = (bank.shape[1] - len(high)) // 2
        bank = torch.cat([bank, torch.nn.functional.pad(high, [margin, margin])[None]])
    return bank


def band_gains(amounts: Mapping[str, Tensor]) -> Tensor:
    """The gains of the four bands of each image, lowest first, [batch, 4].

    Each band's gain is drawn on its own, and the four gains of each draw are divided by what they would do to
    the power of a natural picture.

    Args:
        amounts: columns filter_0 ... filter_3, exponents of 2, [batch] each; 0 leaves a band as it is.
    """
    exponents = torch.stack([amounts[f"filter_{band}"] for band in range(BANDS)], dim=-1)
    _, power = _bank_on(exponents.device, exponents.dtype)
    gain = torch.exp2(exponents)
    # The powers sum to 1, and each draw leaves all bands but one alone.
    effect = (power * gain.square() + (1 - power)).sqrt()
    return gain / effect.prod(dim=-1, keepdim=True)


def band_filters(gains: Tensor) -> Tensor:
    """The 1-D filter of each image, [batch, 43], from the gains of its bands, [batch, 4]."""
    bank, _ = _bank_on(gains.device, gains.dtype)
    return (gains[:, :, None] * bank).sum(dim=1)  # no product of matrices: TF32 would round the taps


def transform_bands(images: Tensor, filters: Tensor) -> Tensor:
    """Filter each image along both axes with its own symmetric filter; the border continues by reflection.

    Args:
        images: [batch, channels, height, width], any size.
        filters: [batch, 43].
    """
    rows = _filter_matrix(filters.to(images.dtype), images.shape[2])
    columns = _filter_matrix(filters.to(images.dtype), images.shape[3])
    return rows[:, None] @ images @ columns[:, None].transpose(-1, -2)


def add_noise(images: Tensor, sigma: Tensor, noise: Tensor) -> Tensor:
    """Add SIGMA [batch] times standard normal NOISE (of the images' shape)."""
    return images + noise.to(images.dtype) * sigma.to(images.dtype)[:, None, None, None]


def cut_out(images: Tensor, size: Tensor, center_x: Tensor, center_y: Tensor) -> Tensor:
    """Set a rectangle to 0 (mid grey).

    Args:
        images: [batch, channels, height, width].
        size: [batch], fraction of each side; 0 leaves the picture alone.
        center_x: [batch], fraction of the width.
        center_y: [batch], fraction of the height.
    """
    half = size[:, None] / 2
    x = _pixel_centers(images.shape[3], size) - center_x[:, None]
    y = _pixel_centers(images.shape[2], size) - center_y[:, None]
    keep = (x.abs() >= half)[:, None, None, :] | (y.abs() >= half)[:, None, :, None]
    return images * keep.to(images.dtype)


def _pixel_centers(side: int, like: Tensor) -> Tensor:
    return (torch.arange(side, device=like.device, dtype=like.dtype) + 0.5) / side


def _convolve(a: Tensor, b: Tensor) -> Tensor:
    return torch.nn.functional.conv1d(a[None, None], b.flip(0)[None, None], padding=len(b) - 1)[0, 0]


def _autocorrelation(f: Tensor) -> Tensor:
    return _convolve(f, f.flip(0)) / 2


@lru_cache(maxsize=8)
def _bank_on(device: torch.device, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    with torch.inference_mode(False):
        power = torch.tensor(EXPECTED_POWER, dtype=torch.float64)
        return filter_bank().to(dtype).to(device), power.to(dtype).to(device)


def _filter_matrix(filters: Tensor, side: int) -> Tensor:
    """Each filter with reflected borders as a matrix, [batch, side, side].

    A product of matrices costs more than a convolution but has cheap second derivatives; torch's own of a
    convolution with one filter per image loops over the images.
    """
    padded = torch.nn.functional.pad(filters, [0, 1])
    places = _tap_places(side, filters.shape[1], filters.device)
    matrix = padded[:, places[0]]
    for place in places[1:]:
        matrix = matrix + padded[:, place]
    return matrix


@lru_cache(maxsize=8)
def _tap_places(side: int, taps: int, device: torch.device) -> Tensor:
    """Which taps carry source pixel j to result pixel i, [reflections, side, side]; TAPS stands for none."""
    with torch.inference_mode(False):
        period = max(2 * side - 2, 1)
        pixel = torch.arange(side)
        counts = torch.zeros(side, side, dtype=torch.long)
        places = torch.full((taps, side, side), taps)
        for tap in range(taps):
            source = (pixel + tap - taps // 2).remainder(period)
            source = torch.minimum(source, period - source) if side > 1 else source
            places[counts[pixel, source], pixel, source] = tap
            counts[pixel, source] += 1
        return places[: int(counts.max())].clone().to(device)
