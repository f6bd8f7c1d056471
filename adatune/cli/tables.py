"""Where tables are printed: as wide as the terminal, and wide enough in a pipe or a file, which has no width."""

import sys

from rich.console import Console

_WIDEST = 110  # columns


def table_console() -> Console:
    """A console for stdout."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else _WIDEST)
