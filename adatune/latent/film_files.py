"""A film and, beside it, a sheet of eight of its frames."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image

from adatune.errors import UsageError
from adatune.images import Pixels, save_picture
from adatune.latent.film import Film, draw_frames, draw_samples, sample_count, with_even_speed
from adatune.latent.labelled_sheet import labelled_sheet
from adatune.latent.picture_files import free_path
from adatune.latent.progress import Progress
from adatune.video import SUFFIX, Encoder, check_film_path, save_video

_STRIP = 8  # pictures of the sheet


@dataclass(frozen=True)
class FilmFiles:
    """What was written."""

    film: Path
    sheet: Path  # a PNG
    frames: int
    seconds: float
    width: int  # pixels
    height: int


def film_path(out: Path | None, folder: Path, name: str) -> Path:
    """Where a film goes: OUT if that is an .mp4; else into the folder OUT, or FOLDER, under a free name.

    Raises:
        UsageError: OUT is called like a film of another kind.
    """
    if out is not None and out.suffix and not out.is_dir():
        check_film_path(out)
        if not out.stem.strip("."):
            raise UsageError(f"--out {out} has no name before {SUFFIX}.")
        return out
    return free_path(folder if out is None else out, name, SUFFIX.removeprefix("."))


def save_film(
    film: Film,
    path: Path,
    frames_per_second: float,
    is_even: bool,
    caption: str,
    encoder: Encoder,
    progress: Progress,
) -> FilmFiles:
    """Draw FILM and write it to PATH, frame by frame, then a sheet with CAPTION beside it.

    Args:
        film: from `plan_film`.
        path: the .mp4; the sheet is called NAME-frames.png.
        frames_per_second: of the film.
        is_even: measure first how fast pictures change, and let them do so evenly.
        caption: of the sheet.
        encoder: writes the film.
        progress: shows how far the work is.

    Raises:
        VideoError: the encoder failed. Nothing is left then.
    """
    if is_even:
        samples = progress(draw_samples(film), sample_count(film), "Measuring", "measured pictures")
        film = with_even_speed(film, samples)
    count, kept = len(film.times), list[Pixels]()
    frames = keep_strip(progress(draw_frames(film), count, "Drawing", "frames"), count, kept)
    save_video(frames, path, frames_per_second, encoder)
    sheet = path.with_name(f"{path.stem}-frames.png")  # NAME.png may be the photo that the film is about
    save_picture(film_strip(kept, count / frames_per_second, caption), sheet)
    return FilmFiles(path, sheet, count, count / frames_per_second, *film.size)


def keep_strip(frames: Iterable[Pixels], count: int, kept: list[Pixels]) -> Iterator[Pixels]:
    """Pass the COUNT FRAMES on and put eight of them, evenly spaced, into KEPT for `film_strip`."""
    wanted = {round(index * (count - 1) / (_STRIP - 1)) for index in range(_STRIP)}
    for index, frame in enumerate(frames):
        if index in wanted:
            kept.append(frame)
        yield frame


def film_strip(kept: Sequence[Pixels], seconds: float, caption: str) -> Image.Image:
    """What `keep_strip` KEPT of a film of SECONDS on one sheet, with its times."""
    times = [f"{seconds * index / max(1, len(kept) - 1):.1f} s" for index in range(len(kept))]
    return labelled_sheet([[Image.fromarray(frame) for frame in kept]], [""], times, caption)
