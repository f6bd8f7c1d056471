"""When a batch does not fit the card's memory: smaller micro-batches, the same run.

No draw depends on the micro-batch, and gradients are averaged over the whole batch, so only speed changes.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from adatune.errors import RunError
from adatune.training.state import TrainingState
from adatune.training.step import Step, phases_of, training_step


def first_step(
    state: TrainingState, images: Tensor, labels: Tensor | None, step: Step = training_step
) -> int | None:
    """Take a step of which nobody knows whether it fits, with smaller micro-batches until it does.

    Args:
        state: changed by one step; its `config.micro_batch` may be lowered.
        images: as in `training_step`.
        labels: as in `training_step`.
        step: takes the step.

    Returns:
        The micro-batch that fits if it had to be lowered, else None.

    Raises:
        RunError: not even the smallest micro-batch fits.
    """
    before, processes = _copy_to_cpu(state.state_dict()), state.processes
    # One that tried again while the others were further would add up with them what does not belong
    # together: each process rehearses the step for itself.
    state.processes = processes if processes.count == 1 else replace(processes, is_connected=False)
    lowered = _step_that_fits(state, before, lambda: step(state, images, labels))
    if processes.count > 1:
        state.processes = processes
        _go_back(state, before)
        step(state, images, labels)
    return lowered


def _step_that_fits(state: TrainingState, before: dict[str, Any], step: Callable[[], None]) -> int | None:
    is_lowered = False
    while True:
        try:
            step()
        except torch.OutOfMemoryError as error:
            smaller = smaller_micro_batch(state.config.micro_batch, state.config.mbstd_group)
            if smaller is None:
                raise RunError(
                    f"The card's memory does not hold a micro-batch of {state.config.micro_batch} at "
                    f"{state.config.resolution} pixels. Close other programs that use the card, or train "
                    "at a lower resolution."
                ) from error
        else:
            return state.config.micro_batch if is_lowered else None
        state.config, is_lowered = replace(state.config, micro_batch=smaller), True
        _go_back(state, before)
        torch.cuda.empty_cache()


def _go_back(state: TrainingState, before: dict[str, Any]) -> None:
    state.drop_gradients()
    state.load_state_dict(before)


def smaller_micro_batch(micro_batch: int, mbstd_group: int | None) -> int | None:
    """The next smaller divisor of MICRO_BATCH that holds whole minibatch-std groups, or None."""
    group = micro_batch if mbstd_group is None else min(mbstd_group, micro_batch)
    sizes = [size for size in range(group, micro_batch) if micro_batch % size == 0 and size % group == 0]
    return sizes[-1] if sizes else None


def _copy_to_cpu(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.detach().to("cpu", copy=True)
    if isinstance(value, dict):
        return {key: _copy_to_cpu(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copy_to_cpu(item) for item in value]
    return value


class FittingSteps:
    """Takes the steps of a session, those with a phase that has not run in it yet as `first_step` does.

    A run that goes on in the middle of a cycle meets path length and R1, which need most memory, only later.
    """

    def __init__(self, step: Step, announce: Callable[[str], None]) -> None:
        """Take steps with STEP; say through ANNOUNCE to what the micro-batch was lowered."""
        self._step, self._announce = step, announce
        self._phases_seen: set[str] = set()

    def __call__(self, state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
        """Take one step; arguments and errors as in `first_step`."""
        new_phases = phases_of(state) - self._phases_seen
        if not new_phases:
            self._step(state, images, labels)
            return
        lowered = first_step(state, images, labels, self._step)
        self._phases_seen |= new_phases
        if lowered is not None:
            self._announce(f"The batch does not fit the card's memory: micro-batches of {lowered}.")
