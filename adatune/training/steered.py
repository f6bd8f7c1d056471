"""Joint training of a generator and a walk: photos, and fakes along the walk, are edited alike.

About every other photo is shown to the discriminator edited, and about every other fake is made from a w
that the walk has moved as far; so edited pictures become something that the generator is to make, and plain
ones stay what they were. Walk and synthesis network also learn to imitate the edit of the fakes themselves.

Source: Jahanian et al. 2020, arXiv:1907.07171, section 3.3. There all photos are edited, at the price of
fakes that are moved at random, and the losses of plain and of moved fakes are added up.
"""

import torch
from torch import Tensor

from adatune import random
from adatune.augment.edits import edited_photos, masked_squares
from adatune.random import Purpose
from adatune.training.draws import draw, layer_noise, random_labels
from adatune.training.state import TrainingState
from adatune.training.trained_walk import TrainedWalk

EDIT = 4  # number of the phase, after the four of a step


def edited(state: TrainingState, phase: int, samples: Tensor, photos: Tensor) -> Tensor:
    """PHOTOS of SAMPLES as the discriminator is to see them: about every other one edited."""
    trained = state.trained_walk
    if trained is None:
        return photos
    sliders = trained.sliders(_draws(state, trained, phase, Purpose.EDIT_PHOTOS, samples))
    return edited_photos(trained.edit.name, photos, trained.edit.alphas_of(sliders))


def walked(state: TrainingState, phase: int, samples: Tensor, ws: Tensor) -> Tensor:
    """WS [batch, num_ws, w_dim] of SAMPLES, about every other one moved along the walk."""
    trained = state.trained_walk
    if trained is None:
        return ws
    return trained.walk(ws, trained.sliders(_draws(state, trained, phase, Purpose.WALK, samples)))


def edit_loss(state: TrainingState, trained: TrainedWalk, samples: Tensor) -> Tensor:
    """How far fakes along the walk are from the edits of the fakes it set out from, where these say anything.

    A scalar, differentiable in the walk and the synthesis network. The w are not mixed.
    """
    G, labels, noise = state.G, random_labels(state, EDIT, samples), layer_noise(state, EDIT, samples)
    sliders = trained.sliders(_draws(state, trained, EDIT, Purpose.WALK, samples), are_all_moved=True)
    with torch.no_grad():
        ws = G.mapping(draw(random.normal, state, EDIT, Purpose.LATENTS, samples, G.z_dim), labels)
        targets = trained.edit.apply(G.synthesis(ws, noise), trained.edit.alphas_of(sliders))
    return masked_squares(G.synthesis(trained.walk(ws, sliders), noise), targets).mean()


def _draws(
    state: TrainingState, trained: TrainedWalk, phase: int, purpose: Purpose, samples: Tensor
) -> Tensor:
    return draw(random.uniform, state, phase, purpose, samples, 1 + len(trained.edit.labels))
