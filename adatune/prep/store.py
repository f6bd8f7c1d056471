"""Keeps what was measured about each photo, and publishes the accepted crops, whole or not at all.

`DATASET/.cache` holds, for each photo, KEY.json (a record for each face) and KEY-FACE.crop (a PNG; the suffix
keeps other tools from taking it for one of the dataset's pictures). A killed run finds there all that it had
finished.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import Any

from PIL import Image

from adatune.errors import DatasetError
from adatune.home import write_atomically, write_text
from adatune.images import Pixels
from adatune.prep.config import PrepConfig
from adatune.prep.record import Record
from adatune.prep.review import Box
from adatune.prep.second_opinion import find_model
from adatune.prep.sources import Source

_VERSION = 11  # raise it whenever the same photo and settings would be measured or cropped differently
_SOURCE, _PUBLISHED = "source.json", "published"


class Store:
    """The cache of one dataset folder."""

    def __init__(self, dataset: Path) -> None:
        """Look at DATASET without creating anything."""
        self.dataset = dataset
        self.cache = dataset / ".cache"

    def claim(self, given: Path) -> None:
        """Make the dataset folder ours for the photos in GIVEN, or continue it.

        Raises:
            DatasetError: it holds something else, or was made from other photos that still exist.
        """
        note = self.cache / _SOURCE
        if self.dataset.is_dir() and any(self.dataset.iterdir()) and not self.cache.is_dir():
            raise DatasetError(
                f"{self.dataset} exists and was not made by 'adatune prep'. Nothing was changed. "
                "Choose another --name."
            )
        here = str(given.resolve())
        before = _read_json(note).get("folder", here)
        if before != here and Path(before).exists():
            raise DatasetError(
                f"{self.dataset} was made from other photos, in {before}. Nothing was changed. "
                "Choose another --name, or delete that dataset first."
            )
        self.cache.mkdir(parents=True, exist_ok=True)
        if not note.is_file() or before != here:
            write_text(note, json.dumps({"folder": here}) + "\n")

    def key(self, source: Source, config: PrepConfig, boxes: Mapping[int, Box]) -> str:
        """Names a photo as it is now together with the settings that its measurements depend on."""
        settings = (config.size, config.align, config.aspect, config.faces, config.linear_light)
        by_hand = sorted((number, *asdict(box).values()) for number, box in boxes.items())
        seen_by = (config.min_face_score, self._second_detector)
        text = json.dumps([source.name, *source.state, _VERSION, *settings, *seen_by, by_hand])
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:24]

    @cached_property
    def _second_detector(self) -> str | None:
        """The model file's name: a second detector, once it is there, sees other faces."""
        model = find_model()
        return model.name if model else None

    def read(self, key: str) -> list[Record] | None:
        """The records of a finished photo, or None; one whose crops are missing or damaged is unfinished."""
        kept = _read_json(self.cache / f"{key}.json")
        if "faces" not in kept:
            return None
        whole = all(_size(self.cache / name) == size for name, size in kept["crop_bytes"].items())
        return [_record(values) for values in kept["faces"]] if whole else None

    def write(self, key: str, faces: Sequence[tuple[Record, Pixels | None]]) -> None:
        """Keep a finished photo: first the crops, then the records, which say that all are there."""
        crop_bytes: dict[str, int] = {}
        for record, crop in faces:
            if crop is not None:
                picture = Image.fromarray(crop)
                target = self.crop(key, record.face)
                write_atomically(
                    target, lambda path, picture=picture: picture.save(path, "PNG", compress_level=4)
                )
                crop_bytes[target.name] = target.stat().st_size
        kept = {"faces": [asdict(record) for record, _ in faces], "crop_bytes": crop_bytes}
        write_text(self.cache / f"{key}.json", json.dumps(kept))

    def crop(self, key: str, face: int) -> Path:
        """Where the crop of a face is kept."""
        return self.cache / f"{key}-{face}.crop"

    def publish(self, crops: Sequence[Path], dataset: Path) -> None:
        """Make `images/` of DATASET hold exactly CROPS, numbered in that order; nothing if it does."""
        images, new, old = (dataset / name for name in ("images", "images.new", "images.old"))
        if old.is_dir() and not images.is_dir():  # killed between the two renames below
            old.rename(images)
        for leftover in (new, old):
            shutil.rmtree(leftover, ignore_errors=True)
        note = self.cache / f"{_PUBLISHED}-{dataset.name}.json"
        wanted = json.dumps([crop.name for crop in crops]) + "\n"
        if note.is_file() and note.read_text() == wanted and _is_intact(images, crops):
            return
        note.unlink(missing_ok=True)
        new.mkdir(parents=True)
        for index, crop in enumerate(crops):
            _link_or_copy(crop, new / f"{index:08d}.png")
        if images.is_dir():
            images.rename(old)
        new.rename(images)
        shutil.rmtree(old, ignore_errors=True)
        write_text(note, wanted)

    def forget_all_but(self, keys: set[str]) -> None:
        """Delete what is kept for photos that are gone, changed, or were measured with other settings."""
        for path in self.cache.iterdir():
            is_note = path.name == _SOURCE or path.name.startswith((_PUBLISHED, "."))
            if not is_note and path.stem.split("-")[0] not in keys:
                path.unlink(missing_ok=True)


def write_if_new(path: Path, text: str) -> None:
    """Write a file, unless it already holds this text: a second run touches nothing."""
    if not holds(path, text):
        write_text(path, text)


def holds(path: Path, text: str) -> bool:
    """Whether PATH is a file of exactly this text."""
    return path.is_file() and path.read_bytes() == text.encode("utf-8", "surrogateescape")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _record(values: dict[str, Any]) -> Record:
    """JSON knows no tuples."""
    values["colour"] = tuple(values["colour"])
    values["corners"] = tuple((x, y) for x, y in values["corners"])
    return Record(**values)


def _is_intact(images: Path, crops: Sequence[Path]) -> bool:
    if not images.is_dir():
        return False
    there = {path.name: path.stat().st_size for path in images.iterdir()}
    return there == {f"{index:08d}.png": crop.stat().st_size for index, crop in enumerate(crops)}


def _link_or_copy(source: Path, target: Path) -> None:
    """A second name for the same bytes where the file system has that, so that crops take no space twice."""
    try:
        os.link(source, target)
    except OSError:  # a mounted Drive, a FAT stick
        write_atomically(target, lambda temporary: shutil.copyfile(source, temporary))
