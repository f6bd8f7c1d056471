"""Learning to steer: the walk along which a fixed generator imitates an edit of its own pictures.

The generator's weights stay as they are; what is learned is w* = argmin over walks of the mean of
L(G(walk(z, alpha)), edit(G(z), alpha)), by Adam. `adatune train --steer` trains both at once.

Source: Jahanian et al. 2020, arXiv:1907.07171, equations 1 to 4.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from math import isfinite, sqrt
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adatune.augment.edits import Edit, masked_squares
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent.sampling import averaged_generator, one_hot
from adatune.metrics.distances import search_loss
from adatune.metrics.features import Features
from adatune.networks import Generator
from adatune.networks.walks import SPACES, Walk, make_walk, shape_of, start, to_ws

LOSSES = ("auto", "l2", "perceptual")
# How far a step of Adam may change pictures, in quadratic mean, while a line learns colours. On demo32 0.09
# (a rate of 0.28) taught faster than 0.02; 0.2 and, for random weights 512 wide, 0.23 went astray.
_COLOUR_STEP = 0.08


@dataclass(frozen=True)
class SteeringConfig:
    """How a walk is learned."""

    space: str = "w+"  # z, w, or w+: a direction of its own for each layer, as published for StyleGAN
    is_nonlinear: bool = False  # learned steps in place of a line
    loss: str = "auto"  # l2 or perceptual; auto: l2 for colours, perceptual for movements, as published
    steps: int = 2500  # of Adam
    batch: int = 0  # pictures a step; 0: 8 for colours, 4 for the rest
    learning_rate: float = 0.0  # that Adam begins with, it falls evenly to 0; 0: see `with_defaults`
    seed: int = 0  # of latents, strengths and the walk's first numbers
    label: int | None = None  # class, for networks trained with labels

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise UsageError(f"--space {self.space} is unknown. Choose one of {', '.join(SPACES)}.")
        if self.loss not in LOSSES:
            raise UsageError(f"--loss {self.loss} is unknown. Choose one of {', '.join(LOSSES)}.")
        if not 1 <= self.steps <= 10**7:
            raise UsageError(f"--steps {self.steps} is out of range: it goes from 1 to 10000000.")
        if not 0 <= self.batch <= 1024:
            raise UsageError(f"--batch {self.batch} is out of range: it goes from 1 to 1024.")
        if not (isfinite(self.learning_rate) and self.learning_rate >= 0):
            raise UsageError(f"--lr {self.learning_rate} must be above 0. Leave it out for the default.")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"--seed {self.seed} is out of range: it goes from 0 to 4294967295.")

    def rate_for(self, width: int) -> float:
        """Learning rate for latents of WIDTH where none is given, colours apart.

        Steps have one length, however many numbers share it.
        """
        # Published: 0.001 throughout, over six times as many steps. On demo32 (64 wide) shiftx moved faces by
        # 0.6 pixels after 400 steps at 0.001 and by 2.3 after 300 at 0.03.
        return self.learning_rate or (0.002 if self.is_nonlinear else 0.02 * sqrt(512 / width))

    def loss_for(self, edit: Edit) -> str:
        """l2 or perceptual."""
        return self.loss if self.loss != "auto" else "l2" if edit.judged_by == "mean" else "perceptual"


def with_defaults(config: SteeringConfig, generator: Generator, edit: Edit) -> SteeringConfig:
    """CONFIG with a batch and a learning rate for EDIT, where it leaves them open.

    Lines learn colours as fast as GENERATOR bears it: how much its pictures change when each number of a
    position changes by 1 at random was 0.33 for demo32, 0.39 for another trained and 2.3 for random weights.
    """
    is_colour = edit.judged_by == "mean"
    rate = config.rate_for(shape_of(generator, config.space)[1])
    if is_colour and not config.is_nonlinear and not config.learning_rate:
        change = _random_change(generator, config, 0.1)
        rate = _COLOUR_STEP * 0.1 / change if change > 0 else rate
    return replace(config, batch=config.batch or (8 if is_colour else 4), learning_rate=rate)


@torch.no_grad()
def _random_change(generator: Generator, config: SteeringConfig, size: float) -> float:
    """How much pictures change, in quadratic mean, when positions change by normal numbers times SIZE."""
    latents, random = np.random.RandomState(0).randn(8, generator.z_dim), torch.Generator().manual_seed(0)
    label = one_hot(config.label, generator.config)
    with repeatable():
        begun = start(generator, config.space, torch.from_numpy(latents).float(), label, 1.0)
        moved = begun.positions + size * torch.randn(begun.positions.shape, generator=random).to(
            begun.positions
        )
        before, after = (
            generator.synthesis(to_ws(generator, config.space, each, begun), "const")
            for each in (begun.positions, moved)
        )
    return float((after - before).square().mean().sqrt())


def new_walk(generator: Generator, edit: Edit, config: SteeringConfig) -> Walk:
    """A walk with random numbers, where GENERATOR is.

    Raises:
        UsageError: EDIT has several sliders, which a nonlinear walk has no place for.
    """
    if not config.is_nonlinear:
        return make_walk(generator, config.space, len(edit.labels), None, config.seed)
    if len(edit.labels) > 1:
        raise UsageError(
            f"A nonlinear walk has one slider and {edit.name} has {len(edit.labels)}. Use brightness, or "
            "leave --nonlinear out."
        )
    return make_walk(generator, config.space, 1, edit.step, config.seed)


def learn_walk(
    networks: LoadedNetworks, edit: Edit, config: SteeringConfig, features: Features | None, walk: Walk
) -> Iterator[float]:
    """Teach WALK to do EDIT, and yield the loss of each step.

    Args:
        networks: whose averaged generator is steered.
        edit: what to imitate.
        config: how; `with_defaults` fills in what it leaves open.
        features: compare pictures where the loss is perceptual.
        walk: from `new_walk`; it is changed in place.

    Raises:
        UsageError: a class is missing or superfluous, or the loss is no longer a number.
        UnreadableNetwork: there is no averaged generator.
    """
    generator = averaged_generator(networks)
    config = with_defaults(config, generator, edit)
    label = one_hot(config.label, networks.config)
    latents, random = np.random.RandomState(config.seed), np.random.default_rng(config.seed)
    settings: dict[str, Any] = {
        "lr": config.learning_rate,
        "betas": (0.9, 0.999),
        "eps": 1e-8,
    }
    optimizer = torch.optim.Adam(walk.parameters(), **settings)
    perceptual = features if config.loss_for(edit) == "perceptual" else None
    count = config.steps
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: 1 - step / count)
    for _ in range(count):
        z = torch.from_numpy(latents.randn(config.batch, generator.z_dim)).float()
        alphas = _draw(edit, config, random)
        with repeatable():
            loss = steering_loss(generator, edit, config.space, walk, z, alphas, label, perceptual)
            optimizer.zero_grad()
            loss.backward()
        optimizer.step()
        schedule.step()
        value = float(loss.detach())
        if not isfinite(value):
            raise UsageError(
                "The walk went astray: its loss is no number any more. Try again with a smaller --lr."
            )
        yield value


def steering_loss(
    generator: Generator,
    edit: Edit,
    space: str,
    walk: Walk,
    latents: Tensor,
    alphas: Tensor,
    label: Tensor | None,
    features: Features | None,
) -> Tensor:
    """How far the walked pictures are from the edited ones, a scalar; differentiable, the target apart.

    Args:
        generator: draws, with its stored noise.
        edit: what is asked for.
        space: of the walk.
        walk: moves positions.
        latents: z, [batch, z_dim].
        alphas: [batch or 1, sliders].
        label: [1, c_dim], or None.
        features: compare the masked pictures; None: the mean square over what the mask lets through.
    """
    begun = start(generator, space, latents, label, 1.0)
    with torch.no_grad():
        source = generator.synthesis(to_ws(generator, space, begun.positions, begun), "const")
        target, mask = edit.apply(source, alphas)
    moved = walk(begun.positions, sliders_of(edit, alphas))
    images = generator.synthesis(to_ws(generator, space, moved, begun), "const")
    if features is None:
        return masked_squares(images, (target, mask)).mean()
    wanted = mask * target
    return search_loss(features, mask * images, wanted, features.maps(wanted)).mean()


def sliders_of(edit: Edit, alphas: Tensor) -> Tensor:
    """ALPHAS [batch or 1, sliders] as slider values."""
    return torch.tensor([[edit.slider_of(float(alpha)) for alpha in row] for row in alphas])


def parse_alphas(text: str, edit: Edit) -> list[float]:
    """The alphas that TEXT lists, such as "-8,-4,4,8", and the one that changes nothing; in order.

    Raises:
        UsageError: one is no number, or nothing that EDIT could do; or there is but the identity.
    """
    try:
        alphas = sorted({edit.identity, *(float(part) for part in text.split(","))}, key=edit.slider_of)
        is_fit = len(alphas) > 1 and all(isfinite(edit.slider_of(alpha)) for alpha in alphas)
    except ValueError:  # not a number, or no logarithm
        is_fit, alphas = False, list[float]()
    if not is_fit:
        example = ",".join(f"{alpha:g}" for alpha in edit.shown[::2])
        raise UsageError(
            f"--alphas {text!r} are no strengths of {edit.name}. Write numbers, such as {example}."
        )
    return alphas


def repeatable() -> AbstractContextManager[None]:
    """The same bits each time on one card: no trial of algorithms, additions in one order, no TF32."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)


def _draw(edit: Edit, config: SteeringConfig, random: np.random.Generator) -> Tensor:
    if not config.is_nonlinear:
        return torch.from_numpy(edit.draw(random, config.batch)).float()
    count = int(random.integers(1, edit.step_count + 1)) * (1 if random.random() < 0.5 else -1)
    return torch.tensor([[edit.alpha_of(count * edit.step)]])
