"""The measured speed of a session."""

from dataclasses import replace

import pytest
import torch

from adatune.training.config import TrainConfig
from adatune.training.cost import phase_flops
from adatune.training.speed_probe import SpeedProbe, measured_words

CPU = torch.device("cpu")
CONFIG = TrainConfig(data="x", resolution=64, channel_base=2048, batch=8)
MAIN, PATH_LENGTH, R1 = phase_flops(CONFIG)


class Clock:
    """A device whose steps take as long as their arithmetic says, times a factor for each phase."""

    def __init__(self, seconds: tuple[float, float, float]) -> None:
        self.now, self.seconds = 100.0, seconds

    def __call__(self) -> float:
        return self.now

    def take(self, step: int) -> None:
        main, path_length, r1 = self.seconds
        self.now += main + (step % 4 == 0) * path_length + (step % 16 == 0) * r1


def measure(clock: Clock, first: int = 0, config: TrainConfig = CONFIG) -> tuple[float, int]:
    """The speed that was said, and the step after which."""
    probe = SpeedProbe(config, CPU, clock)
    clock.now += 1000  # of the first step, which prepares everything
    said = [(probe.step_taken(first), first)]
    for step in range(first + 1, first + 100):
        clock.take(step)
        said.append((probe.step_taken(step), step))
    told = [(speed, step) for speed, step in said if speed is not None]
    assert len(told) == 1
    return told[0]


@pytest.mark.parametrize("first", [0, 1, 7, 15])
def test_a_fast_device_is_measured_over_a_whole_cycle_from_any_step_on(first: int) -> None:
    # Phases as no count of arithmetic would have them.
    speed, step = measure(Clock((0.05, 0.2, 0.9)), first)
    assert speed == pytest.approx((0.05 + 0.2 / 4 + 0.9 / 16) * 1000 / 8)
    assert step == first + 16


@pytest.mark.parametrize("first", [0, 3, 13, 14])
def test_a_slow_device_is_measured_over_five_steps_weighted_by_their_arithmetic(first: int) -> None:
    second = 1 / MAIN * 4
    speed, step = measure(Clock((MAIN * second, PATH_LENGTH * second, R1 * second)), first)
    assert speed == pytest.approx((MAIN + PATH_LENGTH / 4 + R1 / 16) * second * 1000 / 8)
    assert step == first + 5


def test_a_phase_that_does_not_run_is_not_waited_for() -> None:
    config = replace(CONFIG, r1_gamma=0.0)
    assert measure(Clock((0.1, 0.1, 0.0)), 0, config) == (pytest.approx(0.125 * 1000 / 8), 8)


def test_a_snapshot_among_the_steps_is_not_taken_for_training() -> None:
    clock = Clock((0.1, 0.0, 0.0))
    probe = SpeedProbe(CONFIG, CPU, clock)
    said: list[float] = []
    for step in range(40):
        clock.take(step)
        speed = probe.step_taken(step)
        said += [] if speed is None else [speed]
        if step == 9:
            clock.now += 50
            probe.interrupt()
    assert said == [pytest.approx(0.1 * 1000 / 8)]


def test_on_a_card_the_warm_up_of_recordings_is_skipped() -> None:
    # 17 steps as they stand, then each phase once while it is recorded: R1 within 16 steps.
    skipped = [
        SpeedProbe(replace(CONFIG, graphs=graphs), torch.device("cuda")).steps_to_skip
        for graphs in (True, False)
    ]
    assert skipped == [33, 16]


def test_the_speed_is_told_with_the_time_that_is_left() -> None:
    config = replace(CONFIG, length_kimg=1000.0)
    assert measured_words(6.123, config, 20_000) == "Measured 6.12 s/kimg: about 1 h 40 min left."
    assert measured_words(6.123, config, 1_000_000).endswith("about 0 s left.")
