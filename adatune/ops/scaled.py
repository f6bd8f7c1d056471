"""A tensor times a constant in another type, in one pass: what equalised weights are made with every step."""

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor


def scaled(x: Tensor, factor: Tensor | float, dtype: torch.dtype) -> Tensor:
    """x times FACTOR (a number, or a tensor broadcast to x, taken as constant), of type DTYPE.

    The product is rounded once, from the precision of x and the factor.
    """
    return _Scaled.apply(x, factor, dtype)


@lru_cache
def _constant(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # the same tensor serves training later
        return torch.full([1], value, dtype=dtype, device=device)


class _Scaled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor | float, dtype: torch.dtype) -> Tensor:
        ctx.factor, ctx.dtype = factor, x.dtype
        precise = torch.promote_types(x.dtype, dtype)
        if isinstance(factor, float) and x.dtype != precise:
            factor = _constant(factor, precise, x.device)  # with a number, torch multiplies in the type of x
        return torch.mul(x, factor, out=torch.empty_like(x, dtype=dtype))

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, None, None]:
        return _Scaled.apply(grads[0], ctx.factor, ctx.dtype), None, None
