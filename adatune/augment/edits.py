"""Edits of pictures with a known strength: what steering asks a generator to imitate, and where to judge it.

Each edit turns pictures and a strength alpha into target pictures and a mask: 0 where the target has no pixel
of the source, so that what a generator paints there is its own affair. Shifts count pixels, 50 of them at a
resolution of 256 and in proportion elsewhere. Targets carry no gradient.

Source: Jahanian et al. 2020, arXiv:1907.07171, with the ranges of its published code. That turns about a
point half a pixel right of and below the centre, and zooms to whole pixels; here both are exact.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from adatune.augment.lab import lab_to_rgb, rgb_to_lab
from adatune.errors import UsageError

Floats = NDArray[np.float64]
Targets = tuple[Tensor, Tensor]  # pictures and mask, both [batch, channels or 1, height, width]
Matrix = list[list[Tensor]]  # rows of numbers, each [batch or 1]

_SHIFT_AT_256 = 50.0  # pixels that slider 1 stands for
_TURN = 45.0  # degrees that slider 1 stands for
_LEAST_WEIGHT = 1 / 64  # of a source pixel, for a target pixel to count: bilinear weights come in 32nds there
_OUTSIDE = 4.0  # a place beyond any picture, which ends at 1
_LAB = (50.0, 128.0, 128.0)  # of L, a and b, that slider 1 stands for
NAMES = ("zoom", "shiftx", "shifty", "brightness", "color", "colorlab", "rotate2d", "rotate3d")


@dataclass(frozen=True)
class Edit:
    """One edit at one resolution. A slider is what a walk is moved by; alpha is what people ask for."""

    name: str
    unit: str  # of alpha
    labels: tuple[str, ...]  # one a slider
    identity: float  # the alpha that changes nothing; slider 0
    alpha_per_slider: float | None  # None: alpha is a ratio, and a slider its logarithm
    draw: Callable[[np.random.Generator, int], Floats]  # alphas to learn from, [batch or 1, sliders]
    apply: Callable[
        [Tensor, Tensor], Targets
    ]  # pictures [batch, channels, h, w], alphas [batch or 1, sliders]
    step: float  # of a nonlinear walk, in slider units
    step_count: int  # steps that a nonlinear walk learns, either way
    shown: tuple[float, ...]  # alphas that limits are measured at
    # How to see in two pictures what was done: the mean of what its sliders add to, or the alpha at which the
    # edit of one correlates best with the other or differs least from it.
    judged_by: str = "correlation"  # mean, correlation, difference

    def slider_of(self, alpha: float) -> float:
        """The slider value that means ALPHA. Raises ValueError for a ratio that is not above 0."""
        if self.alpha_per_slider is None:
            return math.log(alpha)
        return (alpha - self.identity) / self.alpha_per_slider

    def alpha_of(self, slider: float) -> float:
        """The alpha that SLIDER means."""
        return float(self.alphas_of(torch.tensor(slider, dtype=torch.float64)))

    def alphas_of(self, sliders: Tensor) -> Tensor:
        """The alpha that each of SLIDERS means, on their device."""
        if self.alpha_per_slider is None:
            return sliders.exp()
        return self.identity + sliders * self.alpha_per_slider


def make_edit(name: str, resolution: int, channels: int = 3) -> Edit:
    """The edit called NAME (one of `NAMES`) for pictures of RESOLUTION with CHANNELS.

    Raises:
        KeyError: there is no such edit.
        UsageError: it is one of colours that these pictures do not have.
    """
    return _MAKERS[name](name, resolution, channels)


def alphas_for(edit: Edit, number: int, alpha: float, device: torch.device | None = None) -> Tensor:
    """Alphas [1, sliders] that move slider NUMBER of EDIT to ALPHA and leave the others."""
    row = [alpha if index == number else edit.identity for index in range(len(edit.labels))]
    return torch.tensor([row], device=device)


def edited_photos(name: str, photos: Tensor, alphas: Tensor) -> Tensor:
    """PHOTOS as if they had been taken so: the edit NAME, mirrored where they end, nothing above white.

    Args:
        name: of the edit.
        photos: [batch, channels, height, width] in [-1, 1].
        alphas: [batch or 1, sliders].
    """
    if name in _INVERSES:
        return _warp(photos, _INVERSES[name](alphas[:, 0], photos), "reflection")[0]
    return (add_lab if name == "colorlab" else add)(photos, alphas)[0].clamp(-1, 1)


def moved(name: str, images: Tensor, alphas: Tensor) -> Targets:
    """IMAGES shifted, turned or zoomed by the edit NAME, each by its own of ALPHAS [batch or 1, 1]."""
    target, mask = _warp(images, _INVERSES[name](alphas[:, 0], images), "border")
    return target * mask, mask  # going on at the border: mixed with zeros, a picture would have a grey frame


def add(images: Tensor, alphas: Tensor) -> Targets:
    """IMAGES with ALPHAS [batch or 1, channels or 1] added to the channels; nothing is clipped."""
    return images + alphas.to(images)[:, :, None, None], torch.ones_like(images[:, :1])


def add_lab(images: Tensor, alphas: Tensor) -> Targets:
    """IMAGES with ALPHAS [batch or 1, 3] times 50, 128 and 128 added to L, a and b.

    Colours that sRGB lacks are cut to it: the curve of sRGB goes on so steeply below black that they would
    outweigh all that can be seen.
    """
    columns = zip(alphas.to(images).unbind(dim=1), _LAB, strict=True)
    added = torch.stack([column * unit for column, unit in columns], dim=1)[:, :, None, None]
    lab = rgb_to_lab((images.clamp(-1, 1) + 1) / 2) + added
    return lab_to_rgb(lab) * 2 - 1, torch.ones_like(images[:, :1])


def masked_squares(images: Tensor, targets: Targets) -> Tensor:
    """The mean square of what differs between IMAGES and TARGETS where the mask lets through, [batch]."""
    target, mask = targets
    weight = mask.expand_as(images)
    total = weight.sum(dim=(1, 2, 3)).clamp_min(1)
    return (weight * (images - target).square()).sum(dim=(1, 2, 3)) / total


# From places in a result to places in its source, in pixels from the centre.


def _shift_inverse(x: Tensor, y: Tensor) -> Matrix:
    """X pixels further right and Y further down."""
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return [[one, zero, -x], [zero, one, -y], [zero, zero, one]]


def _rotation_inverse(degrees: Tensor) -> Matrix:
    """Turned about the centre, anticlockwise."""
    cosine, sine, zero = degrees.deg2rad().cos(), degrees.deg2rad().sin(), torch.zeros_like(degrees)
    return [[cosine, -sine, zero], [sine, cosine, zero], [zero, zero, torch.ones_like(zero)]]


def _turn_inverse(degrees: Tensor, images: Tensor) -> Matrix:
    """Turned in space about the upright middle line and seen in perspective.

    The eye is as far away as the picture's diagonal is long; for positive angles the right side comes nearer.
    """
    radians, zero, one = degrees.deg2rad(), torch.zeros_like(degrees), torch.ones_like(degrees)
    distance = math.hypot(*images.shape[2:])
    # A point (x, y) of the plane lies at (x cos, y, -x sin) after the turn and is seen scaled by d / (d + z).
    return [[1 / radians.cos(), zero, zero], [zero, one, zero], [radians.tan() / distance, zero, one]]


def _zoom_inverse(ratio: Tensor) -> Matrix:
    """Cropped to RATIO of the side (below 1: nearer) or put on a larger canvas (above: further)."""
    zero, one = torch.zeros_like(ratio), torch.ones_like(ratio)
    return [[ratio, zero, zero], [zero, ratio, zero], [zero, zero, one]]


_INVERSES: dict[str, Callable[[Tensor, Tensor], Matrix]] = {
    "shiftx": lambda alphas, images: _shift_inverse(alphas, torch.zeros_like(alphas)),
    "shifty": lambda alphas, images: _shift_inverse(torch.zeros_like(alphas), alphas),
    "rotate2d": lambda alphas, images: _rotation_inverse(alphas),
    "rotate3d": _turn_inverse,
    "zoom": lambda alphas, images: _zoom_inverse(alphas),
}


def _warp(images: Tensor, inverse: Matrix, fill: str) -> Targets:
    """IMAGES under a projective map each, bilinear, with their border or their reflection around them.

    Returns the results, and what of them comes from the images.
    """
    height, width = images.shape[2:]
    matrices = torch.stack([torch.stack(row, dim=-1) for row in inverse], dim=-2).to(images)
    y, x = torch.meshgrid(
        torch.arange(height, dtype=images.dtype, device=images.device) - (height - 1) / 2,
        torch.arange(width, dtype=images.dtype, device=images.device) - (width - 1) / 2,
        indexing="ij",
    )
    places = torch.stack([x, y, torch.ones_like(x)], dim=-1) @ matrices[:, None].mT
    depth = places[..., 2:]  # 0 and below for what a strong turn brings behind the eye
    half = torch.stack([images.new_full([], width / 2), images.new_full([], height / 2)])
    grid = torch.where(depth > 1e-6, places[..., :2] / depth.clamp(min=1e-6) / half, _OUTSIDE)
    grid = grid.clamp(-_OUTSIDE, _OUTSIDE)

    def sampled(values: Tensor, padding: str) -> Tensor:
        # Not the default mode of corners: places are centres of pixels, and a picture ends half one further.
        return F.grid_sample(values, grid.expand(len(values), -1, -1, -1), "bilinear", padding, False)

    seen = sampled(images.new_ones(len(grid), 1, height, width), "zeros") > _LEAST_WEIGHT
    return sampled(images, fill), seen.to(images.dtype).expand(len(images), -1, -1, -1)


def evenly(first: float, last: float, count: int = 9) -> tuple[float, ...]:
    """COUNT alphas from FIRST to LAST; rounded, so that the middle of symmetric ones is 0."""
    return tuple(round(float(value), 6) for value in np.linspace(first, last, count))


def _whole_numbers(largest: int) -> Callable[[np.random.Generator, int], Floats]:
    """Draws 1 to LARGEST - 1 with a random sign, one a batch. Whole pixels: halves would ask for blur."""

    def draw(random: np.random.Generator, batch: int) -> Floats:
        size = int(random.integers(1, max(2, largest)))
        return np.array([[size if random.random() < 0.5 else -size]], dtype=np.float64)

    return draw


def _shift_edit(name: str, resolution: int, channels: int) -> Edit:
    largest = _SHIFT_AT_256 * resolution / 256
    draw, shown = _whole_numbers(round(largest)), evenly(-2 * largest, 2 * largest)
    return Edit(name, "pixels", (name,), 0.0, largest, draw, partial(moved, name), 0.2, 5, shown)


def _turning_edit(name: str, resolution: int, channels: int) -> Edit:
    # Published limits of rotate3d go to 720 degrees; from 90 on the back would be seen, which no picture has.
    draw, shown = _whole_numbers(int(_TURN)), evenly(-90, 90) if name == "rotate2d" else evenly(-80, 80)
    return Edit(name, "degrees", (name,), 0.0, _TURN, draw, partial(moved, name), 10 / _TURN, 5, shown)


def _zoom_edit(name: str, resolution: int, channels: int) -> Edit:
    def draw(random: np.random.Generator, batch: int) -> Floats:
        return np.array([[random.uniform(0.25, 1) if random.random() < 0.5 else random.uniform(1, 4)]])

    shown = tuple(round(2.0**power, 6) for power in np.linspace(-2, 2, 9))
    step, unit = math.log(1.41), "crop side / picture side"
    return Edit(name, unit, (name,), 1.0, None, draw, partial(moved, name), step, 4, shown)


def _color_edit(name: str, resolution: int, channels: int) -> Edit:
    labels = ("red", "green", "blue") if name == "color" and channels == 3 else (name,)

    def draw(random: np.random.Generator, batch: int) -> Floats:
        return random.uniform(-0.5, 0.5, (batch, len(labels)))

    return Edit(name, "x 127.5 levels", labels, 0.0, 1.0, draw, add, 0.1, 5, evenly(-1, 1), "mean")


def _lab_edit(name: str, resolution: int, channels: int) -> Edit:
    if channels != 3:
        raise UsageError("colorlab needs pictures in colour, and this network draws none. Use brightness.")
    edit, unit = _color_edit("color", resolution, channels), "x 50 of L, x 128 of a and b"
    return replace(edit, name=name, unit=unit, labels=("L", "a", "b"), apply=add_lab)


_MAKERS: dict[str, Callable[[str, int, int], Edit]] = {
    "zoom": _zoom_edit,
    "shiftx": _shift_edit,
    "shifty": _shift_edit,
    "brightness": _color_edit,
    "color": _color_edit,
    "colorlab": _lab_edit,
    "rotate2d": _turning_edit,
    "rotate3d": _turning_edit,
}
