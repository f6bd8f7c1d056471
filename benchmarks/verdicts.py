"""Counts how often a reason was given where it should be: confusion tables, used by prep_reasons.py."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_MOST_WRONG = 80  # wrong cases that are listed


@dataclass(frozen=True)
class Verdict:
    """One photo, and whether a reason holds and was found."""

    kind: str  # of photo, to tell kinds apart
    file: str  # starts with the hash of the photo
    is_true: bool | None  # None: cannot be said, left out
    is_found: bool
    reason: str  # that was given
    is_over: bool | None = None  # by the score alone; None: there is no score


def confusion(verdicts: Sequence[Verdict]) -> dict[str, Any]:
    """Counts, precision and recall by the reason given and by the score alone, by kind, and what is wrong."""
    known = [one for one in verdicts if one.is_true is not None]
    pairs = [(bool(one.is_true), one.is_found) for one in known]
    table: dict[str, Any] = _counts(pairs) | {"left_out": len(verdicts) - len(known)}
    scored = [(bool(one.is_true), one.is_over) for one in known if one.is_over is not None]
    if scored:
        table["by_score"] = _counts(scored) | {"without_score": len(known) - len(scored)}
    positive = [one for one in known if one.is_true]
    table["rejected_for_any_reason"] = f"{sum(bool(one.reason) for one in positive)}/{len(positive)}"
    by_kind: dict[str, list[Verdict]] = defaultdict(list)
    for one in known:
        by_kind[one.kind].append(one)
    table["by_kind"] = {kind: _short(mine) for kind, mine in sorted(by_kind.items())}
    wrong = [one for one in known if bool(one.is_true) != one.is_found]
    table["wrong"] = [
        f"{one.kind}: {one.file}: {'missed' if one.is_true else 'false'} ({one.reason or 'accepted'})"
        for one in wrong[:_MOST_WRONG]
    ]
    return table


def _counts(pairs: Sequence[tuple[bool, bool | None]]) -> dict[str, Any]:
    hits = sum(truth and bool(found) for truth, found in pairs)
    false = sum(not truth and bool(found) for truth, found in pairs)
    missed = sum(truth and not found for truth, found in pairs)
    return {
        "true": hits,
        "false": false,
        "missed": missed,
        "rightly_left": len(pairs) - hits - false - missed,
        "precision": round(hits / (hits + false), 3) if hits + false else None,
        "recall": round(hits / (hits + missed), 3) if hits + missed else None,
    }


def _short(verdicts: Sequence[Verdict]) -> str:
    found = sum(one.is_found for one in verdicts if one.is_true)
    positive = sum(bool(one.is_true) for one in verdicts)
    false = sum(one.is_found for one in verdicts if not one.is_true)
    return f"found {found}/{positive}, false {false}/{len(verdicts) - positive}"


def separation(
    faces: Sequence[tuple[dict[str, str], dict[str, str]]], label: str, column: str, values: tuple[str, str]
) -> dict[str, Any]:
    """How likely the score of a photo labelled with the first value is higher than of one with the second."""
    scores = [[float(row[column]) for known, row in faces if known[label] == value] for value in values]
    if not all(scores):
        return {"counts": [len(each) for each in scores]}
    wins = sum((high > low) + 0.5 * (high == low) for high in scores[0] for low in scores[1])
    chance = round(wins / (len(scores[0]) * len(scores[1])), 3)
    return {"counts": [len(each) for each in scores], "chance": chance}


def print_table(reasons: dict[str, dict[str, Any]]) -> None:
    """For people: one line a reason, then the kinds of which some are wrong."""
    print(f"{'reason':36s} true false missed left  precision recall   by score")
    for name, table in reasons.items():
        score = table.get("by_score", {})
        scored = f"{score['precision']}  {score['recall']}" if score else ""
        counts = f"{table['true']:4d} {table['false']:5d} {table['missed']:6d} {table['rightly_left']:4d}"
        print(f"{name:36s} {counts}  {table['precision']!s:9s} {table['recall']!s:8s} {scored}")
        for kind, short in table["by_kind"].items():
            print(f"    {kind:32s} {short}")
