"""Tells a listener of every launch of a Triton kernel, and on the meta device launches nothing."""

# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# (triton is not on every machine)

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from torch import Tensor

Listener = Callable[[str, list[Tensor]], AbstractContextManager[None]]


@contextmanager
def kernel_launches(listener: Listener) -> Iterator[None]:
    """While it lasts, LISTENER is entered around each launch with the kernel's name and its tensors."""
    with ExitStack() as stack:
        for kind in _kinds_of_kernels():
            stack.enter_context(_listening(kind, listener))
        yield


def _kinds_of_kernels() -> list[Any]:
    """Triton's compiled and its interpreted functions; none without triton."""
    if importlib.util.find_spec("triton") is None:
        return []
    from triton.runtime.interpreter import InterpretedFunction
    from triton.runtime.jit import JITFunction

    return [JITFunction, InterpretedFunction]


@contextmanager
def _listening(kind: Any, listener: Listener) -> Iterator[None]:
    launch = kind.run

    def run(kernel: Any, *arguments: Any, **settings: Any) -> Any:
        tensors = [value for value in (*arguments, *settings.values()) if isinstance(value, Tensor)]
        with listener(kernel.fn.__name__, tensors):
            if any(tensor.is_meta for tensor in tensors):  # nothing to compute with
                return None
            return launch(kernel, *arguments, **settings)

    kind.run = run
    try:
        yield
    finally:
        kind.run = launch
