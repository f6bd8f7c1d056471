"""Edits of pictures with a known strength: what steering asks a generator to imitate, and where to judge it.

Each edit turns pictures and a strength alpha into target pictures and a mask: 0 where the target has no pixel
of the source, so that what a generator paints there is its own affair. Shifts count pixels, 50 of them at a
resolution of 256 and in proportion elsewhere. Targets carry no gradient.

Source: Jahanian et al. 2020, arXiv:1907.07171, with the ranges of its published code. That turns about a
point half a pixel right of and below the centre; here pictures turn about the centre itself.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float64]
Targets = tuple[Tensor, Tensor]  # pictures and mask, both [batch, channels or 1, height, width]

_SHIFT_AT_256 = 50.0  # pixels that slider 1 stands for
_TURN = 45.0  # degrees that slider 1 stands for
_LEAST_WEIGHT = 1 / 64  # of a source pixel, for a target pixel to count: bilinear weights come in 32nds there
NAMES = ("zoom", "shiftx", "shifty", "brightness", "color", "rotate2d", "rotate3d")


@dataclass(frozen=True)
class Edit:
    """One edit at one resolution. A slider is what a walk is moved by; alpha is what people ask for."""

    name: str
    unit: str  # of alpha
    labels: tuple[str, ...]  # one a slider
    identity: float  # the alpha that changes nothing; slider 0
    slider_of: Callable[[float], float]
    alpha_of: Callable[[float], float]  # the other way
    draw: Callable[[np.random.Generator, int], Floats]  # alphas to learn from, [batch or 1, sliders]
    apply: Callable[
        [Tensor, Tensor], Targets
    ]  # pictures [batch, channels, h, w], alphas [batch or 1, sliders]
    step: float  # of a nonlinear walk, in slider units
    step_count: int  # steps that a nonlinear walk learns, either way
    shown: tuple[float, ...]  # alphas that limits are measured at
    # How to see in two pictures what was done: the mean of their channels, or the alpha at which the edit of
    # one correlates best with the other or differs least from it.
    judged_by: str = "correlation"  # mean, correlation, difference


def make_edit(name: str, resolution: int, channels: int = 3) -> Edit:
    """The edit called NAME (one of `NAMES`) for pictures of RESOLUTION with CHANNELS.

    Raises:
        KeyError: there is no such edit.
    """
    return _MAKERS[name](name, resolution, channels)


def alphas_for(edit: Edit, number: int, alpha: float, device: torch.device | None = None) -> Tensor:
    """Alphas [1, sliders] that move slider NUMBER of EDIT to ALPHA and leave the others."""
    row = [alpha if index == number else edit.identity for index in range(len(edit.labels))]
    return torch.tensor([row], device=device)


def shift(images: Tensor, x: float, y: float) -> Targets:
    """IMAGES X pixels further right and Y further down."""
    return warp(images, np.array([[1, 0, x], [0, 1, y], [0, 0, 1]], dtype=np.float64))


def rotate(images: Tensor, degrees: float) -> Targets:
    """IMAGES turned about their centre, anticlockwise."""
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    return warp(images, np.array([[cosine, sine, 0], [-sine, cosine, 0], [0, 0, 1]]))


def turn(images: Tensor, degrees: float) -> Targets:
    """IMAGES turned in space about their upright middle line and seen in perspective.

    The eye is as far away as the picture's diagonal is long; for positive angles the right side comes nearer.
    """
    cosine, sine = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    distance = math.hypot(*images.shape[2:])
    # A point (x, y) of the plane lies at (x cos, y, -x sin) after the turn and is seen scaled by d / (d + z).
    return warp(images, np.array([[cosine, 0, 0], [0, 1, 0], [-sine / distance, 0, 1]]))


def zoom(images: Tensor, ratio: float) -> Targets:
    """IMAGES cropped to RATIO of their side (below 1: nearer) or put on a larger canvas (above: further)."""
    side = images.shape[-1]
    new = max(1, int(ratio * side))
    ones = torch.ones_like(images[:, :1])
    if new < side:
        start = (side - new) // 2
        return _resize(images[:, :, start : start + new, start : start + new], side), ones
    before = (new - side) // 2
    border = [before, new - side - before] * 2
    return _resize(F.pad(images, border), side), _binary(_resize(F.pad(ones, border), side))


def add(images: Tensor, alphas: Tensor) -> Targets:
    """IMAGES with ALPHAS [batch or 1, channels or 1] added to the channels; nothing is clipped."""
    return images + alphas.to(images)[:, :, None, None], torch.ones_like(images[:, :1])


def warp(images: Tensor, matrix: Floats) -> Targets:
    """IMAGES under a projective map, bilinear, zeros outside; and what of the result comes from them.

    Args:
        images: [batch, channels, height, width].
        matrix: from places in the source to places in the result, [3, 3], in pixels from the centre.
    """
    height, width = images.shape[2:]
    inverse = torch.from_numpy(np.linalg.inv(matrix))
    y, x = torch.meshgrid(
        torch.arange(height, dtype=torch.float64) - (height - 1) / 2,
        torch.arange(width, dtype=torch.float64) - (width - 1) / 2,
        indexing="ij",
    )
    places = torch.stack([x, y, torch.ones_like(x)], dim=-1) @ inverse.T
    # What a strong turn brings behind the eye is nowhere: 4 is well outside, where a picture ends at 1.
    depth = places[..., 2:]
    scale = torch.tensor([2 / width, 2 / height], dtype=torch.float64)
    grid = torch.where(depth > 1e-6, places[..., :2] / depth.clamp(min=1e-6) * scale, 4.0).clamp(-4, 4)
    grid = grid.to(images.dtype).to(images.device)[None]  # in this order: MPS knows no float64

    def sampled(values: Tensor) -> Tensor:
        # Not the default mode of corners: places are centres of pixels, and a picture ends half one further.
        return F.grid_sample(values, grid.expand(len(values), -1, -1, -1), "bilinear", "zeros", False)

    return sampled(images), _binary(sampled(torch.ones_like(images[:1, :1]))).expand(len(images), -1, -1, -1)


def _resize(images: Tensor, side: int) -> Tensor:
    return F.interpolate(images, size=(side, side), mode="bilinear", align_corners=False)


def _binary(mask: Tensor) -> Tensor:
    return (mask > _LEAST_WEIGHT).to(mask.dtype)


def _only(alphas: Tensor) -> float:
    if alphas.numel() != 1:
        raise ValueError(f"all pictures of a batch are moved alike; got alphas {list(alphas.shape)}")
    return float(alphas)


def linear_slider(largest: float) -> tuple[Callable[[float], float], Callable[[float], float]]:
    """The maps between an alpha around 0 and a slider that is 1 at alpha LARGEST."""
    return lambda alpha: alpha / largest, lambda slider: slider * largest


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

    def apply(images: Tensor, alphas: Tensor) -> Targets:
        return shift(images, _only(alphas), 0) if name == "shiftx" else shift(images, 0, _only(alphas))

    draw, shown = _whole_numbers(round(largest)), evenly(-2 * largest, 2 * largest)
    return Edit(
        name, "pixels", (name,), 0.0, *linear_slider(largest), draw, apply, 0.2, 5, shown
    )  # fmt: skip


def _rotate2d_edit(name: str, resolution: int, channels: int) -> Edit:
    def apply(images: Tensor, alphas: Tensor) -> Targets:
        return rotate(images, _only(alphas))

    draw, step = _whole_numbers(int(_TURN)), 10 / _TURN
    return Edit(name, "degrees", (name,), 0.0, *linear_slider(_TURN), draw, apply, step, 5, evenly(-90, 90))


def _rotate3d_edit(name: str, resolution: int, channels: int) -> Edit:
    def apply(images: Tensor, alphas: Tensor) -> Targets:
        return turn(images, _only(alphas))

    # Published limits go to 720 degrees; from 90 on the back would be seen, which no picture has.
    draw, step = _whole_numbers(int(_TURN)), 10 / _TURN
    return Edit(name, "degrees", (name,), 0.0, *linear_slider(_TURN), draw, apply, step, 5, evenly(-80, 80))


def _zoom_edit(name: str, resolution: int, channels: int) -> Edit:
    def apply(images: Tensor, alphas: Tensor) -> Targets:
        return zoom(images, _only(alphas))

    def draw(random: np.random.Generator, batch: int) -> Floats:
        return np.array([[random.uniform(0.25, 1) if random.random() < 0.5 else random.uniform(1, 4)]])

    shown = tuple(round(2.0**power, 6) for power in np.linspace(-2, 2, 9))
    step, unit = math.log(1.41), "crop side / picture side"
    return Edit(
        name, unit, (name,), 1.0, math.log, math.exp, draw, apply, step, 4, shown
    )  # fmt: skip


def _color_edit(name: str, resolution: int, channels: int) -> Edit:
    labels = ("red", "green", "blue") if name == "color" and channels == 3 else (name,)

    def draw(random: np.random.Generator, batch: int) -> Floats:
        return random.uniform(-0.5, 0.5, (batch, len(labels)))

    return Edit(
        name, "x 127.5 levels", labels, 0.0, *linear_slider(1.0), draw, add, 0.1, 5, evenly(-1, 1), "mean"
    )  # fmt: skip


_MAKERS: dict[str, Callable[[str, int, int], Edit]] = {
    "zoom": _zoom_edit,
    "shiftx": _shift_edit,
    "shifty": _shift_edit,
    "brightness": _color_edit,
    "color": _color_edit,
    "rotate2d": _rotate2d_edit,
    "rotate3d": _rotate3d_edit,
}
