"""What a step draws by chance: latents, noise, labels, augmentation.

Every draw is a function of seed, step, phase, purpose and global sample index (see adatune/random.py).
"""

from collections.abc import Callable

import torch
from torch import Tensor

from adatune import random
from adatune.networks.generator import SynthesisLayer
from adatune.random import Purpose
from adatune.training.state import TrainingState

_WHITE_NOISE = {
    Purpose.AUGMENT_FAKES: Purpose.AUGMENT_FAKES_NOISE,
    Purpose.AUGMENT_REALS: Purpose.AUGMENT_REALS_NOISE,
}
Kind = Callable[..., Tensor]  # random.uniform or random.normal


def draw(
    kind: Kind, state: TrainingState, phase: int, purpose: Purpose, samples: Tensor, count: int
) -> Tensor:
    """COUNT numbers for each of SAMPLES, [batch, count]."""
    return kind(state.config.seed, state.step_now, phase << 5 | purpose, samples, count)


def latents(state: TrainingState, phase: int, samples: Tensor, labels: Tensor | None) -> Tensor:
    """w per layer [batch, num_ws, w_dim], with style mixing; adds w up for its average.

    One draw per step and phase decides whether and where the second latent takes over.
    """
    G, config = state.G, state.config
    z = draw(random.normal, state, phase, Purpose.LATENTS, samples, G.z_dim)
    if config.style_mixing:  # both latents in one run of the mapping network
        other = draw(random.normal, state, phase, Purpose.MIXING_LATENTS, samples, G.z_dim)
        z, labels = torch.cat([z, other]), None if labels is None else torch.cat([labels, labels])
    ws, *others = G.mapping(z, labels).split(len(samples))
    state.phase_sums[: config.w_dim] += ws[:, 0].detach().sum(dim=0)
    if not others:
        return ws
    coin, where = draw(random.uniform, state, phase, Purpose.MIXING_CUTOFF, samples[:1] * 0, 2)[0]
    cutoff = torch.where(coin < config.style_mixing, 1 + (where * (G.num_ws - 1)).floor(), G.num_ws)
    is_first = torch.arange(G.num_ws, device=ws.device) < cutoff
    return torch.where(is_first[:, None], ws, others[0])


def layer_noise(state: TrainingState, phase: int, samples: Tensor) -> list[Tensor]:
    """One plane [batch, 1, r, r] per synthesis layer, all from one draw."""
    layers: list[SynthesisLayer] = state.G.synthesis.layers
    sizes = [layer.resolution**2 for layer in layers]
    drawn = draw(random.normal, state, phase, Purpose.LAYER_NOISE, samples, sum(sizes))
    return [
        plane.reshape(-1, 1, layer.resolution, layer.resolution)
        for layer, plane in zip(layers, drawn.split(sizes, dim=1), strict=True)
    ]


def random_labels(state: TrainingState, phase: int, samples: Tensor) -> Tensor | None:
    """Labels for fakes, drawn from those of the dataset."""
    if state.label_pool is None:
        return None
    u = draw(random.uniform, state, phase, Purpose.LABELS, samples, 1)[:, 0]
    return state.label_pool[(u * len(state.label_pool)).long()]


def judge(
    state: TrainingState, phase: int, purpose: Purpose, samples: Tensor, images: Tensor, labels: Tensor | None
) -> Tensor:
    """The discriminator's logits of augmented images."""
    return state.D(augment(state, phase, purpose, samples, images), labels)


def augment(state: TrainingState, phase: int, purpose: Purpose, samples: Tensor, images: Tensor) -> Tensor:
    """IMAGES augmented; PURPOSE says whether they are fakes or reals."""
    pipe = state.augment_pipe
    if pipe is None:
        return images
    draws = draw(random.uniform, state, phase, purpose, samples, pipe.num_draws)
    noise = None
    if pipe.needs_noise:
        noise = draw(random.normal, state, phase, _WHITE_NOISE[purpose], samples, images[0].numel())
        noise = noise.reshape(images.shape)
    return pipe(images, draws=draws, noise=noise)
