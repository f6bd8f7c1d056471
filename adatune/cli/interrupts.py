"""Ctrl-C while libraries are being loaded: the process ends at once.

An exception there is swallowed by whoever imports (and the command runs on), or leaves a half-loaded module
that recurses for ever. Nothing has been written yet, so nothing is lost.
"""

import os
import signal
import sys
from types import FrameType

_LIBRARIES = ("numpy", "torch")


def end_while_loading() -> None:
    """From now on Ctrl-C ends the process at once while numpy or torch is being loaded."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a shell has it ignored
        signal.signal(signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    if any(_is_loading(name) for name in _LIBRARIES):
        os.write(2, b"\nInterrupted.\n")
        os._exit(130)
    signal.default_int_handler(number, frame)


def _is_loading(name: str) -> bool:
    """Whether Python is in the middle of importing the package NAME."""
    return bool(getattr(getattr(sys.modules.get(name), "__spec__", None), "_initializing", False))
