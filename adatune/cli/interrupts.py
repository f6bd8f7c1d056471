"""Ctrl-C while libraries are being loaded: the process ends at once.

An exception there is swallowed by whoever imports (and the command runs on), or leaves a half-loaded module
that recurses for ever. Nothing has been written yet, so nothing is lost.
"""

import os
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager
from types import FrameType

_LIBRARIES = ("numpy", "torch")


@contextmanager
def ending_while_loading() -> Generator[None]:
    """While it lasts, Ctrl-C ends the process at once where numpy or torch is being loaded."""
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:  # a shell has it ignored, say
        yield
        return
    signal.signal(signal.SIGINT, _interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if any(_is_loading(name) for name in _LIBRARIES):
        os.write(2, b"\nInterrupted.\n")
        os._exit(130)
    signal.default_int_handler(number, frame)


def _is_loading(name: str) -> bool:
    """Whether Python is in the middle of importing the package NAME."""
    return bool(getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False))
