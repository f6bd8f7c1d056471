"""The four losses of StyleGAN2 as pure functions of logits, images and latents.

Sources: non-saturating logistic loss, Goodfellow et al. 2014, arXiv:1406.2661; R1, Mescheder et al. 2018,
arXiv:1801.04406; path lengths, Karras et al. 2020, arXiv:1912.04958, section 3.2.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from adatune.ops.weight_gradients import no_weight_gradients


def generator_loss(fake_logits: Tensor) -> Tensor:
    """-log D(fake), averaged over the batch. Logits [batch, 1]."""
    return F.softplus(-fake_logits).mean()


def discriminator_fake_loss(fake_logits: Tensor) -> Tensor:
    """-log(1 - D(fake)), averaged over the batch. Logits [batch, 1]."""
    return F.softplus(fake_logits).mean()


def discriminator_real_loss(real_logits: Tensor) -> Tensor:
    """-log D(real), averaged over the batch. Logits [batch, 1]."""
    return F.softplus(-real_logits).mean()


def r1_penalties(real_logits: Tensor, reals: Tensor) -> Tensor:
    """Squared gradient norm of the logits with respect to the reals, per image; the loss is gamma/2 times it.

    Args:
        real_logits: [batch, 1].
        reals: [batch, channels, height, width] with requires_grad, as they entered the augmentation.

    Returns:
        [batch], differentiable.
    """
    with no_weight_gradients():
        (gradient,) = torch.autograd.grad(real_logits.sum(), reals, create_graph=True)
    return gradient.square().sum(dim=[1, 2, 3])


def path_lengths(images: Tensor, ws: Tensor, noise: Tensor) -> Tensor:
    """How far a random direction in the image moves w: the length of J^T y per sample.

    Args:
        images: [batch, channels, height, width], made from WS.
        ws: [batch, num_ws, w_dim], part of the graph of IMAGES.
        noise: y, standard normal, the shape of IMAGES; scaled here by 1/sqrt(height * width).

    Returns:
        [batch]: sqrt of the mean over the num_ws copies of the squared norm over w_dim. Differentiable.
    """
    height, width = images.shape[2:]
    projection = (images * noise).sum() / (height * width) ** 0.5
    with no_weight_gradients():
        (gradient,) = torch.autograd.grad(projection, ws, create_graph=True)
    return gradient.square().sum(dim=2).mean(dim=1).sqrt()


def path_length_penalties(lengths: Tensor, running_mean: Tensor, decay: float = 0.01) -> Tensor:
    """Squared distance of each length from the running mean, which is moved first and then used.

    Args:
        lengths: [batch].
        running_mean: 0-dim, before it is moved; `move_path_length_mean` moves it for good.
        decay: how far the mean moves towards this batch.

    Returns:
        [batch]. The moved mean is part of the graph, as published.
    """
    return (lengths - running_mean.lerp(lengths.mean(), decay)).square()


@torch.no_grad()
def move_path_length_mean(running_mean: Tensor, mean_length: Tensor, decay: float = 0.01) -> None:
    """Move RUNNING_MEAN, a 0-dim buffer, towards the mean length of a whole batch."""
    running_mean.lerp_(mean_length, decay)
