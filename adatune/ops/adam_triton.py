"""Adam over flat parameters, with gradient clean-up and zeroing, in one kernel. Not yet measured on a card.

Bytes a parameter (counted, float32): gradient, square and parameter are read and written once, 24. Separate
torch operations move 72: clean 8, squares 20, denominator 24, update 16, zero 4.
"""

# pyright: reportMissingParameterType=false, reportArgumentType=false, reportIndexIssue=false
# (a kernel's arguments are Triton's: its compiler accepts no annotation but tl.constexpr)

from math import log

import triton
import triton.language as tl
from torch import Tensor

# Elements of a program with 4 warps: 16 a thread, so four 16-byte loads in flight for each operand.
_BLOCK = 2048


def fused_adam_step(
    parameters: Tensor,
    gradients: Tensor,
    squares: Tensor,
    learning_rate: float,
    beta2: float,
    epsilon: float,
    steps: Tensor,
) -> None:
    """`adam_step_reference` in one pass."""
    count = parameters.numel()
    if count == 0:
        return
    adam_kernel[(triton.cdiv(count, _BLOCK),)](
        parameters,
        gradients,
        squares,
        steps,
        count,
        learning_rate,
        log(beta2),
        beta2,
        1 - beta2,
        epsilon,
        BLOCK=_BLOCK,
    )


@triton.jit
def adam_kernel(
    parameters,
    gradients,
    squares,
    steps,
    count,
    learning_rate,
    log_beta2,
    beta2,
    one_minus_beta2,
    epsilon,
    BLOCK: tl.constexpr,
):
    """One program: BLOCK consecutive parameters."""
    offset = tl.program_id(0).to(tl.int64) * BLOCK + tl.arange(0, BLOCK)
    is_inside = offset < count
    g = tl.load(gradients + offset, mask=is_inside, other=0.0)
    v = tl.load(squares + offset, mask=is_inside, other=0.0)
    p = tl.load(parameters + offset, mask=is_inside, other=0.0)
    tl.store(gradients + offset, tl.zeros_like(g), mask=is_inside)
    infinity = float("inf")
    g = tl.where(g == g, g, 0.0)
    g = tl.where(g == infinity, 1e5, tl.where(g == -infinity, -1e5, g))
    square = beta2 * v + one_minus_beta2 * g * g
    scale = tl.rsqrt(_one_minus_exp(tl.load(steps).to(tl.float32) * log_beta2))
    change = learning_rate * (g / (tl.sqrt(square) * scale + epsilon))
    has_square = tl.abs(square) < infinity
    has_change = has_square & (tl.abs(change) < infinity)
    tl.store(squares + offset, tl.where(has_square, square, v), mask=is_inside)
    tl.store(parameters + offset, tl.where(has_change, p - change, p), mask=is_inside)


@triton.jit
def _one_minus_exp(x):
    """1 - exp(x) for x <= 0 to float32 rounding; near 0 the subtraction would cancel, so by its series."""
    x = tl.maximum(x, -90.0)  # exp is 0 below; the series would overflow
    series = 1.0 / 362880
    series = series * x + 1.0 / 40320
    series = series * x + 1.0 / 5040
    series = series * x + 1.0 / 720
    series = series * x + 1.0 / 120
    series = series * x + 1.0 / 24
    series = series * x + 1.0 / 6
    series = series * x + 0.5
    series = series * x + 1.0
    return tl.where(x > -0.5, -x * series, 1.0 - tl.exp(x))
