"""How a caller shows the progress of long work: this package draws, and knows no terminal."""

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

Item = TypeVar("Item")


class Progress(Protocol):
    """Passes items on and shows how far it is, as `cli.progress.with_progress` does."""

    def __call__(self, items: Iterable[Item], count: int, verb: str = ..., noun: str = ...) -> Iterator[Item]:
        """ITEMS, of which there are COUNT."""
        ...
