"""A film of how a projection comes nearer: the photo beside what is found so far."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from adatune.images import Pixels, to_pixels, undo_aspect
from adatune.latent.labelled_sheet import labelled_sheet
from adatune.latent.project_photos import TITLES, Step
from adatune.latent.targets import Target
from adatune.video import save_video

FRAMES_PER_SECOND = 15.0
_FRAMES = 75  # of each space, five seconds
_REST = 15  # times the last frame is shown


class ProjectionFilm:
    """Keeps some of a projection's pictures, as JPEGs: of all photos at once, raw, they would be many."""

    def __init__(self, targets: Sequence[Target], aspect: float) -> None:
        """Film the search for TARGETS, whose pictures are ASPECT times as high as wide."""
        self._targets, self._aspect = targets, aspect
        self._frames: dict[str, list[tuple[str, bytes]]] = {target.name: [] for target in targets}

    def look(self, step: Step) -> None:
        """Keep the pictures of STEP, if it is one of those that are shown."""
        if step.number % max(1, step.count // _FRAMES) and step.number + 1 < step.count:
            return
        label = f"{TITLES[step.space]}, step {step.number + 1} of {step.count}"
        for index, pixels in enumerate(to_pixels(step.images)):
            buffer = io.BytesIO()
            Image.fromarray(pixels).save(buffer, "JPEG", quality=95, subsampling=0)
            self._frames[self._targets[step.first + index].name].append((label, buffer.getvalue()))

    def save(self, target: Target, path: Path) -> None:
        """Write the film of TARGET to PATH (.mp4) and forget its pictures.

        Raises:
            VideoError: it cannot be written.
        """
        save_video(self._shown(target), path, FRAMES_PER_SECOND)
        del self._frames[target.name]

    def _shown(self, target: Target) -> Iterator[Pixels]:
        photo = undo_aspect(Image.fromarray(target.pixels), self._aspect)
        last: Pixels | None = None
        for label, data in self._frames[target.name]:
            found = undo_aspect(Image.open(io.BytesIO(data)), self._aspect)
            last = np.asarray(labelled_sheet([[photo, found]], [""], ["photo", "found"], label))
            yield last
        if last is not None:
            yield from [last] * _REST
