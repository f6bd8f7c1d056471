"""Writes down what became of each photo: `manifest.csv` for people, `prep.json` for programs."""

import csv
import io
import json
import platform
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any

from adatune import __version__
from adatune.prep.config import PrepConfig
from adatune.prep.crop import PORTRAIT_ASPECT
from adatune.prep.examine import Record

_NUMBERS = ["score", "yaw", "pitch", "roll", "eye_px", "upscale"]
COLUMNS = ["source", "status", "reason", "faces", *_NUMBERS, "output"]


@dataclass(frozen=True)
class Row:
    """One photo and what became of it."""

    record: Record
    reason: str  # empty when accepted
    output: str  # 'images/00000000.png' below the dataset folder; empty when rejected
    repeats: str = ""  # the source that a duplicate repeats


def manifest_text(rows: Sequence[Row]) -> str:
    """The rows as comma-separated values with a header, one line per source file."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in rows)
    return buffer.getvalue()


def _cells(row: Row) -> list[str]:
    seen = row.record
    numbers = [
        f"{seen.score:.4f}",
        f"{seen.yaw:.1f}",
        f"{seen.pitch:.1f}",
        f"{seen.roll:.1f}",
        f"{seen.eye_px:.1f}",
        f"{seen.upscale:.3f}",
    ]
    if seen.problem:
        numbers = [""] * len(numbers)
    status = "rejected" if row.reason else "accepted"
    faces = "" if row.reason == "unreadable" else str(seen.faces)
    return [seen.source, status, row.reason, faces, *numbers, row.output]


def count_reasons(rows: Sequence[Row]) -> dict[str, int]:
    """How many photos each reason rejected, the most frequent first."""
    return dict(Counter(row.reason for row in rows if row.reason).most_common())


def prep_text(config: PrepConfig, name: str, rows: Sequence[Row]) -> str:
    """The settings, versions and counts behind a dataset, as JSON without a time or a path."""
    settings = {key: value for key, value in asdict(config).items() if key not in {"name", "workers"}}
    accepted = [row.record for row in rows if not row.reason]
    contents: Mapping[str, Any] = {
        "format": "adatune-prep-1",
        "name": name,
        "size": config.size,
        "aspect": aspect_of(config),
        "mirror": config.mirror,
        "counts": {"found": len(rows), "kept": len(accepted), "rejected": count_reasons(rows)},
        "upscaled": sum(record.upscale > 1 for record in accepted),
        "settings": settings,
        "versions": {"adatune": __version__, "python": platform.python_version(), **_versions()},
    }
    return json.dumps(contents, indent=2) + "\n"


def aspect_of(config: PrepConfig) -> float:
    """Height divided by width of the crops before they are squashed to squares."""
    return PORTRAIT_ASPECT if config.align == "portrait54" else 1.0


def _versions() -> dict[str, str]:
    return {name: version(name) for name in ("torch", "facenet-pytorch", "pillow", "numpy")}
