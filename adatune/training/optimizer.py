"""Adam without a first moment (beta1 is 0), with gradient clean-up and the lazy-regularisation correction."""

from typing import Any

import torch
from torch import Tensor

from adatune.ops.adam import adam_step
from adatune.training.flat_parameters import FlatParameters

BETA2 = 0.99
EPSILON = 1e-8


class Adam:
    """Adam (Kingma and Ba 2015, arXiv:1412.6980) for betas (0, 0.99^c) and lr * c, with c = k/(k+1).

    Regularisation every k steps as an optimiser step of its own makes k+1 steps out of k; c corrects for it
    (Karras et al. 2020, arXiv:1912.04958, appendix B).
    """

    def __init__(self, flat: FlatParameters, learning_rate: float, regularization_interval: int) -> None:
        correction = regularization_interval / (regularization_interval + 1)
        self.flat = flat
        self.learning_rate, self.beta2 = learning_rate * correction, BETA2**correction
        self.squares = torch.zeros_like(flat.gradients)
        # On the device, so that a captured step counts by itself.
        self.steps = torch.zeros([], dtype=torch.int64, device=flat.gradients.device)

    def step(self) -> None:
        """Clean the gradients, update the parameters, set the gradients to zero.

        A parameter that got no gradient counts as one with a gradient of 0: its squares decay all the same.
        """
        self.steps += 1
        adam_step(
            self.flat.trainable_values,
            self.flat.gradients,
            self.squares,
            learning_rate=self.learning_rate,
            beta2=self.beta2,
            epsilon=EPSILON,
            steps=self.steps,
        )

    def state_dict(self) -> dict[str, Any]:
        """The squared-gradient averages, one tensor a parameter, and the number of steps."""
        return {"squares": self.flat.views(self.squares), "steps": self.steps.item()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from a `state_dict` of the same parameters."""
        views: list[Tensor] = self.flat.views(self.squares)
        if [s.shape for s in state["squares"]] != [view.shape for view in views]:
            raise ValueError("the optimiser's state belongs to other parameters")
        for view, saved in zip(views, state["squares"], strict=True):
            view.copy_(saved)
        self.steps.fill_(state["steps"])
