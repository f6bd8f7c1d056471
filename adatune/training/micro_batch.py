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
from adatune.training.step import training_step

Step = Callable[[TrainingState, Tensor, Tensor | None], None]


def first_step(
    state: TrainingState, images: Tensor, labels: Tensor | None, step: Step = training_step
) -> int | None:
    """Take the first step of a session, with halved micro-batches until it fits.

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
    before = _copy_to_cpu(state.state_dict())
    is_lowered = False
    while True:
        try:
            step(state, images, labels)
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
        state.drop_gradients()
        state.load_state_dict(before)
        torch.cuda.empty_cache()


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
