"""Finds the latents of given pictures: one w (space W), or one a layer (W+), by gradient descent.

Source: Karras et al. 2020, arXiv:1912.04958, appendix D, with the numbers of the ADA release: what it looks
at, how it is perturbed, and how the learning rate goes. W+: Abdal et al. 2019, arXiv:1904.03189.
"""

from collections.abc import Generator as Steps
from dataclasses import dataclass
from math import cos, pi

import torch
from torch import Tensor

from adatune import random
from adatune.errors import UsageError
from adatune.latent.projection_noise import (
    draw_noise,
    noise_count,
    noise_regularization,
    normalize_noise,
    planes_of,
    split_noise,
)
from adatune.latent.sampling import one_hot
from adatune.metrics.distances import search_loss
from adatune.metrics.features import Features
from adatune.networks import Generator
from adatune.random import Purpose

SPACES = ("w", "w+", "pti")  # each includes those before it
MEAN_SAMPLES = 10_000  # latents behind the mean w and its spread
_RAMP_UP, _RAMP_DOWN = 0.05, 0.25  # shares of the steps
_PERTURBED, _PERTURBATION = 0.75, 0.05  # share of the steps; of the spread of w
_NOISE_WEIGHT = 1e5
# A gradient a pixel is about 1e-6, near the end of what fp16 holds. Adam takes any factor out again.
_LOSS_SCALE = 256.0


@dataclass(frozen=True)
class ProjectionConfig:
    """How pictures are looked for."""

    space: str = "w+"  # w, w+ or pti
    steps: int = 1000  # in W
    plus_steps: int = 500  # in W+, from what was found in W
    tuning_steps: int = 350  # of the generator, for pti
    seed: int = 0
    learning_rate: float = 0.1  # at its highest, in W
    plus_learning_rate: float = 0.02  # in W+
    plus_weight: float = 0.01  # of the squared distance of W+ from W, in spreads of w
    tuning_rate: float = 3e-4
    label: int | None = None  # class, for networks trained with labels

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise UsageError(f"--space {self.space} is unknown. Choose one of {', '.join(SPACES)}.")
        if min(self.steps, self.plus_steps, self.tuning_steps) < 1:
            raise UsageError(f"--steps {self.steps} are too few. Use 1 or more; the default is 1000.")
        if not 0 <= self.seed < 2**64:
            raise UsageError(f"--seed {self.seed} is out of range: it goes from 0 to 2^64 - 1.")


def config_of_length(steps: int, space: str, seed: int, label: int | None = None) -> ProjectionConfig:
    """STEPS in W, half as many in W+, and in tuning the share that the paper has, 350 of 1,000.

    Raises:
        UsageError: a value is out of range.
    """
    return ProjectionConfig(
        space, steps, max(1, steps // 2), max(1, round(0.35 * steps)), seed=seed, label=label
    )


@dataclass(frozen=True)
class Spread:
    """Where the w of a network lie."""

    mean: Tensor  # [w_dim]
    deviation: Tensor  # 0-dim; root of the mean squared distance from the mean


def in_spreads(differences: Tensor, spread: Spread) -> list[float]:
    """Lengths of DIFFERENCES [batch, num_ws, w_dim] of w, root mean square over the layers, in spreads."""
    lengths = differences.square().sum(dim=2).mean(dim=1).sqrt()
    return (lengths / spread.deviation.to(lengths)).tolist()


def spread_of_w(generator: Generator, label: int | None = None, samples: int = MEAN_SAMPLES) -> Spread:
    """The mean w of GENERATOR and how far the others lie from it, from the same latents each time."""
    device = next(generator.parameters()).device
    z = random.normal(0, 0, Purpose.LATENTS, torch.arange(samples, device=device), generator.z_dim)
    labels = one_hot(label, generator.config)
    with torch.no_grad():
        labels = None if labels is None else labels.to(device).expand(samples, -1)
        w = generator.mapping(z, labels)[:, 0]
    mean = w.mean(dim=0)
    return Spread(mean, (w - mean).square().sum(dim=1).mean().sqrt())


def project_w(
    generator: Generator, features: Features, targets: Tensor, spread: Spread, config: ProjectionConfig
) -> Steps[Tensor, None, Tensor]:
    """Look for the w of each of TARGETS; yields the pictures of each step, returns w [batch, 1, w_dim].

    Args:
        generator: without gradients.
        features: see how far a picture is from its target.
        targets: [batch, channels, resolution, resolution] in [-1, 1], on the generator's device.
        spread: of the generator.
        config: steps, seed, learning rate.
    """
    start = spread.mean.expand(len(targets), 1, -1)
    return (yield from _descend(generator, features, targets, start, spread, config))


def project_w_plus(
    generator: Generator,
    features: Features,
    targets: Tensor,
    start: Tensor,
    spread: Spread,
    config: ProjectionConfig,
) -> Steps[Tensor, None, Tensor]:
    """As `project_w`, with a w of its own for each layer, held near START; returns [batch, num_ws, w_dim].

    Args:
        generator, features, targets, spread, config: as there.
        start: what was found in W, [batch, 1, w_dim].
    """
    start = start.expand(-1, generator.num_ws, -1)
    return (yield from _descend(generator, features, targets, start, spread, config))


def _descend(
    generator: Generator,
    features: Features,
    targets: Tensor,
    start: Tensor,
    spread: Spread,
    config: ProjectionConfig,
) -> Steps[Tensor, None, Tensor]:
    """Adam on w and noise together. Nothing in a step waits for the device."""
    count, rows, width = start.shape
    is_plus = rows > 1
    steps = config.plus_steps if is_plus else config.steps
    rate = config.plus_learning_rate if is_plus else config.learning_rate
    with torch.no_grad():
        wanted = features.maps(targets)
        noise = draw_noise(generator.config, config.seed, targets.device).expand(count, -1)
        variables = torch.cat([start.flatten(1), noise], dim=1)
    variables.requires_grad_()
    perturbations = _perturbations(steps, rows * width, spread, config.seed)
    optimizer = torch.optim.Adam([variables], lr=rate, fused=targets.device.type != "mps")
    for step in range(steps):
        optimizer.param_groups[0]["lr"] = rate * learning_rate_factor(step / steps)
        w, noise = variables.split([rows * width, noise_count(generator.config)], dim=1)
        levels = split_noise(noise, generator.config)
        perturbed = w if step >= len(perturbations) else w + perturbations[step]
        ws = perturbed.unflatten(1, (rows, width)).expand(-1, generator.num_ws, -1)
        images = generator.synthesis(ws, planes_of(levels))
        loss = search_loss(features, images, targets, wanted) + _NOISE_WEIGHT * noise_regularization(levels)
        if is_plus:
            away = (w.unflatten(1, (rows, width)) - start).square().sum(dim=2).mean(dim=1)
            loss = loss + config.plus_weight * away / spread.deviation.square()
        optimizer.zero_grad()
        (loss.sum() * _LOSS_SCALE).backward()
        optimizer.step()
        normalize_noise(variables[:, rows * width :], generator.config)
        yield images.detach()
    return variables.detach()[:, : rows * width].unflatten(1, (rows, width)).clone()


def learning_rate_factor(t: float) -> float:
    """Of the highest learning rate at T, 0 to 1 of the way: up in a line, down along half a cosine."""
    down = min(1.0, (1 - t) / _RAMP_DOWN)
    return (0.5 - 0.5 * cos(pi * down)) * min(1.0, t / _RAMP_UP)


def perturbation_factor(t: float) -> float:
    """By how many spreads w is perturbed at T, 0 to 1 of the way."""
    return _PERTURBATION * max(0.0, 1 - t / _PERTURBED) ** 2


def _perturbations(steps: int, width: int, spread: Spread, seed: int) -> Tensor:
    """What is added to w at each step, [steps before it ends, width]: the same for every picture.

    So a picture's result does not depend on those beside it. Drawn at once: a draw costs 30 operations.
    """
    factors = [factor for step in range(steps) if (factor := perturbation_factor(step / steps)) > 0]
    device = spread.mean.device
    samples = torch.arange(len(factors), device=device)
    draws = random.normal(seed, 0, Purpose.LATENT_PERTURBATION, samples, width)
    return draws * torch.tensor(factors, device=device)[:, None] * spread.deviation
