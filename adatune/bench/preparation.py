"""Times `adatune prep` on the user's own photos: photos a second, everything included."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from adatune.prep.prepare import prep


@dataclass(frozen=True)
class PreparationResult:
    """One preparation from scratch."""

    found: int  # files in the folder
    kept: int
    size: int  # pixels
    seconds: float

    @property
    def photos_per_second(self) -> float:
        """Files found, a second."""
        return self.found / self.seconds


def bench_preparation(photos: Path, size: int, align: str = "portrait54") -> PreparationResult:
    """Prepare PHOTOS into a folder that is removed afterwards, so that nothing is reused or left behind.

    Args:
        photos: the user's folder; only read.
        size: side of the prepared pictures, pixels.
        align: as in `adatune prep`.

    Raises:
        PhotosError: there are no usable photos in the folder.
    """
    folder = photos.resolve()
    with _temporary_home():
        result = prep(folder, size=size, name="bench", align=align)
    return PreparationResult(result.found, result.kept, size, result.seconds)


@contextmanager
def _temporary_home() -> Iterator[None]:
    before = os.environ.get("ADATUNE_HOME")
    with tempfile.TemporaryDirectory() as place:
        os.environ["ADATUNE_HOME"] = place
        try:
            yield
        finally:
            if before is None:
                del os.environ["ADATUNE_HOME"]
            else:
                os.environ["ADATUNE_HOME"] = before
