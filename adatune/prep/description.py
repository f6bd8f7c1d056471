"""`prep.json`: settings, versions, counts and report of a dataset, without a time or a place."""

import json
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

from adatune import __version__
from adatune.data.dataset import find_dataset
from adatune.errors import DatasetError
from adatune.prep.config import PrepConfig
from adatune.prep.manifest import Row, count_reasons
from adatune.prep.report import DatasetReport, from_json

_FORMAT = "adatune-prep-1"
_NO_SETTINGS = {"name", "workers", "labels"}  # a place, or nothing that the pictures depend on


def description(
    name: str, config: PrepConfig, rows: Sequence[Row], split: str, **more: Mapping[str, Any] | Sequence[str]
) -> str:
    """The text of prep.json for one half of the rows: SPLIT is 'train' or 'validation'.

    Args:
        name: of the dataset.
        config: its settings.
        rows: all of them, whichever split they are in.
        split: whose pictures the dataset holds.
        more: further entries, such as the report.
    """
    settings = {key: value for key, value in asdict(config).items() if key not in _NO_SETTINGS}
    kept = [row.record for row in rows if not row.reason and row.split == split]
    contents: dict[str, Any] = {
        "format": _FORMAT,
        "name": name,
        "split": split,
        "size": config.size,
        "aspect": config.aspect,
        "mirror": config.mirror,
        "counts": {"found": len(rows), "kept": len(kept), "rejected": count_reasons(rows)},
        "upscaled": sum(record.upscale > 1 for record in kept),
        **more,
        "settings": settings,
        "versions": {"adatune": __version__, "python": platform.python_version(), **_versions()},
    }
    return json.dumps(contents, indent=2) + "\n"


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "facenet-pytorch", "pillow", "numpy")}


def stored_report(name: str | None) -> DatasetReport:
    """The report of a dataset prepared before; None: of the only one there is.

    Raises:
        DatasetError: there is no such dataset, or it was not made by this version's `adatune prep`.
    """
    path = find_dataset(name)
    try:
        return from_json(json.loads((path / "prep.json").read_text(encoding="utf-8"))["report"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DatasetError(
            f"{path} has no report: it was not made by 'adatune prep', or by an earlier version. "
            "Prepare its photos again; what was measured is kept."
        ) from error
