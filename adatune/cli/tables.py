"""Where tables are printed: as wide as the terminal; a pipe or a file has no width, and gets a wide one."""

import sys

from rich.console import Console

_WIDEST = 110  # columns


def table_console() -> Console:
    """A console for stdout."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDEST)
