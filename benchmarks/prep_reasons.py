"""How often each reason of `adatune prep` is right: confusion tables on labelled photos and on made faults.

python benchmarks/prep_reasons.py PHOTOS FACES [--cache FOLDER] [--home FOLDER]

PHOTOS holds the portraits and masked/, FACES the small faces (labels/README.md). Pictures made of them are
kept in the cache folder between runs, never in the repository; what prep does is measured anew each time,
unless --home names a folder: what prep finished there is taken as it is.
"""

import argparse
import contextlib
import csv
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from photo_sets import LABELS, PhotoSets, Truth, hashed_files, held_out, yaw_class
from PIL import Image
from prep import machine  # benchmarks/prep.py, beside this file
from verdicts import Verdict, confusion, print_table, separation

from adatune import home
from adatune.errors import PhotosError
from adatune.prep.config import PrepConfig
from adatune.prep.duplicates import find_duplicates, fingerprint
from adatune.prep.photos import read_photo
from adatune.prep.prepare import prep

RESULTS = Path(__file__).parent / "results" / "prep_reasons.json"
# Everything else is as it is by default. Small photos may be enlarged and tightly cropped ones continued, so
# that their other faults can be judged.
ANY_SIZE = {"max_upscale": 100.0, "max_border": 1.0}
SETTINGS: dict[str, dict[str, Any]] = {
    "portraits": {"size": 512},
    "masked": {"size": 512, **ANY_SIZE},
    "faces": {"size": 128, **ANY_SIZE},
    "covers": {"size": 128, **ANY_SIZE},
    "turned-faces": {"size": 128, **ANY_SIZE},
    "duplicates": {"size": 512, **ANY_SIZE, "keep_duplicates": False},
}
LIMITS = PrepConfig()

Row = dict[str, str]
Prepared = dict[str, Row]  # file name -> its row of the manifest
Labels = dict[str, dict[str, str]]


def prepare_set(name: str, folder: Path, place: Path) -> Prepared:
    """Run prep over one set, from nothing."""
    settings = {"size": 512, "keep_duplicates": True} | SETTINGS.get(name, {})
    with contextlib.suppress(PhotosError):  # none of them can be used, as should be where no face is
        prep(folder, name=name, **settings)
    rows = csv.DictReader((place / "datasets" / name / "manifest.csv").open())
    return {row["source"]: row for row in rows}


def no_face(rows: dict[str, Prepared], labels: Labels) -> list[Verdict]:
    """Faceless pictures against the photos of faces that can be seen."""
    verdicts = [_verdict("faceless", file, row, "no-face", True) for file, row in rows["faceless"].items()]
    for kind in ("portraits", "faces"):
        for file, row in rows[kind].items():
            label = labels[file[:16]]
            is_plain = label["faces"] != "0" and label["occlusion"] == "0" and yaw_class(label) < 2
            verdicts.append(_verdict(kind, file, row, "no-face", False if is_plain else None))
    return verdicts


def made_fault(name: str, reason: str, rows: Prepared, truth: Truth) -> list[Verdict]:
    """Photos with one known fault, and their like without."""
    verdicts = []
    for file, row in rows.items():
        what = [name, *(str(truth[file][key]) for key in ("kind", "times", "stops") if key in truth[file])]
        verdicts.append(_verdict(" ".join(what), file, row, reason, truth[file]["is_fault"]))
    return verdicts


def _verdict(kind: str, file: str, row: Row, reason: str, is_true: bool | None) -> Verdict:
    return Verdict(kind, file, is_true, row["reason"] == reason, row["reason"])


def duplicates(rows: Prepared, truth: Truth) -> list[Verdict]:
    """Of each group of copies one is to stay; the rest are to be called its duplicates."""
    verdicts, groups = [], {}
    for file, row in rows.items():
        if row["reason"] not in ("", "duplicate"):
            continue
        group = truth[file]["group"]
        if row["reason"]:
            better = row["detail"].split("same as ")[1].split(";")[0]
            is_right = truth[better]["group"] == group
            verdicts.append(Verdict(_edit(file), file, is_right, True, f"duplicate of {better}"))
        else:
            groups.setdefault(group, []).append(file)
    for files in groups.values():
        verdicts.append(Verdict("kept", files[0], False, False, ""))
        verdicts += [Verdict(_edit(file), file, True, False, "") for file in files[1:]]
    return verdicts


def _edit(file: str) -> str:
    return Path(file).stem.split("-", 1)[1]


def known_duplicates(files: dict[str, Path]) -> list[Verdict]:
    """All shared photos among themselves, against the pairs that were looked at; found repeats only."""
    names = sorted(files)
    repeats = find_duplicates([fingerprint(read_photo(files[name])) for name in names], [1.0] * len(names))
    pairs = list(csv.DictReader((LABELS / "duplicates.csv").open()))
    same = {frozenset((pair["one"], pair["other"])) for pair in pairs if pair["truth"] == "same"}
    found = {frozenset((names[one], names[other])) for one, other in repeats.items()}
    return [
        Verdict("all", "+".join(sorted(pair)), pair in same, True, "duplicate")
        for pair in sorted(found, key=sorted)
    ]


def rotated(rows: Prepared, truth: Truth) -> list[Verdict]:
    """A photo that lies or stands on its head, found to be turned by just that."""
    verdicts = []
    for file, row in rows.items():
        turn, found = truth[file]["turn"], int(row["turn"] or 0)
        what = f"turn {found}, {row['reason'] or 'accepted'}"
        if found and found != turn:  # wrong both ways
            verdicts.append(Verdict("turned", file, False, True, what))
        if not found or found == turn or turn:
            verdicts.append(Verdict("turned", file, turn != 0, found == turn != 0, what))
    return verdicts


def upright(rows: Prepared, place: Path, name: str) -> dict[str, int]:
    """Of the accepted turned photos, how many give the very picture that the upright photo gives."""
    dataset = place / "datasets" / name
    counts = {"compared": 0, "upright": 0}
    for file, row in rows.items():
        original = rows[f"{file[:16]}-upright.png"]
        if "-upright" in file or not row["output"] or not original["output"]:
            continue
        small = [
            np.asarray(Image.open(dataset / each["output"]).convert("L").resize((32, 32)), np.float64).ravel()
            for each in (row, original)
        ]
        counts["compared"] += 1
        counts["upright"] += int(np.corrcoef(*small)[0, 1] > 0.95)
    return counts


def occluded(rows: dict[str, Prepared], labels: Labels, truth: Truth, strict: bool) -> list[Verdict]:
    """Covered faces (class 2) against free ones (0); class 1 is left out, or counts as free."""
    verdicts = []
    for kind in ("portraits", "masked", "faces", "covers"):
        for file, row in rows[kind].items():
            label = labels[file[:16]] | {key: str(value) for key, value in truth.get(file, {}).items()}
            if label["faces"] == "0":
                continue
            middle = None if strict else False
            is_true = {"0": False, "1": middle, "2": True}.get(label["occlusion"])
            what = label["kind"] if kind == "covers" else label["cover"]
            place = f"{kind} {what}"
            verdicts.append(_judged(place, file, row, label, "occluded", is_true))
    return verdicts


def not_frontal(rows: dict[str, Prepared], labels: Labels, strict: bool) -> list[Verdict]:
    """Faces turned or raised strongly (yaw 2 and 3, pitch 2) against level ones; class 1 as above."""
    verdicts = []
    for kind in ("portraits", "masked", "faces"):
        for file, row in rows[kind].items():
            label = labels[file[:16]]
            if label["faces"] == "0":
                continue
            if "unsure" in (label["yaw"], label["pitch"]):
                continue
            is_slight = yaw_class(label) == 1 or label["pitch"][-1:] == "1"
            is_true = _is_turned(label) or (None if strict and is_slight else False)
            place = f"{kind} yaw {yaw_class(label)}" + (" pitch 2" if label["pitch"][-1:] == "2" else "")
            verdicts.append(_judged(place, file, row, label, "not-frontal", is_true))
    return verdicts


def _is_turned(label: dict[str, str]) -> bool:
    return yaw_class(label) >= 2 or label["pitch"][-1:] == "2"


def _judged(
    kind: str, file: str, row: Row, label: dict[str, str], reason: str, is_true: bool | None
) -> Verdict:
    """By the row's reason (another true one is right, too) and by the score alone."""
    true_reasons = {
        "occluded": label["occlusion"] == "2",
        "not-frontal": _is_turned(label),
        "blurred": label["blur"] == "2",
        "colour": label["grey"] == "1",
    }
    is_found = row["reason"] == reason or bool(is_true and true_reasons.get(row["reason"]))
    is_over = None
    if row["yaw"]:
        turned = abs(float(row["yaw"])) > LIMITS.max_yaw or abs(float(row["pitch"])) > LIMITS.max_pitch
        is_over = turned if reason == "not-frontal" else float(row["occlusion"]) > LIMITS.max_occlusion
    return Verdict(kind, file, is_true, is_found, row["reason"], is_over)


def levelled(tilted: Prepared, turned: Prepared, truth: Truth) -> dict[str, float]:
    """How far the tilt that was found is from the one that was made, degrees, in accepted photos."""
    errors = []
    for file, row in tilted.items():
        base = turned[f"{file[:16]}-upright.png"]
        if row["output"] and base["roll"]:
            errors.append(abs(float(row["roll"]) - float(base["roll"]) - truth[file]["tilt"]))
    return {
        "photos": len(tilted),
        "accepted": len(errors),
        "median": round(float(np.median(errors)), 2),
        "percentile_95": round(float(np.percentile(errors, 95)), 2),
    }


def border(bordered: Prepared, turned: Prepared, truth: Truth) -> tuple[list[Verdict], float]:
    """Whether the share outside the photo is seen, and its mean error."""
    verdicts, errors = [], []
    for file, row in bordered.items():
        base = turned[f"{file[:16]}-upright.png"]
        if not row["border"] or not base["border"]:
            continue
        share = 1 - (1 - truth[file]["share"]) * (1 - float(base["border"]))
        errors.append(abs(float(row["border"]) - share))
        verdicts.append(_verdict("border", file, row, "border", share > LIMITS.max_border))
    return verdicts, round(float(np.mean(errors)), 4)


def other_figures(
    rows: dict[str, Prepared], truths: dict[str, Truth], labels: Labels, place: Path
) -> dict[str, Any]:
    """What is no confusion table."""
    faces = [(labels[file[:16]], row) for file, row in rows["faces"].items() if row["yaw"]]
    border_error = border(rows["bordered"], rows["turned"], truths["bordered"])[1]
    stops: dict[str, list[bool]] = {}
    for file, row in rows["exposed"].items():
        stops.setdefault(f"{truths['exposed'][file]['stops']:+}", []).append(row["reason"] == "exposure")
    return {
        "faceless_pictures_accepted": sum(not row["reason"] for row in rows["faceless"].values()),
        "upright_after_turning": {
            name: upright(rows[name], place, name) for name in ("turned", "turned-faces")
        },
        "tilt_error_degrees": levelled(rows["tilted"], rows["turned"], truths["tilted"]),
        "border_share_mean_error": border_error,
        "exposure_rejected_by_stops": {stop: f"{sum(found)}/{len(found)}" for stop, found in stops.items()},
        "chance_that_a_blurred_face_scores_higher": separation(faces, "blur", "blur", ("2", "0")),
        "chance_that_closed_eyes_score_lower": separation(faces, "eyes", "eyes", ("open", "closed")),
        "rows_by_reason": {name: _counts(prepared) for name, prepared in rows.items()},
    }


def _counts(rows: Prepared) -> dict[str, int]:
    reasons = [row["reason"] or "accepted" for row in rows.values()]
    return {reason: reasons.count(reason) for reason in sorted(set(reasons))}


def tables(rows: dict[str, Prepared], truths: dict[str, Truth], labels: Labels) -> dict[str, list[Verdict]]:
    """All confusion tables' verdicts."""
    both = {**rows["turned"], **rows["turned-faces"]}
    result = {
        "no-face": no_face(rows, labels),
        "blurred": made_fault("blurred", "blurred", rows["blurred"], truths["blurred"]),
        "duplicate": duplicates(rows["duplicates"], truths["duplicates"]),
        "rotated": rotated(both, {**truths["turned"], **truths["turned-faces"]}),
        "exposure": made_fault("exposed", "exposure", rows["exposed"], truths["exposed"]),
        "colour": made_fault("coloured", "colour", rows["coloured"], truths["coloured"]),
        "border": border(rows["bordered"], rows["turned"], truths["bordered"])[0],
    }
    for strict in (True, False):
        ending = "" if strict else ", class 1 as good"
        result[f"occluded{ending}"] = occluded(rows, labels, truths["covers"], strict)
        result[f"not-frontal{ending}"] = not_frontal(rows, labels, strict)
    for reason in ("occluded", "not-frontal"):
        result[f"{reason}, held out"] = [one for one in result[reason] if held_out(one.file[:16])]
    return result


def main() -> None:
    """Make the sets, prepare them, compare, print the table and write results/prep_reasons.json."""
    arguments = argparse.ArgumentParser()
    arguments.add_argument("photos", type=Path)
    arguments.add_argument("faces", type=Path)
    arguments.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "adatune-photo-sets")
    arguments.add_argument("--home", type=Path)
    given = arguments.parse_args()
    files = hashed_files(given.photos, given.faces)
    sets = PhotoSets(files, given.cache, LIMITS.max_blur)
    made = sets.make_all()
    rows: dict[str, Prepared] = {}
    with tempfile.TemporaryDirectory() as temporary:
        place = given.home or Path(temporary)
        os.environ["ADATUNE_HOME"] = str(place)
        for name, (folder, _) in made.items():
            started = time.perf_counter()
            rows[name] = prepare_set(name, folder, place)
            print(f"{name}: {len(rows[name])} photos, {time.perf_counter() - started:.0f} s", flush=True)
        truths = {name: truth for name, (_, truth) in made.items()}
        verdicts = tables(rows, truths, sets.labels)
        figures = other_figures(rows, truths, sets.labels, place)
    verdicts["duplicate among the shared photos"] = known_duplicates(
        {name: path for name, path in files.items() if path.suffix.lower() not in (".md", ".txt")}
    )
    result = {
        "command": "python benchmarks/prep_reasons.py PHOTOS FACES",
        "machine": machine(),
        "settings": SETTINGS,
        "reasons": {name: confusion(found) for name, found in verdicts.items()},
        **figures,
    }
    print_table(result["reasons"])
    print(json.dumps(figures, indent=1))
    home.write_text(RESULTS, json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
