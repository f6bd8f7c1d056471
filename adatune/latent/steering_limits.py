"""How far a walk carries: what it achieves of what is asked, and what that costs, strength by strength.

Sources: Jahanian et al. 2020, arXiv:1907.07171 (achieved change, and its bound by the spread of the training
set); the fall of the distance between neighbouring strengths, where a walk has nothing left to change.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from math import isfinite
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adatune.augment.edits import Edit
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent.sampling import averaged_generator, one_hot
from adatune.latent.steering import repeatable
from adatune.metrics.achieved import Spread, achieved_sliders
from adatune.metrics.distances import kernel_distance, perceptual_distance
from adatune.metrics.features import Features
from adatune.networks.walks import Walk, start, to_ws

_BATCH = 16  # pictures at a time; fixed, so that the last bits do not follow it
LEAST_STEP = 0.15  # of the largest distance between neighbours, per slider unit: below, a walk has ended


@dataclass(frozen=True)
class LimitsConfig:
    """How limits are measured."""

    samples: int = 256  # pictures a strength
    psi: float = 0.7  # truncation of the pictures
    max_kid: float | None = None  # largest KID against alpha 0 in the recommended range, not times 1000
    label: int | None = None  # class, for networks trained with labels
    seed: int = 1_000_000  # of the latents, which the walk was not learned from

    def __post_init__(self) -> None:
        if not 4 <= self.samples <= 100_000:
            raise UsageError(f"--limit-samples {self.samples} is out of range: from 4 to 100000.")
        if self.max_kid is not None and not (isfinite(self.max_kid) and self.max_kid > 0):
            raise UsageError(f"--max-kid {self.max_kid} must be above 0.")


@dataclass(frozen=True)
class Limit:
    """What a walk does at one strength; distances are squared ones, as LPIPS is."""

    alpha: float  # asked
    slider: float  # what the walk is moved by for it
    achieved: float  # alpha, the median over the pictures
    achieved_low: float  # first quartile
    achieved_high: float  # third quartile
    share: float | None  # achieved of asked, in slider units; None where nothing is asked
    distance: float  # perceptual, to alpha 0
    step: float | None  # perceptual, to the strength before on the way from alpha 0
    kid: float  # against alpha 0 of other latents; at alpha 0 it shows how much is chance


@dataclass(frozen=True)
class Limits:
    """All strengths of one slider, and how far it is good for."""

    label: str  # of the slider
    unit: str  # of alpha
    rows: tuple[Limit, ...]  # by slider
    low: float  # recommended alphas: from here
    high: float  # to here
    reasons: tuple[str, str]  # why it ends there, at the low and the high end
    features: str  # what distances were measured with
    samples: int
    psi: float
    max_kid: float | None
    spread: Spread | None  # of the training set

    def reached(self) -> tuple[float, float]:
        """What is achieved at either end of the recommended range, alpha."""
        low, high = (next(row for row in self.rows if row.alpha == end) for end in (self.low, self.high))
        return low.achieved, high.achieved

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def measure_limits(
    networks: LoadedNetworks,
    edit: Edit,
    number: int,
    space: str,
    walk: Walk,
    alphas: Sequence[float],
    features: Features,
    config: LimitsConfig,
    spread: Spread | None = None,
) -> Iterator[Limits | None]:
    """Measure slider NUMBER of EDIT at ALPHAS: None after each batch of pictures, and at last the limits.

    Args:
        networks: whose averaged generator is steered.
        edit: what the walk was learned for.
        number: of its sliders; the others rest.
        space: of the walk.
        walk: moves positions.
        alphas: asked for; the identity is added.
        features: for distances and KID.
        config: how.
        spread: of the training set, to be kept with the limits.
    """
    sliders = sorted({0.0, *(edit.slider_of(alpha) for alpha in alphas)})
    centre, largest = sliders.index(0.0), max(abs(sliders[0]), abs(sliders[-1]))
    achieved: list[Tensor] = []
    far: list[Tensor] = []
    near: list[Tensor] = []
    seen: list[Tensor] = []
    for pictures in _batches(networks, number, len(edit.labels), space, walk, sliders, config):
        source = pictures[centre]
        achieved.append(torch.stack([achieved_sliders(edit, number, source, x, largest) for x in pictures]))
        far.append(torch.stack([perceptual_distance(features, source, x) for x in pictures]).cpu())
        pairs = pairwise(pictures)
        near.append(torch.stack([perceptual_distance(features, *pair) for pair in pairs]).cpu())
        seen.append(torch.stack([features.embed(x) for x in pictures]).cpu())
        yield None
    vectors = torch.cat(seen, dim=1)
    kids = [_crossed_kid(vectors[centre], each) for each in vectors]
    steps = torch.cat(near, dim=1).mean(dim=1).tolist()
    rows = _rows(edit, sliders, centre, torch.cat(achieved, dim=1), torch.cat(far, dim=1), steps, kids)
    low, high, reasons = recommended_range(rows, config.max_kid)
    yield Limits(
        edit.labels[number], edit.unit, rows, low, high, reasons, features.name, config.samples, config.psi,
        config.max_kid, spread,
    )  # fmt: skip


def recommended_range(rows: Sequence[Limit], max_kid: float | None) -> tuple[float, float, tuple[str, str]]:
    """The lowest and the highest alpha of ROWS up to which a walk still moves and stays near, and why there.

    From alpha 0 outwards it ends before the first strength at which less is achieved than before, to which
    pictures change by less than 15% of the largest change between neighbours (per slider unit), or whose KID
    is above MAX_KID.
    """
    centre = next(index for index, row in enumerate(rows) if row.slider == 0)
    rates = [abs(row.step or 0.0) / _gap(rows, index, centre) for index, row in enumerate(rows)]
    peak = max(rates)
    ends: list[float] = []
    reasons: list[str] = []
    for way in (range(centre - 1, -1, -1), range(centre + 1, len(rows))):
        end, reason = rows[centre].alpha, "nothing was measured beyond"
        for index in way:
            row, before = rows[index], rows[index - way.step]
            if (row.achieved - before.achieved) * way.step < 0:
                reason = f"beyond, less is achieved ({row.achieved:.3g}, after {before.achieved:.3g})"
                break
            if rates[index] < LEAST_STEP * peak:
                reason = f"beyond, pictures hardly change ({rates[index] / peak:.0%} of the largest step)"
                break
            if max_kid is not None and rows[index].kid > max_kid:
                reason = f"beyond, KID is {rows[index].kid:.3g}, above {max_kid:.3g}"
                break
            end = rows[index].alpha
        ends.append(end)
        reasons.append(reason)
    return ends[0], ends[1], (reasons[0], reasons[1])


def _crossed_kid(reference: Tensor, moved: Tensor) -> float:
    """KID of one half of the latents against the other, both ways: the same ones are too alike."""
    half = len(reference) // 2
    pairs = (reference[:half], moved[half:]), (reference[half:], moved[:half])
    return sum(kernel_distance(*pair) for pair in pairs) / 2


def _gap(rows: Sequence[Limit], index: int, centre: int) -> float:
    """Slider units from row INDEX to its neighbour on the side of alpha 0; 1 at alpha 0 itself."""
    if index == centre:
        return 1.0
    return abs(rows[index].slider - rows[index + (1 if index < centre else -1)].slider)


@torch.no_grad()
def _batches(
    networks: LoadedNetworks,
    number: int,
    count: int,
    space: str,
    walk: Walk,
    sliders: Sequence[float],
    config: LimitsConfig,
) -> Iterator[list[Tensor]]:
    """Batch after batch, the same latents at each of SLIDERS: pictures as they are seen, in [-1, 1]."""
    generator = averaged_generator(networks)
    label = one_hot(config.label, networks.config)
    latents = np.random.RandomState(config.seed).randn(config.samples, generator.z_dim)
    for part in torch.from_numpy(latents).float().split(_BATCH):
        with repeatable():
            begun = start(generator, space, part, label, config.psi)
            pictures: list[Tensor] = []
            for slider in sliders:
                row = torch.zeros(1, count)
                row[0, number] = slider
                ws = to_ws(generator, space, walk(begun.positions, row), begun)
                pictures.append(generator.synthesis(ws, "const").clamp(-1, 1))
        yield pictures


def _rows(
    edit: Edit,
    sliders: Sequence[float],
    centre: int,
    achieved: Tensor,
    far: Tensor,
    steps: Sequence[float],
    kids: Sequence[float],
) -> tuple[Limit, ...]:
    """One row for each of SLIDERS; ACHIEVED and FAR are [sliders, samples], STEPS lie between sliders."""
    quartiles = achieved.quantile(torch.tensor([0.25, 0.5, 0.75], dtype=achieved.dtype), dim=1).T.tolist()
    rows: list[Limit] = []
    for index, slider in enumerate(sliders):
        # + 0.0: no "-0" in the table.
        low, middle, high = (round(edit.alpha_of(value), 3) + 0.0 for value in quartiles[index])
        share = quartiles[index][1] / slider if slider else None
        step = None if index == centre else steps[index if index < centre else index - 1]
        distance = float(far[index].mean())
        alpha = round(edit.alpha_of(slider), 6)
        rows.append(Limit(alpha, slider, middle, low, high, share, distance, step, kids[index]))
    return tuple(rows)
