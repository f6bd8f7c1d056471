"""Adam without a first moment (beta1 is 0), with gradient clean-up and the lazy-regularisation correction."""

# pyright: reportPrivateUsage=false, reportPrivateImportUsage=false
# (torch._foreach_*: one launch for all parameters, as torch.optim does it)

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

BETA2 = 0.99
EPSILON = 1e-8


class Adam:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980) for betas (0, 0.99^c) and lr * c, with c = k/(k+1).

    Regularisation every k steps as an optimiser step of its own makes k+1 steps out of k; c corrects for it
    (Karras et al. 2020, arXiv:1912.04958, appendix B).
    """

    def __init__(
        self, parameters: Sequence[Tensor], learning_rate: float, regularization_interval: int
    ) -> None:
        correction = regularization_interval / (regularization_interval + 1)
        self.parameters = list(parameters)
        self.learning_rate, self.beta2 = learning_rate * correction, BETA2**correction
        self.squares = [torch.zeros_like(p, memory_format=torch.preserve_format) for p in self.parameters]
        self.steps = 0

    @torch.no_grad()
    def step(self) -> None:
        """Clean the gradients, update the parameters, drop the gradients.

        NaN becomes 0 and infinities +-1e5. A parameter without a gradient counts as one with a gradient of 0:
        its squares decay like all others.
        """
        if not self.parameters:
            return
        self.steps += 1
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        for gradient in gradients:
            torch.nan_to_num(gradient, nan=0.0, posinf=1e5, neginf=-1e5, out=gradient)
        torch._foreach_mul_(self.squares, self.beta2)
        torch._foreach_addcmul_(self.squares, gradients, gradients, 1 - self.beta2)
        denominators = torch._foreach_sqrt(self.squares)
        torch._foreach_mul_(denominators, (1 - self.beta2**self.steps) ** -0.5)
        torch._foreach_add_(denominators, EPSILON)
        torch._foreach_addcdiv_(self.parameters, gradients, denominators, -self.learning_rate)
        for parameter in self.parameters:
            parameter.grad = None

    def state_dict(self) -> dict[str, Any]:
        """The squared-gradient averages and the number of steps."""
        return {"squares": self.squares, "steps": self.steps}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict` of the same parameters."""
        if [s.shape for s in state["squares"]] != [p.shape for p in self.parameters]:
            raise ValueError("the optimiser's state belongs to other parameters")
        for square, saved in zip(self.squares, state["squares"], strict=True):
            square.copy_(saved)
        self.steps = state["steps"]
