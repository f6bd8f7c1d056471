"""Which fused GPU kernels may be used: one switch, one list of those that failed, one announcement each.

Every operation with a kernel has a plain torch reference that means the same; `may_fuse` decides. A program
that checks nothing, such as a notebook that loads a network, gets plain torch.
"""

import importlib.util
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch
    from torch import Tensor

# auto: kernels on a CUDA card, once they have been checked there; torch: never; fused: unchecked too, and on
# a CPU in Triton's interpreter (tests).
OpsMode = Literal["auto", "torch", "fused"]

_mode: OpsMode = "auto"
_disabled: dict[str, str] = {}  # kernel: why it is not used
_checked: set[str] = set()  # kernels that have been compared with their references in this process


def set_ops(mode: OpsMode) -> None:
    """Choose between kernels and plain torch for the whole process (`--ops`)."""
    global _mode  # backward passes run in other threads, which do not see context variables
    _mode = mode


@contextmanager
def ops_mode(mode: OpsMode) -> Iterator[None]:
    """While it lasts, MODE is the choice between kernels and plain torch."""
    before = _mode
    set_ops(mode)
    try:
        yield
    finally:
        set_ops(before)


def disable(kernel: str, reason: str) -> None:
    """Never use KERNEL again in this process."""
    _disabled[kernel] = reason


def trust(checked: Iterable[str]) -> None:
    """From now on auto uses these kernels too: those of them that are wrong have been disabled."""
    _checked.update(checked)


def is_checked(kernel: str) -> bool:
    """Whether KERNEL has been compared with its reference in this process."""
    return kernel in _checked


def disabled() -> dict[str, str]:
    """Kernels that are not used, with the reasons."""
    return dict(_disabled)


def may_fuse(kernel: str, *tensors: "Tensor | None") -> bool:
    """Whether KERNEL may compute on TENSORS (None is ignored); otherwise the reference does.

    Kernels compute in float32, so float64 is left to the reference.
    """
    if _mode == "torch" or kernel in _disabled or not _has_triton():
        return False
    given = [tensor for tensor in tensors if tensor is not None]
    if any(tensor.is_floating_point() and tensor.element_size() > 4 for tensor in given):
        return False
    if _mode == "fused" and _is_interpreted():
        return True
    return (kernel in _checked or _mode == "fused") and all(tensor.is_cuda for tensor in given)


def is_available(device: "torch.device") -> bool:
    """Whether there is anything on DEVICE that kernels could run on."""
    return _has_triton() and (device.type == "cuda" or (_mode == "fused" and _is_interpreted()))


@lru_cache(maxsize=1)
def _has_triton() -> bool:
    return importlib.util.find_spec("triton") is not None


def _is_interpreted() -> bool:
    return os.environ.get("TRITON_INTERPRET") == "1"
