"""Decides from what was measured which faces make the dataset, and says why the others do not.

Judging is instant, so thresholds can be tried without looking at the photos again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from adatune.prep.colour import Colour, odd_colours
from adatune.prep.config import PrepConfig
from adatune.prep.duplicates import find_duplicates
from adatune.prep.manifest import Row
from adatune.prep.record import Record

# In the order they are judged: what makes later measurements worthless comes first.
REASONS = (
    "unreadable",
    "no-face",
    "several-faces",
    "small-face",
    "small",
    "blurred",
    "exposure",
    "not-frontal",
    "occluded",
    "border",
    "colour",
    "duplicate",
    "review",
)

Decisions = Mapping[tuple[str, int], bool]  # (source, face) -> keep it


def judge(record: Record, config: PrepConfig) -> str:
    """Why this face is left out, looked at by itself: the first reason that holds, or '' for a good one."""
    if record.problem:
        return record.problem
    if record.box_by_hand:
        return ""
    if config.align == "none":
        return "small" if record.upscale > config.max_upscale else ""
    is_turned = abs(record.yaw) > config.max_yaw or abs(record.pitch) > config.max_pitch
    faults = {
        "several-faces": config.faces == "single" and record.faces > 1,
        "small-face": record.upscale > config.max_upscale,
        "blurred": record.blur > config.max_blur,
        "exposure": record.exposure > config.max_exposure,
        "not-frontal": is_turned,
        "occluded": record.occlusion > config.max_occlusion,
        "border": record.invented > config.max_border,
    }
    return next((reason for reason in REASONS if faults.get(reason)), "")


def judge_all(records: Sequence[Record], config: PrepConfig, decisions: Decisions | None = None) -> list[Row]:
    """What becomes of each face, seen together; outputs and splits are given later.

    A face that the user keeps is kept whatever was measured; one that the user drops takes the other files
    of the same picture with it.
    """
    decisions = decisions or {}
    rows = [Row(record, judge(record, config), warnings=_warnings(record, config)) for record in records]
    rows = _mark_odd_colours(rows, config)
    if not config.keep_duplicates:
        rows = _mark_duplicates(rows)
    return [_apply(row, decisions.get((row.record.source, row.record.face))) for row in rows]


def _warnings(record: Record, config: PrepConfig) -> tuple[str, ...]:
    if record.problem:
        return ()
    words: list[str] = []
    if record.upscale > config.warn_upscale:
        words.append(f"enlarged {record.upscale:.1f} times")
    if config.align != "none" and not record.box_by_hand and record.eyes < config.warn_eyes:
        words.append("eyes closed?")
    return tuple(words)


def _mark_odd_colours(rows: Sequence[Row], config: PrepConfig) -> list[Row]:
    """Grey photos among coloured ones, and those under another light than the rest."""
    if config.align == "none":
        return list(rows)
    good = [index for index, row in enumerate(rows) if not row.reason and not row.record.box_by_hand]
    odd = odd_colours([Colour(*rows[index].record.colour) for index in good])
    far = {good[i] for i, distance in odd.items() if distance > config.max_cast}
    return [replace(row, reason="colour") if index in far else row for index, row in enumerate(rows)]


def _mark_duplicates(rows: Sequence[Row]) -> list[Row]:
    """Photos are compared, not faces: the faces of one photo are no duplicates of each other."""
    best: dict[str, Record] = {}
    for row in rows:
        known = best.get(row.record.source)
        if not row.reason and (known is None or row.record.detail_resolved > known.detail_resolved):
            best[row.record.source] = row.record
    photos = list(best.values())
    repeats = find_duplicates(
        [photo.fingerprint for photo in photos], [photo.detail_resolved for photo in photos]
    )
    stands_for = {photos[index].source: photos[better].source for index, better in repeats.items()}
    return [
        replace(row, reason="duplicate", repeats=stands_for[row.record.source])
        if not row.reason and row.record.source in stands_for
        else row
        for row in rows
    ]


def _apply(row: Row, keep: bool | None) -> Row:
    row = replace(row, judged=row.reason)
    if keep is None or (keep and not row.record.has_crop):
        return row
    if keep:
        return replace(row, reason="", repeats="", reviewed="keep")
    return replace(row, reason="review", repeats="", reviewed="drop")
