"""One training step: the four phases, the average of the generator, the augmentation strength.

Each phase sees the batch in micro-batches. Micro-batch k of K holds the samples k, k+K, k+2K, ..., so that
the strided groups of the minibatch standard deviation hold the same images as in one pass over the batch.
Process r of R takes the micro-batches r, r+R, ...
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from adatune import random
from adatune.ops.adam import average_step
from adatune.random import Purpose
from adatune.training.config import TrainConfig
from adatune.training.draws import augment, draw, judge, latents, layer_noise, random_labels
from adatune.training.loss import (
    discriminator_fake_loss,
    discriminator_real_loss,
    generator_loss,
    move_path_length_mean,
    path_length_penalties,
    path_lengths,
    r1_penalties,
)
from adatune.training.optimizer import Adam
from adatune.training.state import TrainingState
from adatune.training.steered import edit_loss, edited, walked
from adatune.training.trained_walk import TrainedWalk

GENERATOR, PATH_LENGTH, DISCRIMINATOR, R1 = range(4)  # phases in their order; part of every draw's key

Step = Callable[[TrainingState, Tensor, Tensor | None], None]  # takes one, as `training_step` does
Run = Callable[[str, Callable[[], None]], None]  # runs a named part of a step, perhaps from a recording of it


def run_directly(name: str, part: Callable[[], None]) -> None:
    """Run PART as it stands."""
    part()


def training_step(
    state: TrainingState, images: Tensor, labels: Tensor | None, run: Run = run_directly
) -> None:
    """Train on one batch and move every counter. Nothing waits for the device.

    Args:
        state: changed in place.
        images: this process's part of the batch: global samples rank, rank + count, ...; [batch / processes,
            channels, height, width] in [-1, 1].
        labels: [batch / processes, c_dim] one-hot, or None.
        run: runs each part under a name. Parts of one name are the same computation on the same addresses.
    """
    G, D, due = state.generator_optimizer, state.discriminator_optimizer, phases_of(state)
    state.step_now.fill_(state.step)
    _phase(state, "Gmain", G, lambda: train_generator(state), run)
    if state.trained_walk is not None:
        walker = state.trained_walk.optimizer
        state.processes.add_up(walker.flat.gradients)
        run("walk update", walker.step)
    if "Greg" in due:
        _phase(state, "Greg", G, lambda: regularize_generator(state), run)
    _phase(state, "Dmain", D, lambda: train_discriminator(state, images, labels), run)
    if "Dreg" in due:
        _phase(state, "Dreg", D, lambda: regularize_discriminator(state, images, labels), run)
    if state.step == 0:
        _copy_buffers(state)
    run("average", lambda: update_average(state))
    state.step += 1
    state.images_shown += state.config.batch
    if state.step % state.config.ada_interval == 0:
        state.adjust_strength()


def phases_of(state: TrainingState) -> set[str]:
    """The phases of the step that comes next."""
    config, phases = state.config, {"Gmain", "Dmain"}
    if state.has_path_length and state.step % config.path_length_interval == 0:
        phases.add("Greg")
    if config.r1_gamma and state.step % config.r1_interval == 0:
        phases.add("Dreg")
    return phases


def _phase(
    state: TrainingState, name: str, optimizer: Adam, accumulate: Callable[[], None], run: Run
) -> None:
    """Gradients on each process, their sum over all processes, one optimiser step."""
    run(name, accumulate)
    state.processes.add_up(optimizer.flat.gradients, state.phase_sums)
    run(f"{name} update", lambda: _update(state, name, optimizer))


def _update(state: TrainingState, name: str, optimizer: Adam) -> None:
    optimizer.step()
    samples = half_batch(state.config) if name == "Greg" else state.config.batch
    means, w_dim = state.phase_sums / samples, state.config.w_dim
    if name != "Dreg" and state.moves_w_average:
        state.G.mapping.w_avg.lerp_(means[:w_dim], 0.005)
    if name == "Greg":
        move_path_length_mean(state.path_length_mean, means[w_dim])
    state.phase_sums.zero_()


def half_batch(config: TrainConfig) -> int:
    """Samples of a path-length phase."""
    return max(config.batch // 2, 1)


def train_generator(state: TrainingState) -> None:
    """Gradients of Gmain: make the discriminator take fakes for real."""
    with _training(state.generator_parameters):
        for samples in _micro_batches(state, state.config.batch):
            labels = random_labels(state, GENERATOR, samples)
            ws = walked(state, GENERATOR, samples, latents(state, GENERATOR, samples, labels))
            images = state.G.synthesis(ws, layer_noise(state, GENERATOR, samples))
            logits = judge(state, GENERATOR, Purpose.AUGMENT_FAKES, samples, images, labels)
            loss = generator_loss(logits)
            (loss * (len(samples) / state.config.batch)).backward()
            state.statistics.add_logits("fake", logits)
            state.statistics.add("loss_G", loss)
        if state.trained_walk is not None:
            _imitate_edit(state, state.trained_walk)


def _imitate_edit(state: TrainingState, trained: TrainedWalk) -> None:
    """Add the gradients of the edit's loss, on half the batch."""
    half = half_batch(state.config)
    for samples in _micro_batches(state, half):
        loss = edit_loss(state, trained, samples)
        (loss * (state.config.steer_weight * len(samples) / half)).backward()
        state.statistics.add("loss_edit", loss)


def regularize_generator(state: TrainingState) -> None:
    """Gradients of Greg: keep the length of a step in w constant (path lengths), on half the batch."""
    config = state.config
    half = half_batch(config)
    with _training(state.generator_parameters):
        for samples in _micro_batches(state, half):
            labels = random_labels(state, PATH_LENGTH, samples)
            ws = latents(state, PATH_LENGTH, samples, labels)
            ws = ws if ws.requires_grad else ws.requires_grad_()  # a frozen mapping
            images = state.G.synthesis(ws, layer_noise(state, PATH_LENGTH, samples))
            noise = draw(random.normal, state, PATH_LENGTH, Purpose.PATH_NOISE, samples, images[0].numel())
            lengths = path_lengths(images, ws, noise.reshape(images.shape))
            penalties = path_length_penalties(lengths, state.path_length_mean)
            loss = penalties.mean() * config.path_length_weight
            (loss * config.path_length_interval * (len(samples) / half)).backward()
            state.phase_sums[-1] += lengths.detach().sum()
            state.statistics.add("path_length", lengths)
            state.statistics.add("path_length_penalty", penalties)
            state.statistics.add("loss_G_reg", loss)


def train_discriminator(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
    """Gradients of Dmain: tell fakes from reals, in two passes, or in one, which needs twice the memory."""
    judge_pair = _judge_in_one_pass if state.config.one_pass else _judge_in_two_passes
    with _training(state.discriminator_parameters):
        for samples in _micro_batches(state, state.config.batch):
            fake_labels = random_labels(state, DISCRIMINATOR, samples)
            with torch.no_grad():
                ws = latents(state, DISCRIMINATOR, samples, fake_labels)
                ws = walked(state, DISCRIMINATOR, samples, ws)
                fakes = state.G.synthesis(ws, layer_noise(state, DISCRIMINATOR, samples))
            reals = edited(state, DISCRIMINATOR, samples, _own(state, images, samples))
            real_labels = _own(state, labels, samples)
            loss, fake_logits, real_logits = judge_pair(
                state, samples, (fakes, fake_labels), (reals, real_labels)
            )
            state.statistics.add_logits("fake", fake_logits)
            state.observe_reals(real_logits)
            state.statistics.add("loss_D", loss)


Labelled = tuple[Tensor, Tensor | None]


def _judge_in_two_passes(
    state: TrainingState, samples: Tensor, fakes: Labelled, reals: Labelled
) -> tuple[Tensor, Tensor, Tensor]:
    """Add Dmain's gradients; returns the loss and the logits of fakes and reals."""
    share = len(samples) / state.config.batch
    fake_logits = judge(state, DISCRIMINATOR, Purpose.AUGMENT_FAKES, samples, *fakes)
    fake_loss = discriminator_fake_loss(fake_logits)
    (fake_loss * share).backward()
    real_logits = judge(state, DISCRIMINATOR, Purpose.AUGMENT_REALS, samples, *reals)
    real_loss = discriminator_real_loss(real_logits)
    (real_loss * share).backward()
    return fake_loss + real_loss, fake_logits, real_logits


def _judge_in_one_pass(
    state: TrainingState, samples: Tensor, fakes: Labelled, reals: Labelled
) -> tuple[Tensor, Tensor, Tensor]:
    """The same in one pass over both, arranged so that no minibatch-std group holds fakes and reals."""
    group = min(state.config.mbstd_group or len(samples), len(samples))
    augmented = (
        augment(state, DISCRIMINATOR, Purpose.AUGMENT_FAKES, samples, fakes[0]),
        augment(state, DISCRIMINATOR, Purpose.AUGMENT_REALS, samples, reals[0]),
    )
    labels = None if fakes[1] is None or reals[1] is None else _interleave(fakes[1], reals[1], group)
    logits = state.D(_interleave(*augmented, group), labels)
    fake_logits, real_logits = logits.reshape(group, 2, -1, 1).transpose(0, 1).flatten(1, 2)
    loss = discriminator_fake_loss(fake_logits) + discriminator_real_loss(real_logits)
    (loss * (len(samples) / state.config.batch)).backward()
    return loss, fake_logits, real_logits


def _interleave(fakes: Tensor, reals: Tensor, group: int) -> Tensor:
    """Both batches as [group, 2, groups]: groups are strided by twice the number of groups."""
    both = torch.stack([fakes, reals]).unflatten(1, (group, -1))
    return both.transpose(0, 1).flatten(0, 2)


def regularize_discriminator(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
    """Gradients of Dreg: keep the discriminator's gradient at real images small (R1)."""
    config = state.config
    with _training(state.discriminator_parameters):
        for samples in _micro_batches(state, config.batch):
            reals = edited(state, R1, samples, _own(state, images, samples)).requires_grad_()
            logits = judge(state, R1, Purpose.AUGMENT_REALS, samples, reals, _own(state, labels, samples))
            penalties = r1_penalties(logits, reals)
            loss = penalties.mean() * (config.r1_gamma / 2)
            (loss * config.r1_interval * (len(samples) / config.batch)).backward()
            state.observe_reals(logits)
            state.statistics.add("r1", penalties)
            state.statistics.add("loss_D_reg", loss)


@torch.no_grad()
def update_average(state: TrainingState) -> None:
    """Move G_ema towards G: half-life `ema_kimg`, with ramp-up shorter while few images have been shown."""
    config = state.config
    shown = state.step_now.to(state.statistics.sums.dtype) * config.batch
    half_life = torch.full_like(shown, config.ema_kimg * 1000)
    if config.ema_rampup is not None:
        half_life = half_life.minimum(shown * config.ema_rampup)
    keep = torch.exp2(-config.batch / half_life.clamp(min=1e-8))
    average_step(state.average_values, state.generator_optimizer.flat.values, keep.float())
    state.G_ema.mapping.w_avg.copy_(state.G.mapping.w_avg)


def _copy_buffers(state: TrainingState) -> None:
    """Noise planes and filters of the average are G's. They never change, so once is enough."""
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
    """Sample indices of each micro-batch of this process, of the first COUNT samples of the step."""
    rounds, processes = state.config.batch // state.config.micro_batch, state.processes
    everything = torch.arange(count, device=state.device)
    for start in range(processes.rank, min(rounds, count), processes.count):
        yield everything[start::rounds]


def _own(state: TrainingState, batch: Any, samples: Tensor) -> Any:
    """The rows of SAMPLES (global indices) of this process's part of a batch; None stays None."""
    return None if batch is None else batch[samples // state.processes.count]
