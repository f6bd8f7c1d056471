"""How fast a run really is, measured in its first steps and said once, in place of the plan's estimate.

Path length and R1 run in every 4th and 16th step only. What counts is their share of the long run, not how
many of them happen to fall among the steps that are measured.
"""

import time
from collections.abc import Callable
from math import lcm

import torch

from adatune.training.config import TrainConfig
from adatune.training.cost import phase_flops, training_flops
from adatune.training.graphs import warm_up_steps
from adatune.training.progress import duration

FEWEST_STEPS = 5
ENOUGH_SECONDS = 20.0  # a slow device is not measured over a whole cycle of regularisation
_LONGEST_CYCLE = 64  # steps


def measured_words(seconds_per_kimg: float, config: TrainConfig, images_shown: int) -> str:
    """What the user is told: 'Measured 6.12 s/kimg: about 1 h 40 min left.'"""
    left = max(config.length_images - images_shown, 0) / 1000 * seconds_per_kimg
    return f"Measured {seconds_per_kimg:.2f} s/kimg: about {duration(left)} left."


class SpeedProbe:
    """Times steps after the warm-up of a session. Waits for the device before the first and after the last.

    It measures whole cycles of regularisation (16 steps), so that each phase has its true share; on a slow
    device at least five steps and twenty seconds, weighted by counted arithmetic.
    """

    def __init__(
        self, config: TrainConfig, device: torch.device, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Measure a session that begins now."""
        self._config, self._device, self._clock = config, device, clock
        self._main, self._path_length, self._r1 = phase_flops(config)
        intervals = [config.path_length_interval] if self._path_length else []
        intervals += [config.r1_interval] if self._r1 else []
        self._cycle = min(lcm(*intervals), _LONGEST_CYCLE)
        self.steps_to_skip = 1  # still
        if device.type == "cuda":  # each phase once more after the warm-up, when it is recorded
            self.steps_to_skip = self._cycle + (warm_up_steps(config) if config.graphs else 0)
        self._started = 0.0
        self._flops: list[float] = []  # per image, of each step measured
        self._is_done = False

    def step_taken(self, step: int) -> float | None:
        """Tell that STEP (counted from 0) has been taken.

        Returns:
            Seconds per 1000 images in the long run, once, when enough has been measured; else None.
        """
        if self._is_done:
            return None
        if self.steps_to_skip:
            self.steps_to_skip -= 1
            if not self.steps_to_skip:
                self._started = self._time()
            return None
        self._flops.append(self._flops_of(step))
        if not self._is_enough():
            return None
        self._is_done = True
        seconds = (self._time() - self._started) * training_flops(self._config) / sum(self._flops)
        return seconds * 1000 / self._config.batch

    def interrupt(self) -> None:
        """Something else took time since the last step (a snapshot): measure anew, from the next step on."""
        self.steps_to_skip = max(self.steps_to_skip, 1)
        self._flops.clear()

    def _is_enough(self) -> bool:
        count = len(self._flops)
        if count < FEWEST_STEPS:
            return False
        return count % self._cycle == 0 or self._clock() - self._started >= ENOUGH_SECONDS

    def _flops_of(self, step: int) -> float:
        has_path_length = step % self._config.path_length_interval == 0
        has_r1 = step % self._config.r1_interval == 0
        return self._main + has_path_length * self._path_length + has_r1 * self._r1

    def _time(self) -> float:
        """Now, with all work done that was asked of the device."""
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        elif self._device.type == "mps":
            torch.mps.synchronize()
        return self._clock()
