"""One training step: the four phases, the average of the generator, the augmentation strength.

Each phase sees the batch in micro-batches. Micro-batch k of K holds the samples k, k+K, k+2K, ..., so that
the strided groups of the minibatch standard deviation hold the same images as in one pass over the batch.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from adatune import random
from adatune.networks.generator import SynthesisLayer
from adatune.random import Purpose
from adatune.training.loss import (
    discriminator_fake_loss,
    discriminator_real_loss,
    generator_loss,
    path_length_penalties,
    path_lengths,
    r1_penalties,
)
from adatune.training.state import TrainingState

GENERATOR, PATH_LENGTH, DISCRIMINATOR, R1 = range(4)  # phases in their order; part of every draw's key


def training_step(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
    """Train on one batch and move every counter.

    Args:
        state: changed in place.
        images: [batch, channels, height, width] in [-1, 1].
        labels: [batch, c_dim] one-hot, or None.
    """
    config = state.config
    train_generator(state)
    if state.has_path_length and state.step % config.path_length_interval == 0:
        regularize_generator(state)
    train_discriminator(state, images, labels)
    if config.r1_gamma and state.step % config.r1_interval == 0:
        regularize_discriminator(state, images, labels)
    update_average(state)
    state.step += 1
    state.images_shown += config.batch
    if state.step % config.ada_interval == 0:
        state.adjust_strength()


def train_generator(state: TrainingState) -> None:
    """Gmain: make the discriminator take fakes for real."""
    with _training(state.generator_parameters):
        for samples in _micro_batches(state, state.config.batch):
            labels = _random_labels(state, GENERATOR, samples)
            images = state.G.synthesis(
                _latents(state, GENERATOR, samples, labels), _noise(state, GENERATOR, samples)
            )
            logits = _judge(state, GENERATOR, Purpose.AUGMENT_FAKES, samples, images, labels)
            loss = generator_loss(logits)
            (loss * (len(samples) / state.config.batch)).backward()
            state.statistics.add_logits("fake", logits)
            state.statistics.add("loss_G", loss)
    state.generator_optimizer.step()


def regularize_generator(state: TrainingState) -> None:
    """Greg: keep the length of a step in w constant (path-length regularisation), on half the batch."""
    config = state.config
    half = max(config.batch // 2, 1)
    with _training(state.generator_parameters):
        for samples in _micro_batches(state, half):
            labels = _random_labels(state, PATH_LENGTH, samples)
            ws = _latents(state, PATH_LENGTH, samples, labels)
            ws = ws if ws.requires_grad else ws.requires_grad_()  # a frozen mapping
            images = state.G.synthesis(ws, _noise(state, PATH_LENGTH, samples))
            noise = _draw(random.normal, state, PATH_LENGTH, Purpose.PATH_NOISE, samples, images[0].numel())
            lengths = path_lengths(images, ws, noise.reshape(images.shape))
            penalties = path_length_penalties(lengths, state.path_length_mean)
            loss = penalties.mean() * config.path_length_weight
            (loss * config.path_length_interval * (len(samples) / half)).backward()
            state.statistics.add("path_length", lengths)
            state.statistics.add("path_length_penalty", penalties)
            state.statistics.add("loss_G_reg", loss)
    state.generator_optimizer.step()


def train_discriminator(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
    """Dmain: tell fakes from reals, in two passes, which need half the memory of one."""
    with _training(state.discriminator_parameters):
        for samples in _micro_batches(state, state.config.batch):
            share = len(samples) / state.config.batch
            fake_labels = _random_labels(state, DISCRIMINATOR, samples)
            with torch.no_grad():
                ws = _latents(state, DISCRIMINATOR, samples, fake_labels)
                fakes = state.G.synthesis(ws, _noise(state, DISCRIMINATOR, samples))
            logits = _judge(state, DISCRIMINATOR, Purpose.AUGMENT_FAKES, samples, fakes, fake_labels)
            fake_loss = discriminator_fake_loss(logits)
            (fake_loss * share).backward()
            state.statistics.add_logits("fake", logits)

            reals, real_labels = images[samples], None if labels is None else labels[samples]
            logits = _judge(state, DISCRIMINATOR, Purpose.AUGMENT_REALS, samples, reals, real_labels)
            real_loss = discriminator_real_loss(logits)
            (real_loss * share).backward()
            state.observe_reals(logits)
            state.statistics.add("loss_D", fake_loss + real_loss)
    state.discriminator_optimizer.step()


def regularize_discriminator(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
    """Dreg: keep the discriminator's gradient at real images small (R1)."""
    config = state.config
    with _training(state.discriminator_parameters):
        for samples in _micro_batches(state, config.batch):
            reals = images[samples].requires_grad_()
            logits = _judge(
                state, R1, Purpose.AUGMENT_REALS, samples, reals, None if labels is None else labels[samples]
            )
            penalties = r1_penalties(logits, reals)
            loss = penalties.mean() * (config.r1_gamma / 2)
            (loss * config.r1_interval * (len(samples) / config.batch)).backward()
            state.observe_reals(logits)
            state.statistics.add("r1", penalties)
            state.statistics.add("loss_D_reg", loss)
    state.discriminator_optimizer.step()


@torch.no_grad()
def update_average(state: TrainingState) -> None:
    """Move G_ema towards G: half-life `ema_kimg`, with ramp-up shorter while few images have been shown."""
    config = state.config
    half_life = config.ema_kimg * 1000
    if config.ema_rampup is not None:
        half_life = min(half_life, state.images_shown * config.ema_rampup)
    keep = 0.5 ** (config.batch / max(half_life, 1e-8))
    for average, current in zip(state.G_ema.parameters(), state.G.parameters(), strict=True):
        average.lerp_(current, 1 - keep)
    for average, buffer in zip(state.G_ema.buffers(), state.G.buffers(), strict=True):
        average.copy_(buffer)


@contextmanager
def _training(parameters: dict[str, Tensor]) -> Iterator[None]:
    """While it lasts, only these parameters require gradients."""
    for parameter in parameters.values():
        parameter.requires_grad_(True)
    try:
        yield
    finally:
        for parameter in parameters.values():
            parameter.requires_grad_(False)


def _micro_batches(state: TrainingState, count: int) -> Iterator[Tensor]:
    """Sample indices of each micro-batch of the first COUNT samples of the step."""
    rounds = state.config.batch // state.config.micro_batch
    everything = torch.arange(count, device=state.device)
    for start in range(min(rounds, count)):
        yield everything[start::rounds]


def _draw(
    kind: Callable[..., Tensor],
    state: TrainingState,
    phase: int,
    purpose: Purpose,
    samples: Tensor,
    count: int,
) -> Tensor:
    return kind(state.config.seed, state.step, phase << 5 | purpose, samples, count)


def _latents(state: TrainingState, phase: int, samples: Tensor, labels: Tensor | None) -> Tensor:
    """w per layer [batch, num_ws, w_dim], with style mixing; moves `w_avg`.

    One draw per step and phase decides whether and where the second latent takes over.
    """
    G, config = state.G, state.config
    z = _draw(random.normal, state, phase, Purpose.LATENTS, samples, G.z_dim)
    ws = G.mapping(z, labels, update_average=state.moves_w_average)
    if not config.style_mixing:
        return ws
    mixed = G.mapping(_draw(random.normal, state, phase, Purpose.MIXING_LATENTS, samples, G.z_dim), labels)
    coin, where = _draw(random.uniform, state, phase, Purpose.MIXING_CUTOFF, samples[:1] * 0, 2)[0]
    cutoff = torch.where(coin < config.style_mixing, 1 + (where * (G.num_ws - 1)).floor(), G.num_ws)
    is_first = torch.arange(G.num_ws, device=ws.device) < cutoff
    return torch.where(is_first[:, None], ws, mixed)


def _noise(state: TrainingState, phase: int, samples: Tensor) -> list[Tensor]:
    """One plane [batch, 1, r, r] per synthesis layer, all from one draw."""
    layers: list[SynthesisLayer] = state.G.synthesis.layers
    sizes = [layer.resolution**2 for layer in layers]
    drawn = _draw(random.normal, state, phase, Purpose.LAYER_NOISE, samples, sum(sizes))
    return [
        plane.reshape(-1, 1, layer.resolution, layer.resolution)
        for layer, plane in zip(layers, drawn.split(sizes, dim=1), strict=True)
    ]


def _random_labels(state: TrainingState, phase: int, samples: Tensor) -> Tensor | None:
    """Labels for fakes, drawn from those of the dataset."""
    if state.label_pool is None:
        return None
    u = _draw(random.uniform, state, phase, Purpose.LABELS, samples, 1)[:, 0]
    return state.label_pool[(u * len(state.label_pool)).long()]


def _judge(
    state: TrainingState, phase: int, purpose: Purpose, samples: Tensor, images: Tensor, labels: Tensor | None
) -> Tensor:
    """The discriminator's logits of augmented images."""
    pipe = state.augment_pipe
    if pipe is not None:
        draws = _draw(random.uniform, state, phase, purpose, samples, pipe.num_draws)
        noise = None
        if pipe.needs_noise:
            white = (
                Purpose.AUGMENT_FAKES_NOISE
                if purpose == Purpose.AUGMENT_FAKES
                else Purpose.AUGMENT_REALS_NOISE
            )
            noise = _draw(random.normal, state, phase, white, samples, images[0].numel()).reshape(
                images.shape
            )
        images = pipe(images, draws=draws, noise=noise)
    return state.D(images, labels)
