"""Adam without a first moment over flat parameters, and the running average of a network's parameters.

The two are separate passes: the average moves once an iteration and over frozen parameters too, and one pass
for both would save 4 of 36 bytes a parameter (counted).
"""

from collections.abc import Sequence
from math import log

import torch
from torch import Tensor

from adatune.kernels import may_fuse

GRADIENT_OF_INFINITY = 1e5
# On a CPU the temporaries of a piece stay in the cache: 24 M parameters, one thread, 75 ms instead of 308.
_PIECE_ON_CPU = 2**17


@torch.no_grad()
def adam_step(
    parameters: Tensor,
    gradients: Tensor,
    squares: Tensor,
    *,
    learning_rate: float,
    beta2: float,
    epsilon: float,
    steps: Tensor,
) -> None:
    """Clean the gradients, update the parameters, set the gradients to zero; all in place.

    squares = beta2 squares + (1 - beta2) g^2
    parameters -= learning_rate g / (sqrt(squares) / sqrt(1 - beta2^steps) + epsilon)

    In the gradients NaN becomes 0 and infinities +-1e5; finite values are not limited. A square that would
    not be finite keeps its value, and so does a parameter whose change would not be.

    Args:
        parameters: [count], float32, contiguous; a part of a network's flat buffer.
        gradients: the same shape and type.
        squares: the averages of the squared gradients, the same shape and type.
        learning_rate: times the lazy-regularisation correction, as the caller computed it.
        beta2: decay of the squares.
        epsilon: added to the denominator.
        steps: number of steps with this one, 0-dim int64 on the device. It is not read by the host.

    Source: Kingma and Ba 2015, arXiv:1412.6980, with beta1 = 0.
    """
    step = (learning_rate, beta2, epsilon, steps)
    if may_fuse("adam", parameters):
        from adatune.ops.adam_triton import fused_adam_step

        return fused_adam_step(parameters, gradients, squares, *step)
    return adam_step_reference(parameters, gradients, squares, *step)


@torch.no_grad()
def average_step(average: Tensor, parameters: Tensor, keep: Tensor) -> None:
    """Move a running average towards the parameters, in place: parameters + keep (average - parameters).

    With keep = 1 nothing changes. No guard against what is not finite: `adam_step` lets none through. Torch
    does this in one kernel, at the 12 bytes a parameter that one of our own would move.

    Args:
        average: [count], float32, contiguous.
        parameters: the same.
        keep: weight of the average, 0-dim float32 on the device. It is not read by the host.
    """
    average.lerp_(parameters, 1 - keep)


def adam_step_reference(
    parameters: Tensor,
    gradients: Tensor,
    squares: Tensor,
    learning_rate: float,
    beta2: float,
    epsilon: float,
    steps: Tensor,
) -> None:
    """The definition. The kernel agrees with it to float32 rounding."""
    root_of_correction = bias_correction(steps, beta2).sqrt()
    for p, g, v in zip(_pieces(parameters), _pieces(gradients), _pieces(squares), strict=True):
        g.nan_to_num_(nan=0.0, posinf=GRADIENT_OF_INFINITY, neginf=-GRADIENT_OF_INFINITY)
        square = (v * beta2).addcmul_(g, g, value=1 - beta2)
        denominator = (square.sqrt() / root_of_correction).add_(epsilon)
        change = torch.div(g, denominator, out=denominator).mul_(-learning_rate)
        # x - x is 0 where x is finite and NaN elsewhere. torch.where would take half as long again.
        p.add_(change.add_(square - square).nan_to_num_(0.0, 0.0, 0.0))
        v.add_(square.sub_(v).nan_to_num_(0.0, 0.0, 0.0))
        g.zero_()


def bias_correction(steps: Tensor, beta2: float) -> Tensor:
    """1 - beta2^steps, 0-dim on the device of STEPS, in float64 where the device has it."""
    precision = torch.float32 if steps.device.type == "mps" else torch.float64
    return -torch.expm1(steps.to(precision) * log(beta2))


def _pieces(flat: Tensor) -> Sequence[Tensor]:
    return flat.split(_PIECE_ON_CPU) if flat.device.type == "cpu" else [flat]
