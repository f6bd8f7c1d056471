"""Writes a judged dataset: pictures, labels, manifest, contact sheet; `prep.json` last, once all is there."""

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from adatune.errors import DatasetError, PhotosError
from adatune.prep.classes import Labels, dataset_json
from adatune.prep.config import PrepConfig
from adatune.prep.contact_sheet import contact_sheet
from adatune.prep.description import description
from adatune.prep.manifest import Row, count_reasons, manifest_text
from adatune.prep.report import DatasetReport
from adatune.prep.split import validation_name
from adatune.prep.store import Store, holds, write_if_new


@dataclass(frozen=True)
class Judged:
    """A face with its verdict and, where there is one, its crop in the cache."""

    row: Row
    crop: Path | None


def publish(
    store: Store,
    name: str,
    config: PrepConfig,
    judged: Sequence[Judged],
    report: DatasetReport,
    labels: Labels | None,
) -> None:
    """Write `datasets/NAME` and, where photos are put aside, `datasets/NAME-validation`.

    Raises:
        PhotosError: no face was accepted. Manifest and contact sheet are written all the same: they say why.
        DatasetError: `datasets/NAME-validation` holds something else.
    """
    aside = store.dataset.with_name(validation_name(store.dataset.name))
    check_place_of_validation(aside)
    rows = [item.row for item in judged]
    write_if_new(store.dataset / "manifest.csv", manifest_text(rows))
    write_if_new(
        store.dataset / "contact-sheet.html", contact_sheet(name, config, rows, report=report.advice)
    )
    more = {"report": report.as_json()} | ({"classes": list(labels.names)} if labels else {})
    for dataset, split in ((store.dataset, "train"), (aside, "validation")):
        described = description(dataset.name, config, rows, split, **more)
        members = [item for item in judged if not item.row.reason and item.row.split == split]
        _write(store, dataset, members, labels, described)
    if not any(not row.reason and row.split == "train" for row in rows):
        raise _nothing_left(store.dataset, rows)


def check_place_of_validation(aside: Path) -> None:
    """Raise DatasetError if what is kept apart would overwrite something that is not ours."""
    if not aside.exists():
        return
    try:
        is_ours = json.loads((aside / "prep.json").read_text()).get("split") == "validation"
    except (OSError, ValueError, AttributeError):
        is_ours = False
    if not is_ours and any(aside.iterdir()):
        raise DatasetError(
            f"{aside} exists and is not what 'adatune prep --validation' made. Nothing was changed. "
            "Choose another --name."
        )


def _write(
    store: Store, dataset: Path, members: Sequence[Judged], labels: Labels | None, described: str
) -> None:
    """One dataset folder of ours; without pictures it holds none of the files that make it a dataset."""
    if not members:
        for path in (dataset / "prep.json", dataset / "dataset.json"):
            path.unlink(missing_ok=True)
        shutil.rmtree(dataset / "images", ignore_errors=True)
        if dataset != store.dataset and dataset.is_dir():
            shutil.rmtree(dataset)
        return
    dataset.mkdir(parents=True, exist_ok=True)
    if not holds(dataset / "prep.json", described):
        (dataset / "prep.json").unlink(missing_ok=True)
    store.publish([item.crop for item in members if item.crop is not None], dataset)
    outputs = [(f"images/{number:08d}.png", item.row.record.source) for number, item in enumerate(members)]
    write_if_new(dataset / "dataset.json", dataset_json(outputs, labels))
    write_if_new(dataset / "prep.json", described)


def _nothing_left(dataset: Path, rows: Sequence[Row]) -> PhotosError:
    why = ", ".join(f"{count} {reason}" for reason, count in count_reasons(rows).items())
    why = why or "all of them were put aside for validation"
    return PhotosError(
        f"No usable photo among {len(rows)}: {why}. "
        f"Open {dataset / 'contact-sheet.html'} to see why, then loosen a threshold or add photos."
    )
