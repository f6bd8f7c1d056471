"""Recorded steps on a CPU: what a CUDA graph would do is done with the operations that torch dispatches.

A recording keeps every operation with the very tensors it read and wrote. Replaying it at a later step is
right only if no number that changes from step to step was baked into it.
"""

from contextlib import nullcontext
from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from adatune.ops import warp
from adatune.training.config import TrainConfig
from adatune.training.graphs import RecordedSteps
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState
from adatune.training.step import training_step

CONFIG = TrainConfig(
    data="none", resolution=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8, batch=4,
    micro_batch=4, r1_gamma=2.0, r1_interval=3, path_length_interval=2, ema_kimg=0.05, ema_rampup=0.5,
    augs="bgc", initial_p=0.5, ada_kimg=0.5, style_mixing=0.5, seed=3,
)  # fmt: skip


@pytest.fixture(autouse=True)
def as_on_a_card(monkeypatch):
    """On a CPU the warp looks at values to save work; on a card it must not."""
    monkeypatch.setattr(warp, "_may_read_values", lambda device: False)


class Operations(TorchDispatchMode):
    """Lists (operation, arguments, results), and what was written over, with its value before."""

    def __init__(self):
        super().__init__()
        self.calls, self.written = [], []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        for index, argument in enumerate(func._schema.arguments):
            if argument.alias_info is not None and argument.alias_info.is_write:
                target = args[index] if index < len(args) else kwargs.get(argument.name)
                self.written += [(tensor, tensor.clone()) for tensor in tree_leaves(target)]
        results = func(*args, **kwargs)
        self.calls.append((func, args, kwargs, results))
        return results


class CpuRecorder:
    """Records dispatched operations; replays them on the same memory."""

    def stream(self):
        return nullcontext()

    def record(self, part):
        with Operations() as operations:
            part()
        with torch.no_grad():  # a CUDA graph computes nothing while it is recorded: undo
            for tensor, before in reversed(operations.written):
                tensor.copy_(before)

        @torch.no_grad()
        def replay():
            for func, args, kwargs, results in operations.calls:
                again = func(*args, **kwargs)
                if any(value.alias_info is not None for value in func._schema.returns):
                    continue  # a view, or written in place: the memory is that of an argument
                for old, new in zip(tree_leaves(results), tree_leaves(again), strict=True):
                    if isinstance(old, torch.Tensor):
                        old.copy_(new)

        return replay


def new_state(config=CONFIG):
    return TrainingState(config, fresh_networks(config), None, torch.device("cpu"))


def batch(step):
    return torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(step)) * 2 - 1


def flat(value, name=""):
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{name}.{key}").items()}
    if isinstance(value, list):
        return {k: v for index, item in enumerate(value) for k, v in flat(item, f"{name}.{index}").items()}
    return {name: value}


def differing(a, b):
    a, b = flat(a.state_dict()), flat(b.state_dict())
    return [
        name
        for name, value in a.items()
        if not (torch.equal(value, b[name]) if isinstance(value, torch.Tensor) else value == b[name])
    ]


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"augs": "bgcfnc"},
        {"micro_batch": 2, "mbstd_group": 2},
        {"freeze_d": 4, "freeze_g": 1},
        {"steer": "shiftx"},
        {"steer": "color", "micro_batch": 2, "mbstd_group": 2},
    ],
    ids=str,
)
def test_replayed_steps_equal_steps_taken_as_they_stand(changes):
    plain, recorded = new_state(replace(CONFIG, **changes)), new_state(replace(CONFIG, **changes))
    take_step, strengths = RecordedSteps(CpuRecorder(), announce=pytest.fail, warm_up_steps=2), set()
    for step in range(9):
        training_step(plain, batch(step), None)
        take_step(recorded, batch(step), None)
        strengths.add(recorded.p)
    assert differing(plain, recorded) == []
    assert len(strengths) > 1  # p moved, on the device
    has_path_length = not changes.get("freeze_g")
    # The phases, their updates, the average, the walk's update.
    assert take_step.num_recorded == (9 if has_path_length else 7) + ("steer" in changes)


def test_labels_and_changed_images_reach_the_recording():
    config = replace(CONFIG, c_dim=3, augs="none")
    pool = torch.eye(3)
    states = [TrainingState(config, fresh_networks(config), pool, torch.device("cpu")) for _ in range(2)]
    take_step = RecordedSteps(CpuRecorder(), announce=pytest.fail, warm_up_steps=1)
    for step in range(4):
        labels = pool[[step % 3, 0, 1, 2]]
        training_step(states[0], batch(step), labels)
        take_step(states[1], batch(step), labels)
    assert differing(*states) == []


def test_a_part_that_cannot_be_recorded_is_said_once_and_training_goes_on():
    class Broken(CpuRecorder):
        def record(self, part):
            if announced or len(recorded_parts) == 2:
                raise RuntimeError("operation not permitted when stream is capturing\nand more")
            recorded_parts.append(part)
            return super().record(part)

    announced, recorded_parts = [], []
    plain, state = new_state(), new_state()
    take_step = RecordedSteps(Broken(), announced.append, warm_up_steps=0)
    for step in range(3):
        training_step(plain, batch(step), None)
        take_step(state, batch(step), None)
    assert differing(plain, state) == []
    assert len(announced) == 1
    assert "Greg could not be recorded (operation not permitted when stream is capturing)" in announced[0]
    assert take_step.num_recorded == 0
