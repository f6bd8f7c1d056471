"""Pivotal tuning: changes the generator a little, so that it draws one picture at a w where edits work.

Source: Roich et al. 2021, arXiv:2106.05744; without its regularisation of the rest of the latent space, which
is off by default there.
"""

import copy
from collections.abc import Generator as Steps

import torch
from torch import Tensor

from adatune.metrics.distances import map_distance
from adatune.metrics.features import Features
from adatune.networks import Generator

_LOSS_SCALE = 256.0  # against gradients too small for fp16; Adam takes it out again


def tune(
    generator: Generator, features: Features, target: Tensor, pivot: Tensor, steps: int, learning_rate: float
) -> Steps[Tensor, None, Generator]:
    """Fit the synthesis to TARGET at PIVOT; yields the picture of each step, returns the tuned copy.

    Squared error of the pixels and perceptual distance count the same. Mapping and noise stay as they are.

    Args:
        generator: is copied and left alone.
        features: see how far a picture is from its target.
        target: [1, channels, resolution, resolution] in [-1, 1], on the generator's device.
        pivot: [1, num_ws, w_dim].
        steps: of Adam.
        learning_rate: of Adam, the same in each step.
    """
    tuned = copy.deepcopy(generator)
    parameters = list(tuned.synthesis.parameters())
    optimizer = torch.optim.Adam(parameters, lr=learning_rate, fused=target.device.type != "mps")
    with torch.no_grad():
        wanted = features.maps(target)
    tuned.synthesis.requires_grad_(True)
    for _ in range(steps):
        image = tuned.synthesis(pivot, "const")
        loss = (image - target).square().mean() + map_distance(features.maps(image), wanted).sum()
        optimizer.zero_grad()
        (loss * _LOSS_SCALE).backward()
        optimizer.step()
        yield image.detach()
    return tuned.requires_grad_(False)
