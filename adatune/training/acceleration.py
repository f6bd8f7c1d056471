"""How the steps of a run are taken on its device: number formats, kernels, recorded graphs.

None of it changes what a run is. What cannot be used is said once, with its reason, and done without.
"""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor

from adatune.device import set_up_device
from adatune.kernel_check import use_kernels
from adatune.kernels import OpsMode
from adatune.ops.convolution import operand_dtype
from adatune.training.config import TrainConfig
from adatune.training.graphs import CudaRecorder, RecordedSteps, warm_up_steps
from adatune.training.state import TrainingState
from adatune.training.step import Step, training_step


def prepare_device(config: TrainConfig, device: torch.device, announce: Callable[[str], object]) -> None:
    """Set DEVICE up as CONFIG says and check all kernels on it; before anything is computed there.

    Args:
        config: precision, ops and deterministic are looked at.
        device: to compute on.
        announce: told what takes a while, and which kernels are not used, and why.

    Raises:
        UsageError: the device has no such precision, or kernels are asked for and cannot run.
    """
    set_up_device(device, config.precision, config.deterministic)
    use_kernels(device, cast("OpsMode", config.ops), announce)


def step_taker(config: TrainConfig, device: torch.device, announce: Callable[[str], None]) -> Step:
    """What takes the steps of a run; ANNOUNCE is told once should it have to change its ways."""
    if device.type == "cuda" and config.graphs:
        return RecordedSteps(CudaRecorder(device), announce, warm_up_steps(config))
    if device.type == "cpu" and config.precision == "bf16":
        return _step_with_bfloat16_operands
    return training_step


def _step_with_bfloat16_operands(state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
    with operand_dtype(torch.bfloat16):
        training_step(state, images, labels)
