"""`adatune prep`: a folder of photos in, a dataset with a reason for each photo left out."""

import re
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from adatune import home
from adatune.errors import PhotosError, UsageError
from adatune.prep.config import PrepConfig
from adatune.prep.contact_sheet import contact_sheet
from adatune.prep.description import description
from adatune.prep.judge import judge_all
from adatune.prep.manifest import Row, count_reasons, manifest_text
from adatune.prep.photos import find_photos
from adatune.prep.record import Record
from adatune.prep.store import Store
from adatune.prep.workers import examine_all


@dataclass(frozen=True)
class PrepProgress:
    """How far a preparation is. The first comes before any work, with `done` equal to `reused`."""

    done: int  # photos
    total: int  # photos
    reused: int  # photos whose results an earlier run left
    dataset: Path  # where the dataset is being written
    source: str = ""  # the photo just finished


@dataclass(frozen=True)
class PrepResult:
    """A prepared dataset."""

    name: str
    dataset: Path
    found: int  # files in the photo folder
    kept: int  # pictures in the dataset
    reused: int  # photos that an earlier run had already examined
    reasons: dict[str, int]  # why photos were left out, the most frequent first
    upscaled: int  # kept pictures enlarged beyond `warn_upscale`
    size: int  # pixels
    mirror: bool
    seconds: float

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {**asdict(self), "dataset": str(self.dataset)}


def prep(
    folder: str | Path, *, progress: Callable[[PrepProgress], object] | None = None, **settings: Any
) -> PrepResult:
    """Turn a folder of photos into a dataset; `adatune.prep`.

    Args:
        folder: photos, in any depth of sub-folders.
        progress: called before the work and after each photo.
        settings: fields of `PrepConfig`, such as size=256, name="faces".
    Raises: as `prepare`.
    """
    try:
        config = PrepConfig(**settings)
    except TypeError as error:
        raise UsageError(
            f"adatune.prep: {error}. Its settings are the fields of adatune.prep.config.PrepConfig."
        ) from error
    return prepare(Path(folder), config, progress)


def prepare(
    folder: Path, config: PrepConfig, progress: Callable[[PrepProgress], object] | None = None
) -> PrepResult:
    """Find the face in each photo, level, crop and judge it, and write `datasets/NAME`.

    Finished photos are kept as they come, so a killed run continues and a second run redoes nothing. The
    photos themselves are never touched.

    Raises:
        PhotosError: no such folder, no files in it, or none that can be used (the manifest says why).
        DatasetError: `datasets/NAME` holds something else.
        UsageError: the folder is the dataset itself.
    """
    started = time.monotonic()
    name, dataset = _place(folder, config)
    photos = _list_photos(folder, dataset)
    store = Store(dataset)
    store.claim(folder)
    keys = [store.key(folder, photo, config) for photo in photos]
    records = {key: record for key in keys if (record := store.read(key)) is not None}
    reused = len(records)
    report = progress or _say_nothing
    report(PrepProgress(reused, len(photos), reused, dataset))
    todo = [(key, photo.as_posix()) for key, photo in zip(keys, photos, strict=True) if key not in records]
    for key, record in examine_all(folder, todo, config, dataset):
        records[key] = record
        report(PrepProgress(len(records), len(photos), reused, dataset, record.source))
    rows = _judge_all([records[key] for key in keys], config)
    _write(store, name, config, keys, rows)
    return _result(name, dataset, config, rows, reused, time.monotonic() - started)


def _say_nothing(_: PrepProgress) -> None:
    """What is reported when nobody asked."""


def _place(folder: Path, config: PrepConfig) -> tuple[str, Path]:
    """The dataset's name and folder."""
    if not folder.exists():
        raise PhotosError(f"There is no folder {str(folder)!r}. Name the folder that holds your photos.")
    if not folder.is_dir():
        raise PhotosError(f"{str(folder)!r} is a file. Name the folder that holds your photos, such as '.'.")
    name = config.name or _safe_name(folder.resolve().name)
    dataset = home.datasets_folder() / name
    if folder.resolve().is_relative_to(dataset.resolve()):
        raise UsageError(
            f"{str(folder)!r} lies in the dataset {name!r} that it would make. Give another --name."
        )
    return name, dataset


def _safe_name(name: str) -> str:
    plain = re.sub(r"[^\w.+-]+", "-", name).strip("-.")
    return plain.encode("utf-8", "ignore").decode() or "photos"


def _list_photos(folder: Path, dataset: Path) -> list[Path]:
    """The files to look at, without our own folders should they lie among the photos."""
    ours = [home.datasets_folder(), home.runs_folder(), home.pretrained_folder(), dataset]
    inside = [path for path in ours if not folder.resolve().is_relative_to(path.resolve())]
    photos = find_photos(folder, inside)
    if not photos:
        raise PhotosError(f"There are no files in {str(folder)!r}. Put photos there (sub-folders count too).")
    return photos


def _judge_all(records: Sequence[Record], config: PrepConfig) -> list[Row]:
    rows = judge_all(records, config)
    number = 0
    numbered: list[Row] = []
    for row in rows:
        numbered.append(row if row.reason else replace(row, output=f"images/{number:08d}.png"))
        number += not row.reason
    return numbered


def _write(store: Store, name: str, config: PrepConfig, keys: Sequence[str], rows: Sequence[Row]) -> None:
    """Publish the dataset; `prep.json` comes last and says that all of it is there."""
    kept = [key for key, row in zip(keys, rows, strict=True) if not row.reason]
    described = description(name, config, rows, "train")
    if not store.holds("prep.json", described):
        store.remove("prep.json")
    store.publish(kept)
    store.write_text("manifest.csv", manifest_text(rows))
    store.write_text("contact-sheet.html", contact_sheet(name, config, rows))
    store.forget_all_but(set(keys))
    if not kept:
        store.remove("dataset.json")
        why = ", ".join(f"{count} {reason}" for reason, count in count_reasons(rows).items())
        raise PhotosError(
            f"None of the {len(rows)} files can be used: {why}. "
            f"Open {store.dataset / 'contact-sheet.html'} to see why, then loosen a threshold or add photos."
        )
    store.write_text("dataset.json", '{"labels": null}\n')
    store.write_text("prep.json", described)


def _result(
    name: str, dataset: Path, config: PrepConfig, rows: Sequence[Row], reused: int, seconds: float
) -> PrepResult:
    kept = [row.record for row in rows if not row.reason]
    return PrepResult(
        name=name,
        dataset=dataset,
        found=len(rows),
        kept=len(kept),
        reused=reused,
        reasons=count_reasons(rows),
        upscaled=sum(record.upscale > config.warn_upscale for record in kept),
        size=config.size,
        mirror=config.mirror,
        seconds=round(seconds, 2),
    )
