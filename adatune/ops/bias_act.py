"""Bias, activation, gain and clamp in one call: the epilogue of every layer."""

from collections.abc import Callable
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor

_Activation = Callable[[Tensor], Tensor]

# name: (function, default gain). The gains keep the variance of a unit normal input (He et al. 2015).
ACTIVATIONS: dict[str, tuple[_Activation, float]] = {
    "linear": (lambda x: x, 1.0),
    "relu": (torch.relu, sqrt(2)),
    "lrelu": (lambda x: F.leaky_relu(x, 0.2), sqrt(2)),
    "tanh": (torch.tanh, 1.0),
    "sigmoid": (torch.sigmoid, 1.0),
    "elu": (F.elu, 1.0),
    "selu": (F.selu, 1.0),
    "softplus": (F.softplus, 1.0),
    "swish": (lambda x: torch.sigmoid(x) * x, sqrt(2)),
}


def bias_act(
    x: Tensor,
    b: Tensor | None = None,
    act: str = "lrelu",
    gain: float | None = None,
    clamp: float | None = None,
) -> Tensor:
    """Add a bias per channel, activate, multiply by a gain, clamp; in that order.

    Args:
        x: [batch, channels, ...].
        b: [channels], or None for no bias.
        act: linear, relu, lrelu (slope 0.2), tanh, sigmoid, elu, selu, softplus or swish.
        gain: multiplier after the activation; None is the activation's own.
        clamp: limits the result to [-clamp, clamp]; None leaves it.

    Raises:
        ValueError: the activation is unknown.
    """
    if act not in ACTIVATIONS:
        raise ValueError(f"unknown activation {act!r}; choose one of {', '.join(ACTIVATIONS)}")
    function, default_gain = ACTIVATIONS[act]
    gain = default_gain if gain is None else gain
    if b is not None:
        x = x + b.to(x.dtype).reshape([1, -1] + [1] * (x.ndim - 2))
    x = function(x)
    if gain != 1:
        x = x * gain
    return x if clamp is None else x.clamp(-clamp, clamp)
