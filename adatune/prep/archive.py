"""Packs a prepared dataset into one zip that this and every other StyleGAN2-ADA tool trains from."""

import json
import shutil
import zipfile
from pathlib import Path
from typing import Any

from adatune.errors import DatasetError
from adatune.home import write_atomically

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the first that a zip can name: equal datasets give equal bytes
_PICTURES, _LABELS, _DESCRIPTION = "images", "dataset.json", "prep.json"


def write_zip(dataset: Path, target: Path) -> int:
    """Pack the folder DATASET into TARGET: dataset.json, prep.json and images/, whole or not at all.

    The pictures are PNG, which packing would not make smaller: they are stored as they are, so that any
    of them can be read without unpacking.

    Returns: how many pictures it holds.
    Raises:
        DatasetError: DATASET was not finished by 'adatune prep', or TARGET is something that we did not make.
    """
    members = _members(dataset)
    check_target(dataset, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(target, lambda path: _pack(dataset, members, path))
    return sum(name.startswith(f"{_PICTURES}/") for name in members)


def check_target(dataset: Path, target: Path) -> None:
    """Raise DatasetError unless a zip of DATASET may be written to TARGET; to be asked before long work."""
    if target.exists() and not is_ours(target):
        raise DatasetError(
            f"{target} exists and is no zip of a dataset made by adatune. Nothing was changed. "
            "Choose another name, or delete it first."
        )
    if target.resolve().is_relative_to((dataset / _PICTURES).resolve()):
        raise DatasetError(f"{target} lies among the pictures that it would hold. Choose another folder.")


def is_ours(path: Path) -> bool:
    """Whether PATH is a zip that `write_zip` made."""
    try:
        with zipfile.ZipFile(path) as archive:
            description: Any = json.loads(archive.read(_DESCRIPTION))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError):
        return False
    return isinstance(description, dict) and str(description.get("format")).startswith("adatune-prep-")


def _members(dataset: Path) -> list[str]:
    missing = [name for name in (_LABELS, _DESCRIPTION) if not (dataset / name).is_file()]
    pictures = sorted(f"{_PICTURES}/{path.name}" for path in dataset.glob(f"{_PICTURES}/*.png"))
    if missing or not pictures:
        raise DatasetError(
            f"{dataset} is no finished dataset: {' and '.join(missing) or 'images/'} "
            f"{'are' if len(missing) > 1 else 'is'} missing or empty. Make it with 'adatune prep PHOTOS'."
        )
    return [_LABELS, _DESCRIPTION, *pictures]


def _pack(dataset: Path, members: list[str], path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        for name in members:
            member = zipfile.ZipInfo(name, _FIRST_DAY)
            member.create_system = 3  # Unix, also when packed on Windows
            member.external_attr = 0o644 << 16
            member.file_size = (dataset / name).stat().st_size  # tells whether it needs the large format
            with (dataset / name).open("rb") as source, archive.open(member, "w") as packed:
                shutil.copyfileobj(source, packed, 1 << 20)
