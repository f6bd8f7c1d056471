"""Writes the sets of photos that prep_reasons.py prepares, each with what is true of its photos.

A set is a folder of pictures and a `truth.json`; one that is there already is taken as it is.
"""

import csv
import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from covers import covered_variants, half_of, read_cutouts
from faceless import background, drawings
from PIL import Image
from variants import (
    Pixels,
    Portrait,
    blurred_variants,
    bordered_variants,
    coloured_variants,
    edited_variants,
    exposed_variants,
    tilted_variants,
    turned_variants,
)

from adatune.prep.faces import FaceFinder
from adatune.prep.photos import read_photo

LABELS = Path(__file__).parent / "labels"
TURNED_FACES = 60  # small faces that are turned, besides the portraits

Label = dict[str, str]
Truth = dict[str, dict[str, Any]]  # file name -> what is true of it
Variant = tuple[str, Pixels, dict[str, Any]]


def hashed_files(*folders: Path) -> dict[str, Path]:
    """The first 16 digits of each file's SHA-256, and where it is."""
    files = [path for folder in folders for path in sorted(folder.rglob("*")) if path.is_file()]
    return {hashlib.sha256(path.read_bytes()).hexdigest()[:16]: path for path in files}


def read_labels() -> dict[str, Label]:
    """By the hash of the photo."""
    return {row["sha256_16"]: row for row in csv.DictReader((LABELS / "labels.csv").open())}


def yaw_class(label: Label) -> int:
    """0 to 3, without its direction."""
    return int(label["yaw"].lstrip("LR")) if label["yaw"] != "unsure" else 1


def is_free(label: Label) -> bool:
    """One sharp enough face, towards the camera, with nothing before it."""
    plain = label["yaw"] == "0" and label["pitch"] == "0" and label["occlusion"] == "0"
    return plain and label["cover"] == "none" and label["blur"] != "2" and label["faces"] == "1"


class PhotoSets:
    """The labelled photos, and where sets made of them are kept."""

    def __init__(self, files: dict[str, Path], cache: Path, max_blur: float) -> None:
        self._files = files
        self._cache = cache
        self._max_blur = max_blur
        self._finder = FaceFinder()
        self.labels = {name: label for name, label in read_labels().items() if name in files}

    def make_all(self) -> dict[str, tuple[Path, Truth]]:
        """Every set: its folder and its truth."""
        return {name: self._ready(name, make) for name, make in self._makers().items()}

    def _makers(self) -> dict[str, Any]:
        return {
            "portraits": lambda: self._as_they_are("portraits"),
            "masked": lambda: self._as_they_are("masked"),
            "faces": lambda: self._as_they_are("faces"),
            "blurred": lambda: self._varied(lambda one: blurred_variants(one, self._max_blur)),
            "turned": lambda: self._varied(turned_variants),
            "turned-faces": lambda: self._varied(turned_variants, self._free_faces()[:TURNED_FACES]),
            "tilted": lambda: self._varied(tilted_variants),
            "exposed": lambda: self._varied(exposed_variants),
            "bordered": lambda: self._varied(bordered_variants),
            "coloured": self._coloured,
            "duplicates": lambda: self._varied(edited_variants),
            "faceless": self._faceless,
            "covers": self._covers,
        }

    def _ready(self, name: str, make: Any) -> tuple[Path, Truth]:
        folder, truth = self._cache / name, self._cache / f"{name}.json"
        if not truth.exists():
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True)
            truths = {}
            for file, pixels, what in make():
                if isinstance(pixels, Path):
                    file = f"{file}{pixels.suffix.lower()}"
                    shutil.copyfile(pixels, folder / file)
                else:
                    file = f"{file}.png"
                    Image.fromarray(np.ascontiguousarray(pixels)).save(folder / file, compress_level=1)
                truths[file] = what
            truth.write_text(json.dumps(truths, indent=1))
        return folder, json.loads(truth.read_text())

    def _as_they_are(self, kind: str) -> Iterable[tuple[str, Path, dict[str, Any]]]:
        for name, label in self.labels.items():
            if label["set"] == kind:
                yield name, self._files[name], {"name": name}

    def _portrait(self, name: str) -> Portrait | None:
        pixels = read_photo(self._files[name])
        faces = self._finder.find(pixels, 0.9)
        if len(faces) != 1:
            return None
        return Portrait(name, pixels, self._finder.refine(pixels, faces[0].landmarks).landmarks)

    def _good_portraits(self) -> list[Portrait]:
        """Of the portraits, those with one clear face, large enough for the default size."""
        names = [
            name for name, label in self.labels.items() if label["set"] == "portraits" and is_free(label)
        ]
        portraits = [portrait for name in names if (portrait := self._portrait(name))]
        return [portrait.reduced() for portrait in portraits if portrait.upscale < 2.5]

    def _free_faces(self) -> list[Portrait]:
        names = [name for name, label in self.labels.items() if label["set"] == "faces" and is_free(label)]
        portraits = [portrait for name in sorted(names) if (portrait := self._portrait(name))]
        return [portrait for portrait in portraits if portrait.eye_distance > 25]

    def _varied(self, vary: Any, portraits: Sequence[Portrait] | None = None) -> Iterable[Variant]:
        for portrait in self._good_portraits() if portraits is None else portraits:
            for what, pixels, truth in vary(portrait):
                yield f"{portrait.name}-{what}", pixels, {"name": portrait.name, **truth}

    def _coloured(self) -> Iterable[Variant]:
        """The portraits as they are, but for one in four, each of those with another colour."""
        for number, portrait in enumerate(self._good_portraits()):
            kinds = list(coloured_variants(portrait))
            if number % 4:
                yield f"{portrait.name}-as-it-is", portrait.pixels, {"is_fault": False}
            else:
                what, pixels, truth = kinds[number // 4 % len(kinds)]
                yield f"{portrait.name}-{what}", pixels, {"is_fault": True, **truth}

    def _faceless(self) -> Iterable[Variant]:
        for number, row in enumerate(csv.DictReader((LABELS / "backgrounds.csv").open())):
            if row["sha256_16"] in self._files:
                photo = read_photo(self._files[row["sha256_16"]])
                box = tuple(float(row[side]) for side in ("left", "top", "right", "bottom"))
                yield f"{row['sha256_16']}-{number}", background(photo, box), {"kind": "background"}
        for name, pixels in drawings():
            yield name, pixels, {"kind": name.rsplit("-", 1)[0]}

    def _covers(self) -> Iterable[Variant]:
        outlines = LABELS / "cutouts.csv"
        wanted = {row["sha256_16"] for row in csv.DictReader(outlines.open())} & set(self._files)
        cutouts = read_cutouts(outlines, {name: read_photo(self._files[name]) for name in wanted})
        for file, pixels, truth in covered_variants(self._free_faces(), cutouts):
            yield file, pixels, {"name": file[:16], **truth}


def held_out(name: str) -> bool:
    """Whether a photo is of the half that nothing may be fitted to."""
    return half_of(name) == 1
