"""A network's parameters as views of one buffer, and their gradients of another.

Optimiser, average and the sum over processes then take one operation for the whole network, and gradients
have fixed addresses, as captured CUDA graphs need.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

_ALIGNMENT = 4  # elements: every parameter starts at a multiple of 16 bytes


class FlatParameters:
    """Parameters moved into one float32 buffer: those that train first, then those that are held.

    Each parameter keeps its shape and its layout. The gradients of those that train are preset to zero, so
    that backward passes add to them in place.
    """

    def __init__(self, trainable: Sequence[Tensor], held: Sequence[Tensor] = ()) -> None:
        """Move the parameters; their values stay what they are."""
        self.trainable = list(trainable)
        parameters = [*trainable, *held]
        starts, length = _layout(parameters)
        self.trainable_length = length if not held else starts[len(trainable)]
        device = parameters[0].device if parameters else None
        self.values = torch.zeros(length, device=device)
        self.gradients = torch.zeros(self.trainable_length, device=device)
        self._starts = starts[: len(trainable)]
        for parameter, start in zip(parameters, starts, strict=True):
            view = _view(self.values, parameter, start)
            view.copy_(parameter.data)
            parameter.data = view
        for parameter, gradient in zip(self.trainable, self.views(self.gradients), strict=True):
            parameter.grad = gradient

    @property
    def trainable_values(self) -> Tensor:
        """The part of `values` that trains, as long as `gradients`."""
        return self.values[: self.trainable_length]

    def views(self, flat: Tensor) -> list[Tensor]:
        """FLAT, as long as `gradients`, as tensors of the shapes of the parameters that train."""
        return [_view(flat, p, start) for p, start in zip(self.trainable, self._starts, strict=True)]


def _layout(parameters: Sequence[Tensor]) -> tuple[list[int], int]:
    starts, length = [], 0
    for parameter in parameters:
        starts.append(length)
        length += -(-parameter.numel() // _ALIGNMENT) * _ALIGNMENT
    return starts, length


def _view(flat: Tensor, like: Tensor, start: int) -> Tensor:
    return flat.as_strided(like.size(), like.stride(), start)
