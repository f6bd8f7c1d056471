"""In which number format the blocks of a network compute.

Half precision belongs to the highest resolutions (`NetworkConfig.num_fp16_res`). The rest, the mapping, the
sum of the RGB images and the discriminator's last block are always float32.
"""

from typing import Any, Literal, cast, get_args

import torch
from torch import nn

# auto: fp16 on CUDA, fp32 elsewhere. The others hold on every device.
Precision = Literal["auto", "fp16", "bf16", "fp32"]
_DTYPES = {"fp16": torch.float16, "bf16": torch.bfloat16, "fp32": torch.float32}


def set_precision(network: nn.Module, precision: Precision) -> None:
    """Let the blocks of a generator, a discriminator or a part of one compute in PRECISION from now on.

    Raises:
        ValueError: there is no such precision.
    """
    if precision not in get_args(Precision):
        raise ValueError(f"precision is {precision!r}; it must be one of {', '.join(get_args(Precision))}")
    for module in network.modules():
        if hasattr(module, "precision"):
            cast("Any", module).precision = precision


def block_dtype(precision: Precision, is_half: bool, device: torch.device) -> torch.dtype:
    """What a block on DEVICE computes in; `is_half` says whether it is one of the highest resolutions."""
    if not is_half:
        return torch.float32
    if precision == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    return _DTYPES[precision]
