"""SeFa: the directions of w that move the styles of some layers most, read off the weights without drawing.

Source: Shen and Zhou 2021, arXiv:2007.06600.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from adatune.latent.eigenvectors import leading_eigenvectors
from adatune.networks import Generator


def factorize(generator: Generator, layers: Sequence[int], count: int) -> tuple[Tensor, Tensor]:
    """The unit directions d that maximise |A d|^2, where A holds the affine weights of LAYERS.

    As published, each row of A, which makes one channel's style, is first brought to unit length; biases are
    left out, as are the colours (toRGB) but for the last ones.

    Args:
        generator: its weights are read and nothing is drawn.
        layers: which w are moved together, each in 0..num_ws-1.
        count: at most w_dim.

    Returns:
        directions [count, w_dim] and the share of |A|^2 that each explains [count], float64.
    """
    weights = torch.cat(
        [weight.detach().to("cpu", torch.float64) for weight in affine_weights(generator, layers)]
    )
    rows = torch.nn.functional.normalize(weights, dim=1)
    vectors, values = leading_eigenvectors(rows.T @ rows, count)
    return vectors, values / rows.square().sum()


def affine_weights(generator: Generator, layers: Sequence[int]) -> list[Tensor]:
    """The affine weights [channels, w_dim] that the w of each of LAYERS goes through."""
    synthesis = generator.synthesis
    maps = [layer.affine.weight for layer in synthesis.layers] + [synthesis.blocks[-1].torgb.affine.weight]
    return [maps[layer] for layer in layers]
