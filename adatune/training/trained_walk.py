"""A walk that is trained together with its generator: its numbers and its optimiser.

Source: Jahanian et al. 2020, arXiv:1907.07171, section 3.3 (joint training of generator and walk).
"""

from typing import Any

import torch

from adatune.augment.edits import make_edit
from adatune.networks import Generator
from adatune.networks.walks import make_walk
from adatune.training.config import TrainConfig
from adatune.training.flat_parameters import FlatParameters
from adatune.training.optimizer import Adam

SPACE = "w+"  # a direction of its own for each layer
# How far photos and fakes are edited, in slider units: what mirrored borders do not spoil.
_REACH = {"shiftx": 1.0, "shifty": 1.0}
_REACH_OF_OTHERS = 0.5
_SEED_OFFSET = 1  # the walk's numbers are not those that the networks begin with


def reach_of(edit: str) -> float:
    """The slider value, either way, that a walk for EDIT is trained up to."""
    return _REACH.get(edit, _REACH_OF_OTHERS)


class TrainedWalk:
    """A line through W+ that learns to do the edit `config.steer`."""

    def __init__(self, config: TrainConfig, generator: Generator) -> None:
        """Random numbers, where GENERATOR is."""
        self.edit = make_edit(config.steer, config.resolution, config.channels)
        self.reach = reach_of(config.steer)
        self.walk = make_walk(generator, SPACE, len(self.edit.labels), None, config.seed + _SEED_OFFSET)
        flat = FlatParameters(list(self.walk.parameters()))
        self.optimizer = Adam(flat, config.steer_learning_rate, config.path_length_interval)

    def sliders(self, draws: torch.Tensor, are_all_moved: bool = False) -> torch.Tensor:
        """Slider values from uniform DRAWS [batch, 1 + sliders]: none moved for about every other picture.

        Args:
            draws: in (0, 1).
            are_all_moved: whether none is to stay.
        """
        sliders = (draws[:, 1:] * 2 - 1) * self.reach
        if self.edit.unit == "pixels":  # whole ones: parts of pixels would teach blur
            pixels = self.edit.alphas_of(sliders).round()
            sliders = pixels / self.edit.alphas_of(torch.ones_like(sliders))
        return sliders if are_all_moved else torch.where(draws[:, :1] < 0.5, sliders, 0.0)

    def state_dict(self) -> dict[str, Any]:
        """The numbers and how they move."""
        return {"walk": self.walk.state_dict(), "optimizer": self.optimizer.state_dict()}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """Continue where SAVED was taken."""
        self.walk.load_state_dict(saved["walk"])
        self.optimizer.load_state_dict(saved["optimizer"])
