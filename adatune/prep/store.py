"""Keeps what was measured about each photo, and publishes the accepted crops, whole or not at all.

`DATASET/.cache` holds, for each photo, KEY.json (the record) and KEY.crop (a PNG; the suffix keeps other
tools from taking it for one of the dataset's pictures). A killed run finds there all that it had finished.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from PIL import Image

from adatune.errors import DatasetError
from adatune.home import write_atomically, write_text
from adatune.images import Pixels
from adatune.prep.config import PrepConfig
from adatune.prep.record import Record

_VERSION = 4  # raise it whenever the same photo and settings would be measured or cropped differently
_SOURCE, _PUBLISHED = "source.json", "published.json"


class Store:
    """The cache of one dataset folder."""

    def __init__(self, dataset: Path) -> None:
        """Look at DATASET without creating anything."""
        self.dataset = dataset
        self.cache = dataset / ".cache"

    def claim(self, folder: Path) -> None:
        """Make the dataset folder ours for the photos in FOLDER, or continue it.

        Raises:
            DatasetError: it holds something else, or was made from another folder that still exists.
        """
        note = self.cache / _SOURCE
        if self.dataset.is_dir() and any(self.dataset.iterdir()) and not self.cache.is_dir():
            raise DatasetError(
                f"{self.dataset} exists and was not made by 'adatune prep'. Nothing was changed. "
                "Choose another --name."
            )
        here = str(folder.resolve())
        if note.is_file():
            before = str(json.loads(note.read_text())["folder"])
            if before != here and Path(before).is_dir():
                raise DatasetError(
                    f"{self.dataset} was made from other photos, in {before}. Nothing was changed. "
                    "Choose another --name, or delete that dataset first."
                )
        self.cache.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"folder": here}) + "\n"
        if not note.is_file() or note.read_text() != text:
            write_text(note, text)

    def key(self, folder: Path, source: Path, config: PrepConfig) -> str:
        """Names a photo as it is now together with the settings that its measurements depend on."""
        try:
            status = (folder / source).stat()
            state = (status.st_size, status.st_mtime_ns)
        except OSError:  # a dangling link: the photo will be unreadable until it changes
            state = (0, 0)
        settings = (_VERSION, config.size, config.align, config.min_face_score)
        text = json.dumps([source.as_posix(), *state, *settings])
        return hashlib.sha256(text.encode()).hexdigest()[:24]

    def read(self, key: str) -> Record | None:
        """The record of a finished photo, or None; one whose crop is missing is not finished."""
        try:
            values: dict[str, Any] = json.loads((self.cache / f"{key}.json").read_text())
        except (OSError, ValueError):
            return None
        values["hashes"], values["colour"] = tuple(values["hashes"]), tuple(values["colour"])
        values["corners"] = tuple(tuple(corner) for corner in values["corners"])
        record = Record(**values)
        return record if record.problem or self.crop(key).is_file() else None

    def write(self, key: str, record: Record, crop: Pixels | None) -> None:
        """Keep a finished photo: first the crop, then the record, which says that both are there."""
        if crop is not None:
            picture = Image.fromarray(crop)
            write_atomically(self.crop(key), lambda path: picture.save(path, "PNG", compress_level=4))
        write_text(self.cache / f"{key}.json", json.dumps(asdict(record)))

    def crop(self, key: str) -> Path:
        """Where the crop of a photo is kept."""
        return self.cache / f"{key}.crop"

    def publish(self, keys: Sequence[str]) -> None:
        """Make `images/` hold exactly the crops of KEYS, numbered in that order; nothing if it does."""
        images, new, old = (self.dataset / name for name in ("images", "images.new", "images.old"))
        if old.is_dir() and not images.is_dir():  # killed between the two renames below
            old.rename(images)
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        note = self.cache / _PUBLISHED
        wanted = json.dumps(list(keys)) + "\n"
        if note.is_file() and note.read_text() == wanted and self._is_intact(images, keys):
            return
        note.unlink(missing_ok=True)
        new.mkdir()
        for index, key in enumerate(keys):
            _link_or_copy(self.crop(key), new / f"{index:08d}.png")
        if images.is_dir():
            images.rename(old)
        new.rename(images)
        shutil.rmtree(old, ignore_errors=True)
        write_text(note, wanted)

    def _is_intact(self, images: Path, keys: Sequence[str]) -> bool:
        if not images.is_dir():
            return False
        there = {path.name: path.stat().st_size for path in images.iterdir()}
        return there == {f"{i:08d}.png": self.crop(key).stat().st_size for i, key in enumerate(keys)}

    def forget_all_but(self, keys: set[str]) -> None:
        """Delete what is kept for photos that are gone, changed, or were measured with other settings."""
        for path in self.cache.iterdir():
            kept = path.name in {_SOURCE, _PUBLISHED} or path.stem in keys
            if not kept:
                path.unlink(missing_ok=True)

    def write_text(self, name: str, text: str) -> None:
        """Write a file of the dataset folder, unless it already holds this text."""
        if not self.holds(name, text):
            write_text(self.dataset / name, text)

    def holds(self, name: str, text: str) -> bool:
        """Whether a file of the dataset folder holds exactly this text."""
        path = self.dataset / name
        return path.is_file() and path.read_bytes() == text.encode("utf-8", "surrogateescape")

    def remove(self, name: str) -> None:
        """Delete a file of the dataset folder if it is there."""
        (self.dataset / name).unlink(missing_ok=True)


def _link_or_copy(source: Path, target: Path) -> None:
    """A second name for the same bytes where the file system has that, so that crops take no space twice."""
    try:
        os.link(source, target)
    except OSError:  # a mounted Drive, a FAT stick
        write_atomically(target, lambda temporary: shutil.copyfile(source, temporary))
