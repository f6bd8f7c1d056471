"""A dataset's files, whether they lie in a folder or in a zip: named the same way and read the same way."""

import zipfile
import zlib
from pathlib import Path, PurePosixPath

from adatune.errors import DatasetError

PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


def is_picture_name(name: str) -> bool:
    """Does NAME (a path with forward slashes) end like a picture and lie in no hidden or system folder?"""
    path = PurePosixPath(name)
    if any(part.startswith((".", "__MACOSX")) for part in path.parts):
        return False
    return path.suffix.lower() in PICTURE_SUFFIXES


class Container:
    """The files below a folder or inside a zip. Reading is safe from several threads."""

    def __init__(self, path: Path) -> None:
        """Open PATH.

        Raises:
            DatasetError: there is nothing there, or it is a file that is not a sound zip.
        """
        self.path = path
        self._zip: zipfile.ZipFile | None = None
        if path.is_dir():
            found = (file.relative_to(path).as_posix() for file in path.rglob("*") if file.is_file())
        elif path.is_file():
            self._zip = _open_zip(path)
            found = (name for name in self._zip.namelist() if not name.endswith("/"))
        else:
            raise DatasetError(f"There is no dataset at {path}. Make one with 'adatune prep PHOTOS'.")
        self.names = sorted(found)

    def read(self, name: str) -> bytes:
        """The bytes of one file.

        Raises:
            DatasetError: it is gone or damaged.
        """
        try:
            if self._zip is None:
                return (self.path / name).read_bytes()
            return self._zip.read(name)
        except (
            OSError,
            KeyError,
            RuntimeError,
            NotImplementedError,
            EOFError,
            zipfile.BadZipFile,
            zlib.error,
        ) as error:
            where = "Copy the zip again" if self._zip else "Restore it or run 'adatune prep' again"
            raise DatasetError(f"{name} in {self.path} cannot be read: {error}. {where}.") from error

    @property
    def root(self) -> str:
        """The folder inside, with a closing slash, that everything lies in; empty when there is none.

        People zip `faces/` as well as what is in it; both are the same dataset.
        """
        tops = {name.split("/", 1)[0] for name in self.names if not name.startswith((".", "__MACOSX"))}
        is_wrapped = self._zip is not None and len(tops) == 1 and all("/" in name for name in self.names)
        top = next(iter(tops)) + "/" if is_wrapped else ""
        return "" if top == "images/" else top


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise DatasetError(
            f"{path} is not a sound zip file ({error}). It may have been copied only in part: copy it again, "
            "or name the dataset's folder."
        ) from error
