"""How much of an edit was done to pictures: the strength that, asked of the edit itself, does the same.

It is searched for, picture by picture, over a range of strengths: so a shift comes out in pixels and a turn
in degrees, without a detector for what the pictures show. With the mean picture of a dataset for the source,
it tells how much the dataset itself varies that way.

It is the whole picture that is judged: exact zooms are found to 1%, but a walk that shrinks a head and leaves
shoulders and background alone achieves little (demo32, asked 1.41: 1.10; without the lower bound below 1.15).
"""

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from adatune.augment.edits import Edit, alphas_for, make_edit, masked_squares
from adatune.augment.lab import rgb_to_lab

_LARGEST_SIDE = 128  # pixels; larger pictures are reduced before they are compared
_CANDIDATES = 61  # strengths that are tried
_BEYOND = 1.25  # how far past the strengths at hand is searched
_PATCHES = 64  # of a picture that vary by themselves, about
_BRIGHTEST = 2.0  # slider of a colour that turns black to white


@dataclass(frozen=True)
class Spread:
    """How much pictures of a dataset differ in what an edit changes, in its alpha."""

    count: int
    deviation: float  # standard deviation, in slider units: the same thing for zoom as for the others
    low: float  # 5th percentile, alpha
    high: float  # 95th percentile, alpha


@torch.no_grad()
def achieved_sliders(edit: Edit, number: int, sources: Tensor, moved: Tensor, largest: float) -> Tensor:
    """The slider values at which EDIT does to SOURCES what was done in MOVED: [batch], on the CPU.

    Args:
        edit: what was meant to be done.
        number: of its sliders.
        sources: [batch or 1, channels, side, side] in [-1, 1].
        moved: [batch, channels, side, side], the same after.
        largest: the slider value, positive or negative, around which to search.
    """
    if edit.judged_by == "mean":
        return _by_mean(edit, number, sources, moved)
    side = moved.shape[-1]
    if edit.judged_by == "correlation" and side > _LARGEST_SIDE:
        sources, moved = (F.avg_pool2d(images, side // _LARGEST_SIDE) for images in (sources, moved))
        edit = make_edit(edit.name, _LARGEST_SIDE, moved.shape[1])  # sliders mean the same at any resolution
    sliders = np.linspace(-_BEYOND * largest, _BEYOND * largest, _CANDIDATES)
    scores = torch.stack([_score(edit, number, sources, moved, float(slider)) for slider in sliders])
    return _peak(torch.from_numpy(sliders), scores.cpu().double())


def spread_of(edit: Edit, number: int, photos: Tensor, largest: float) -> Spread:
    """How much PHOTOS [count, channels, side, side] differ in what EDIT changes, against their mean."""
    mean = photos.mean(dim=0, keepdim=True)
    sliders = achieved_sliders(edit, number, mean, photos, largest)
    low, high = (edit.alpha_of(float(sliders.quantile(share))) for share in (0.05, 0.95))
    return Spread(len(photos), float(sliders.std()), low, high)


def _score(edit: Edit, number: int, sources: Tensor, moved: Tensor, slider: float) -> Tensor:
    """How much MOVED looks as if EDIT had been done to SOURCES at SLIDER, [batch]."""
    alpha = edit.alpha_of(slider)
    target, mask = edit.apply(sources, alphas_for(edit, number, alpha))
    if edit.judged_by == "difference":
        return -masked_squares(moved, (target, mask))
    correlation = _correlation(target, mask, moved)
    # A few pixels are alike by chance, and so are blurs of a few: what counts is the lower end of where the
    # correlation lies, two standard errors down.
    seen = float(mask.mean()) * (min(1.0, alpha) ** 2 if edit.name == "zoom" else 1.0)
    return correlation - 2 * (1 - correlation.square()) / (_PATCHES * max(seen, 1e-3)) ** 0.5


def _by_mean(edit: Edit, number: int, sources: Tensor, moved: Tensor) -> Tensor:
    """The sliders that give the same mean of the channels, of what can be seen: values are cut to [-1, 1]."""

    def mean(images: Tensor) -> Tensor:
        seen = images.clamp(-1, 1)
        if edit.name == "colorlab":
            seen = rgb_to_lab((seen + 1) / 2)
        means = seen.mean(dim=(2, 3))
        return (means.mean(dim=1) if len(edit.labels) == 1 else means[:, number]).cpu().double()

    sliders = np.linspace(-_BRIGHTEST, _BRIGHTEST, 2 * _CANDIDATES - 1)
    candidates = [alphas_for(edit, number, edit.alpha_of(float(slider))) for slider in sliders]
    means = torch.stack([mean(edit.apply(sources, alphas)[0]) for alphas in candidates]).numpy()
    reached = mean(moved).numpy()
    columns = np.broadcast_to(means, (len(sliders), len(reached))).T
    return torch.tensor([_strength(value, row, sliders) for value, row in zip(reached, columns, strict=True)])


def _strength(value: float, means: NDArray[np.float64], sliders: NDArray[np.float64]) -> float:
    """The slider at which MEANS, one for each of SLIDERS, come to VALUE, or as near as they get to it."""
    # Only between the lowest and the highest mean: colours that sRGB lacks are cut, and beyond turn back.
    first, last = len(means) - 1 - int(means[::-1].argmin()), int(means.argmax())
    rising = slice(first, last + 1) if first < last else slice(None)
    return float(np.interp(value, means[rising], sliders[rising]))


def _correlation(target: Tensor, mask: Tensor, moved: Tensor) -> Tensor:
    """Pearson's correlation of MOVED and TARGET where the mask lets through, [batch]."""
    weight = mask.expand_as(target)
    total = weight.sum(dim=(1, 2, 3), keepdim=True).clamp_min(1)

    def centred(images: Tensor) -> Tensor:
        return weight * (images - (weight * images).sum(dim=(1, 2, 3), keepdim=True) / total)

    first, second = centred(target), centred(moved)
    product = (first * second).sum(dim=(1, 2, 3))
    sizes = first.square().sum(dim=(1, 2, 3)) * second.square().sum(dim=(1, 2, 3))
    return product / sizes.sqrt().clamp_min(1e-8)


def _peak(sliders: Tensor, scores: Tensor) -> Tensor:
    """Where SCORES [candidates, batch] are highest, between the candidates by a parabola through three."""
    best = scores.argmax(dim=0).clamp(1, len(sliders) - 2)
    columns = torch.arange(scores.shape[1])
    before, at, after = (scores[best + offset, columns] for offset in (-1, 0, 1))
    curvature = before - 2 * at + after
    offset = torch.where(curvature < 0, (before - after) / (2 * curvature).clamp(max=-1e-12), 0.0)
    return sliders[best] + offset.clamp(-1, 1) * (sliders[1] - sliders[0])
