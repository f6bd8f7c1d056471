"""Projects pictures in batches: W, then W+ or a tuned generator from there, and what each is worth."""

from collections.abc import Callable, Iterator, Sequence
from collections.abc import Generator as Steps
from dataclasses import dataclass, field
from typing import TypeVar

import torch
from torch import Tensor

from adatune.checkpoints import LoadedNetworks
from adatune.device import card_memory
from adatune.images import Pixels, to_pixels
from adatune.latent.projection import (
    ProjectionConfig,
    Spread,
    in_spreads,
    project_w,
    project_w_plus,
    spread_of_w,
)
from adatune.latent.sampling import averaged_generator, batches
from adatune.latent.targets import Target, to_images
from adatune.latent.tuning import tune
from adatune.metrics.distances import perceptual_distance, signal_to_noise
from adatune.metrics.features import Features
from adatune.networks import Generator

Found = TypeVar("Found")

TITLES = {"w": "W", "w+": "W+", "pti": "tuned (PTI)"}
_MOST_AT_ONCE = 16  # on a card
# Eight at once take a third of the time of one by one at 32x32, four half of it at 64x64 (one thread; see
# benchmarks/projection.py): small networks spend it on starting operations.
_MOST_ON_CPU, _CPU_BYTES = 8, 2e9
# For each feature of the generator: 32 to 36 are kept for the gradients of both networks (counted, fp32); the
# rest is for what a layer needs while it is computed.
_BYTES_PER_FEATURE = 48


@dataclass(frozen=True)
class Result:
    """What was found in one space."""

    ws: Tensor  # [1, num_ws, w_dim], on the CPU
    pixels: (
        Pixels  # [resolution, resolution, 3], drawn with the network's own noise, as every command draws it
    )
    distance: float  # perceptual, from the target
    signal_to_noise: float  # dB
    spreads_from_mean: float  # of its w; about 1 for what the mapping gives
    generator: Generator | None = None  # that draws it, where that was tuned


@dataclass
class Projected:
    """A target and what was found."""

    target: Target
    results: dict[str, Result] = field(default_factory=dict[str, Result])  # by space


@dataclass(frozen=True)
class Step:
    """One step of a batch, just made."""

    space: str
    number: int  # from 0
    count: int  # of the steps in this space
    first: int  # of the targets at work
    images: Tensor  # [batch, channels, resolution, resolution], on the device


def project_photos(
    networks: LoadedNetworks,
    features: Features,
    targets: Sequence[Target],
    config: ProjectionConfig,
    batch: int,
    done: Callable[[Projected], object],
) -> Iterator[Step]:
    """Find TARGETS in G_ema of NETWORKS, a batch at a time; yields each step.

    Args:
        networks: draw.
        features: see the distance.
        targets: pictures of the network's size.
        config: steps, spaces, seed.
        batch: how many are looked for at once.
        done: is given each picture when all that was asked for is found.

    Raises:
        UsageError: a class is missing or superfluous.
        UnreadableNetwork: there is no averaged generator.
    """
    generator = averaged_generator(networks)
    spread = spread_of_w(generator, config.label)
    # The same bits each time on one card.
    with torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=True):
        for number, part in enumerate(batches(targets, batch)):
            first = number * batch
            found = [Projected(target) for target in part]
            yield from _in_w(generator, features, found, first, spread, config)
            while found:  # taken out, so that no tuned generator outlives its turn
                projected = found.pop(0)
                if config.space == "pti":
                    yield from _tuned(generator, features, projected, first, spread, config)
                done(projected)
                first += 1


def step_count(targets: int, config: ProjectionConfig, batch: int) -> int:
    """How many steps `project_photos` makes."""
    rounds = -(-targets // batch)
    tuning = targets * config.tuning_steps if config.space == "pti" else 0
    return rounds * (config.steps + (config.plus_steps if config.space != "w" else 0)) + tuning


def batch_for(networks: LoadedNetworks) -> int:
    """How many pictures are projected at once: what half of a card's memory holds, or 2 GB elsewhere.

    The last bits of a result follow it, so it does not depend on how much of the card is free.

    Raises:
        UnreadableNetwork: there is no averaged generator.
    """
    config, device = networks.config, next(averaged_generator(networks).parameters()).device
    features = sum(2 * config.feature_maps(side) * side * side for side in config.resolutions)
    most, memory = _MOST_ON_CPU, _CPU_BYTES
    if device.type == "cuda":
        most, memory = _MOST_AT_ONCE, card_memory(device) / 2
    return max(1, min(most, int(memory / (features * _BYTES_PER_FEATURE))))


@torch.no_grad()
def draw(generator: Generator, ws: Tensor) -> Tensor:
    """Images of WS [batch, 1 or num_ws, w_dim] with the network's own noise."""
    return generator.synthesis(ws.expand(-1, generator.num_ws, -1), "const")


def _in_w(
    generator: Generator,
    features: Features,
    found: list[Projected],
    first: int,
    spread: Spread,
    config: ProjectionConfig,
) -> Iterator[Step]:
    device = next(generator.parameters()).device
    images = to_images([projected.target.pixels for projected in found], generator.config, device)
    search = project_w(generator, features, images, spread, config)
    w = yield from _steps(search, "w", config.steps, first)
    _add(found, "w", generator, features, images, w, spread)
    if config.space != "w":
        search = project_w_plus(generator, features, images, w, spread, config)
        w_plus = yield from _steps(search, "w+", config.plus_steps, first)
        _add(found, "w+", generator, features, images, w_plus, spread)


def _tuned(
    generator: Generator,
    features: Features,
    projected: Projected,
    first: int,
    spread: Spread,
    config: ProjectionConfig,
) -> Iterator[Step]:
    device = next(generator.parameters()).device
    image, pivot = to_images([projected.target.pixels], generator.config, device), projected.results["w"].ws
    search = tune(generator, features, image, pivot.to(device), config.tuning_steps, config.tuning_rate)
    tuned = yield from _steps(search, "pti", config.tuning_steps, first)
    _add([projected], "pti", tuned, features, image, pivot.to(device), spread, tuned)


def _steps(
    search: Steps[Tensor, None, Found], space: str, count: int, first: int
) -> Steps[Step, None, Found]:
    """Pass on each step of SEARCH with where it is, and return what it found."""
    for number in range(count):
        yield Step(space, number, count, first, next(search))
    try:
        next(search)
    except StopIteration as end:
        return end.value
    raise AssertionError("a search made more steps than it was to")


def _add(
    found: list[Projected],
    space: str,
    generator: Generator,
    features: Features,
    targets: Tensor,
    ws: Tensor,
    spread: Spread,
    tuned: Generator | None = None,
) -> None:
    images = draw(generator, ws)
    distances = perceptual_distance(features, images, targets).tolist()
    pixels, rows = to_pixels(images), ws.expand(-1, generator.num_ws, -1).cpu()
    away = in_spreads(ws - spread.mean, spread)
    for index, projected in enumerate(found):
        ratio = signal_to_noise(pixels[index], projected.target.pixels)
        row = rows[index : index + 1].clone()
        projected.results[space] = Result(row, pixels[index], distances[index], ratio, away[index], tuned)
