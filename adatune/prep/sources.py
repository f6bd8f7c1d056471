"""Lists what there is to look at: files of a folder, a single picture, members of a zip, frames of a video.

Everything listed gets its row in the manifest; a file that is no picture becomes `unreadable` there rather
than vanishing.
"""

import contextlib
import os
import stat
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from adatune.errors import PhotosError
from adatune.prep.frames import VIDEO_SUFFIXES, frame_numbers

ZIP_SUFFIXES = frozenset({".zip", ".cbz"})
_NOT_PHOTOS = {"thumbs.db", "desktop.ini", "icon\r"}  # what file browsers leave in every folder
_ZIP_START = b"PK\x03\x04"
_NAMES_ARE_UTF8 = 0x800  # flag of a zip member


@dataclass(frozen=True)
class Source:
    """One picture to be: where it is and what it is called."""

    name: str  # below the photo folder or in the zip, with forward slashes; 'clip.mp4#000120' of a video
    path: Path  # the file on disk
    member: str = ""  # inside a zip
    frame: int = -1  # of a video, counted from 0
    state: tuple[int, int] = (0, 0)  # size and mtime_ns of the file; of a member, its size and CRC


def find_sources(given: Path, outside: Sequence[Path] = (), every: int | None = None) -> list[Source]:
    """What a user means by GIVEN, in an order that depends on nothing but the names.

    A folder: its files in any depth (`find_photos`), without those below the folders OUTSIDE. A zip: its
    members. A video: every EVERY-th frame, or one a second. Any other file: itself.

    Raises:
        PhotosError: there is no such file, nothing is in it, or the zip or video cannot be opened.
        UsageError: EVERY is less than 1.
    """
    if given.is_dir():
        sources = [
            Source(path.as_posix(), given / path, state=_state(given / path))
            for path in find_photos(given, outside)
        ]
        if not sources:
            raise PhotosError(
                f"There are no files in {str(given)!r}. Put photos there (sub-folders count too)."
            )
        return sources
    if not given.exists():
        raise PhotosError(
            f"There is no {str(given)!r}. Name a folder of photos, a picture, a zip or a video."
        )
    if _is_zip(given):
        return _zip_sources(given)
    if given.suffix.lower() in VIDEO_SUFFIXES:
        state = _state(given)
        return [
            Source(f"{given.name}#{number:06d}", given, frame=number, state=state)
            for number in frame_numbers(given, every)
        ]
    return [Source(given.name, given, state=_state(given))]


def find_photos(folder: Path, outside: Sequence[Path] = ()) -> list[Path]:
    """Every file below FOLDER but hidden ones and those in the folders OUTSIDE, sorted by name.

    Links are followed; a folder reached twice (a link loop) is entered once. Files of any kind are listed,
    and so are sub-folders that may not be opened: each is to get its row rather than vanish.

    Returns: paths relative to FOLDER, in an order that depends on nothing but the names.
    """
    excluded = {path.resolve() for path in outside}
    return sorted(
        (path.relative_to(folder) for path in _walk(folder, excluded)), key=lambda path: path.as_posix()
    )


def _walk(folder: Path, excluded: set[Path]) -> Iterator[Path]:
    entered: set[Path] = set()
    closed: list[Path] = []
    for root, folders, files in os.walk(
        folder, followlinks=True, onerror=lambda error: closed.append(Path(error.filename))
    ):
        here = Path(root).resolve()
        if here in entered or here in excluded:
            folders.clear()
            continue
        entered.add(here)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if _may_be_photo(name):
                yield Path(root) / name
    yield from (path for path in closed if path != folder)


def _may_be_photo(name: str) -> bool:
    return not name.startswith(".") and name.lower() not in _NOT_PHOTOS


def _state(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # a dangling link: the photo will be unreadable until it changes
        return 0, 0
    return status.st_size, status.st_mtime_ns


def _is_zip(given: Path) -> bool:
    if given.suffix.lower() in ZIP_SUFFIXES:
        return True
    try:
        if not stat.S_ISREG(given.stat().st_mode):  # reading from a pipe would wait for ever
            return False
        with given.open("rb") as file:
            return file.read(4) == _ZIP_START
    except OSError:
        return False


def _zip_sources(given: Path) -> list[Source]:
    """The members that may be photos. Their paths are names only: nothing is ever unpacked to them."""
    try:
        with zipfile.ZipFile(given) as archive:
            members = {info.filename: info for info in archive.infolist()}  # of equal names, the last counts
    except PermissionError as error:
        raise PhotosError(f"There is no permission to read {str(given)!r}.") from error
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, EOFError) as error:
        raise PhotosError(
            f"{str(given)!r} cannot be opened as a zip ({error}). Pack it again, or name a folder of photos."
        ) from error
    sources = [
        Source(_name_in_zip(info), given, member=info.filename, state=(info.file_size, info.CRC))
        for info in members.values()
        if not info.is_dir()
    ]
    sources = [source for source in sources if _is_visible(source.name)]
    if not sources:
        raise PhotosError(
            f"There are no files in the zip {str(given)!r}. Pack photos into it (folders may be nested)."
        )
    return sorted(sources, key=lambda source: source.name)


def _is_visible(name: str) -> bool:
    """Whether no folder on the way hides a member; '..' hides nothing."""
    *folders, last = name.split("/")
    hidden = (part == "__MACOSX" or (part.startswith(".") and part not in {".", ".."}) for part in folders)
    return _may_be_photo(last) and not any(hidden)


def _name_in_zip(info: zipfile.ZipInfo) -> str:
    """The member's name. macOS writes UTF-8 without saying so, and some Windows tools write backslashes."""
    name = info.filename
    if not info.flag_bits & _NAMES_ARE_UTF8:
        with contextlib.suppress(UnicodeError):
            name = name.encode("cp437").decode("utf-8")
    return name.replace("\\", "/")
