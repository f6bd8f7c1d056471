"""Writes down what became of each face: `manifest.csv`, for people and for programs."""

import csv
import io
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adatune.prep.record import Record


@dataclass(frozen=True)
class Row:
    """One face, or one photo without any, and what became of it."""

    record: Record
    reason: str = ""  # empty when accepted
    output: str = ""  # 'images/00000000.png' below the dataset's folder; empty when rejected
    repeats: str = ""  # the source that a duplicate repeats
    reviewed: str = ""  # 'keep' or 'drop' where the user decided
    judged: str = ""  # the reason that the program would give without the user's decision
    split: str = "train"  # or 'validation'
    warnings: tuple[str, ...] = ()  # what a curator might look at, in words
    label: str = ""  # the class, or the vector's numbers


# The first eleven are the format that other programs rely on; what was added since follows them.
_NUMBERS: dict[str, Callable[[Record], str]] = {
    "score": lambda seen: f"{seen.score:.4f}",
    "yaw": lambda seen: f"{seen.yaw:.1f}",
    "pitch": lambda seen: f"{seen.pitch:.1f}",
    "roll": lambda seen: f"{seen.roll:.1f}",
    "eye_px": lambda seen: f"{seen.eye_px:.1f}",
    "upscale": lambda seen: f"{seen.upscale:.3f}",
}
_MORE_NUMBERS: dict[str, Callable[[Record], str]] = {
    "face": lambda seen: str(seen.face),
    "turn": lambda seen: str(seen.turn),
    "second": lambda seen: "" if seen.second is None else f"{seen.second:.4f}",
    "blur": lambda seen: f"{seen.blur:.2f}",
    "exposure": lambda seen: f"{seen.exposure:.3f}",
    "occlusion": lambda seen: f"{seen.occlusion:.3f}",
    "border": lambda seen: f"{seen.invented:.3f}",
    "chroma": lambda seen: f"{seen.colour[0]:.1f}",
    "eyes": lambda seen: f"{seen.eyes:.2f}",
}
COLUMNS = (
    *("source", "status", "reason", "faces", *_NUMBERS, "output"),
    *(*_MORE_NUMBERS, "split", "label", "reviewed", "detail"),
)


def manifest_text(rows: Sequence[Row]) -> str:
    """The rows as comma-separated values with a header, in the order of the photos."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(_cells(row) for row in rows)
    return buffer.getvalue()


def _cells(row: Row) -> list[str]:
    seen = row.record
    status = "rejected" if row.reason else "accepted"
    faces = "" if row.reason == "unreadable" else str(seen.faces)
    split = "" if row.reason else row.split
    return [
        *(seen.source, status, row.reason, faces, *_measured(seen, _NUMBERS), row.output),
        *(*_measured(seen, _MORE_NUMBERS), split, row.label, row.reviewed, _remark(row)),
    ]


def _measured(seen: Record, numbers: dict[str, Callable[[Record], str]]) -> list[str]:
    return ["" if seen.problem else number(seen) for number in numbers.values()]


def _remark(row: Row) -> str:
    """What the reason alone does not say."""
    words = [row.record.detail, f"same as {row.repeats}" if row.repeats else "", *row.warnings]
    return "; ".join(word for word in words if word)


def count_reasons(rows: Sequence[Row]) -> dict[str, int]:
    """How many photos each reason rejected, the most frequent first."""
    return dict(Counter(row.reason for row in rows if row.reason).most_common())
