"""Halving the micro-batch until a step fits the memory."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from adatune.errors import RunError
from adatune.training.config import TrainConfig
from adatune.training.micro_batch import FittingSteps, first_step, smaller_micro_batch
from adatune.training.processes import Processes
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState
from adatune.training.step import phases_of, training_step

CONFIG = TrainConfig(
    data="none", resolution=8, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8, batch=8,
    micro_batch=8, mbstd_group=2, path_length_weight=0.0, augs="none",
)  # fmt: skip
IMAGES = torch.rand(8, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1


def new_state() -> TrainingState:
    return TrainingState(CONFIG, fresh_networks(CONFIG), None, torch.device("cpu"))


def step_on_a_card_that_holds(size: int):
    def step(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
        training_step(state, images, labels)  # runs out only after everything has been changed
        if state.config.micro_batch > size:
            raise torch.OutOfMemoryError

    return step


def on_a_card_that_holds_r1_of(size: int):
    def step(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
        has_r1 = "Dreg" in phases_of(state)
        training_step(state, images, labels)
        if has_r1 and state.config.micro_batch > size:
            raise torch.OutOfMemoryError

    return step


def test_a_step_that_fits_keeps_its_micro_batch() -> None:
    state = new_state()
    assert first_step(state, IMAGES, None) is None
    assert state.config.micro_batch == 8


def test_a_step_that_does_not_fit_is_taken_again_from_the_same_state() -> None:
    state, whole = new_state(), new_state()
    assert first_step(state, IMAGES, None, step_on_a_card_that_holds(2)) == 2
    training_step(whole, IMAGES, None)
    assert (state.step, state.images_shown) == (1, 8)
    for name, value in whole.D.state_dict().items():
        torch.testing.assert_close(state.D.state_dict()[name], value, rtol=1e-3, atol=1e-4)


def test_a_process_among_several_rehearses_the_step_for_itself() -> None:
    steps: list[tuple[bool, int]] = []
    rehearse = step_on_a_card_that_holds(2)

    def step(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
        steps.append((state.processes.is_connected, state.config.micro_batch))
        if state.processes.is_connected:  # the real one; there is nobody to take it with
            assert (state.step, state.images_shown) == (0, 0)
        else:
            rehearse(state, images, labels)

    config, processes = replace(CONFIG, gpus=2, micro_batch=4), Processes(rank=1, count=2, place=1)
    state = TrainingState(config, fresh_networks(config), None, torch.device("cpu"), processes)
    assert first_step(state, IMAGES[1::2], None, step) == 2
    assert steps == [(False, 4), (False, 2), (True, 2)]
    assert state.processes == processes


def test_a_card_that_holds_nothing_ends_in_an_error_that_says_so() -> None:
    with pytest.raises(RunError, match="does not hold a micro-batch of 2 at 8 pixels"):
        first_step(new_state(), IMAGES, None, step_on_a_card_that_holds(0))


@pytest.mark.parametrize(
    ("micro_batch", "group", "expected"),
    [(8, 4, 4), (4, 4, None), (12, 4, 4), (12, 3, 6), (8, None, None), (1, 1, None)],
)
def test_smaller_micro_batches_hold_whole_groups(
    micro_batch: int, group: int | None, expected: int | None
) -> None:
    assert smaller_micro_batch(micro_batch, group) == expected


def test_a_step_has_the_phases_that_it_runs() -> None:
    config = replace(CONFIG, path_length_weight=2.0)
    state = TrainingState(config, fresh_networks(config), None, torch.device("cpu"))
    for step in (0, 3, 4, 16):
        state.step = step
        phases, run = phases_of(state), list[str]()
        training_step(state, IMAGES, None, lambda name, _: run.append(name))  # noqa: B023
        assert phases == {name for name in run if "update" not in name and name != "average"}


def test_a_phase_that_comes_later_in_a_session_is_fitted_too() -> None:
    said: list[str] = []
    state = new_state()
    state.step = 15  # a run that goes on just before R1
    take_step = FittingSteps(on_a_card_that_holds_r1_of(2), said.append)
    take_step(state, IMAGES, None)
    assert (state.config.micro_batch, said) == (8, [])
    take_step(state, IMAGES, None)
    take_step(state, IMAGES, None)
    assert (state.config.micro_batch, state.step) == (2, 18)
    assert said == ["The batch does not fit the card's memory: micro-batches of 2."]
