"""Leave out the gradients of parameters where a penalty asks only for those of images or latents.

R1 and path length differentiate a gradient that was itself computed with `torch.autograd.grad(inputs=...)`.
Torch tells a Python autograd function that every input needs a gradient, whatever the inputs asked for are
(pytorch issue 174017), so half of the convolutions of that inner pass would be for nothing.
"""

from collections.abc import Iterator
from contextlib import contextmanager

# Not a context variable: on CUDA the backward pass runs in a thread of its own, which would not see it.
_is_wanted = True


@contextmanager
def no_weight_gradients() -> Iterator[None]:
    """While it lasts, our autograd functions return no gradient for weights, biases and noise strengths.

    Only for an inner `torch.autograd.grad(..., create_graph=True)` with respect to images or latents. The
    graph that it builds still carries the weights' second derivatives.
    """
    global _is_wanted
    before, _is_wanted = _is_wanted, False
    try:
        yield
    finally:
        _is_wanted = before


def weight_gradients_wanted() -> bool:
    """Whether a backward pass that runs now should compute gradients of parameters."""
    return _is_wanted
