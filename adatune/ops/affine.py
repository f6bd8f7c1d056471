"""Matrix products with a factor, which costs nothing inside one and a pass in each derivative outside.

Fully connected layers have an equalised learning rate: their weight is scaled at run time.
"""

from typing import Any

import torch
from torch import Tensor

from adatune.ops.weight_gradients import weight_gradients_wanted


def affine(x: Tensor, weight: Tensor, bias: Tensor | None, gain: float) -> Tensor:
    """gain x weight^T + bias: x [batch, in], weight [out, in], bias [out] or None."""
    return product(x, weight.T, gain, bias)


def product(a: Tensor, b: Tensor, gain: float, bias: Tensor | None = None) -> Tensor:
    """gain a b + bias for matrices a [rows, inner] and b [inner, columns]; bias [columns] or None.

    b and the bias count as weights: within `no_weight_gradients` they get none.
    """
    return _Product.apply(a, b, bias, gain)


class _Product(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, bias: Tensor | None, gain: float) -> Tensor:
        ctx.save_for_backward(a, b)
        ctx.gain = gain
        if bias is None:  # what is multiplied by beta 0 is not looked at
            return torch.addmm(a.new_empty([]), a, b, beta=0, alpha=gain)
        return torch.addmm(bias, a, b, alpha=gain)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, Tensor | None, Tensor | None, None]:
        a, b = ctx.saved_tensors
        g, (needs_a, needs_b, needs_bias, _) = grads[0], ctx.needs_input_grad
        is_wanted = weight_gradients_wanted()
        return (
            product(g, b.T, ctx.gain) if needs_a else None,
            # Laid out like b where that is a transposed weight: sums of gradients of two layouts are slow.
            product(g.T, a, ctx.gain).T if needs_b and is_wanted else None,
            g.sum(dim=0) if needs_bias and is_wanted else None,
            None,
        )
