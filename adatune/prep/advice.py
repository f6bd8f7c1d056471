"""What somebody who has trained on many sets of photos would say to this one, and which option to try.

Each piece follows from the report's numbers, or from how many photos a looser threshold would bring back;
where nothing follows, nothing is said.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from adatune.prep.config import PrepConfig
from adatune.prep.judge import judge
from adatune.prep.manifest import Row
from adatune.prep.record import Record

if TYPE_CHECKING:
    from adatune.prep.report import DatasetReport

FEW = 30  # pictures; results get varied from about here
_P_RISES = 1000  # pictures: below, ADA's strength p rises in a fine-tuning; 55 took it to 0.8
_MANY = 10_000  # pictures: from here p stays low
_FEW_OF_CLASS, _FEW_TO_VALIDATE, _FEW_FOR_SCRATCH = 10, 20, 1000  # pictures
_TRANSFER_KIMG = {512: 1000, 1024: 200}  # thousands of images shown that were enough to see results

# Which thresholds decide a reason, what they are loosened to, and the price of that.
_LOOSER: dict[str, tuple[dict[str, Callable[[float], float]], str]] = {
    "small-face": ({"max_upscale": lambda limit: 1.5 * limit}, "softer results"),
    "small": ({"max_upscale": lambda limit: 1.5 * limit}, "softer results"),
    "blurred": ({"max_blur": lambda limit: 1.5 * limit}, "softer results"),
    "exposure": (
        {"max_exposure": lambda limit: min(1.0, 1.5 * limit)},
        "flat, dark or burnt results among the others",
    ),
    "not-frontal": (
        {"max_yaw": lambda limit: min(90.0, limit + 10), "max_pitch": lambda limit: min(90.0, limit + 10)},
        "poses that need many examples to come out well",
    ),
    "occluded": (
        {"max_occlusion": lambda limit: min(1.0, limit + 0.15)},
        "hands and microphones that melt into faces",
    ),
    "border": (
        {"max_border": lambda limit: min(1.0, 1.5 * limit)},
        "mirrored, blurred edges that the network learns",
    ),
}
_OTHERWISE = {
    "no-face": (
        "a lower --min-face-score finds more, at the price of things that are no faces; for photos of other "
        "things use --align none"
    ),
    "several-faces": "--faces largest takes the largest of each, --faces all every one",
    "colour": "--max-cast raised keeps them, at the price of odd colours among the others",
    "duplicate": "--keep-duplicates keeps them, at the price of a network that copies those photos",
    "unreadable": "manifest.csv says what is wrong with each; saved again as JPEG or PNG they can be read",
}


def advise(report: "DatasetReport", rows: Sequence[Row], config: PrepConfig) -> tuple[str, ...]:
    """Advice in words, the most important first; empty where no photo was kept and nothing was left out.

    Args:
        report: the numbers.
        rows: all lines of the manifest.
        config: the settings they were judged by.
    """
    said = [*_about_number(report), *_about_left_out(report, rows, config)]
    if report.kept:
        said += [*_about_size(report, config), *_about_faces(report, rows, config)]
        said += [*_about_classes(report), *_about_validation(report, config), *_about_larger(report, config)]
    return tuple(said)


def _about_number(report: "DatasetReport") -> Iterator[str]:
    count = report.kept
    # Measured by others at 256 and more (Mo et al. 2020); smaller discriminators have few layers to hold.
    freeze = "; try --freezed 10 with --resume" if report.size >= 256 else ""
    if 0 < count < FEW:
        yield (
            f"{_photos(count)}: results get varied from about {FEW}. Look for more, and compare snapshots, "
            f"for a network soon copies so small a set{freeze}."
        )
    elif FEW <= count < _P_RISES:
        limit = " to its limit, --p-max 0.8 (55 photos got there)" if count < 100 else ""
        yield f"{_photos(count)}: expect p to rise{limit}{freeze}."
    elif count >= _MANY:
        yield (
            f"{_photos(count)}: p will stay low and nothing needs freezing, but --kimg 1000 shows each only "
            f"{1_000_000 / count:.0f} times. Train longer."
        )


def _about_left_out(report: "DatasetReport", rows: Sequence[Row], config: PrepConfig) -> Iterator[str]:
    reason, count = next(iter(report.reasons.items()), ("", 0))
    left_out = sum(report.reasons.values())
    if left_out < max(5, 0.25 * report.found) or count < 0.4 * left_out or reason == "review":
        return
    share = f"{count} of {report.found} were left out as {reason}"
    if reason in _LOOSER:
        yield f"{share}: {_loosened(reason, rows, config)}."
    elif reason in _OTHERWISE:
        yield f"{share}: {_OTHERWISE[reason]}."


def _loosened(reason: str, rows: Sequence[Row], config: PrepConfig) -> str:
    """The option that brings most of them back, as far as they are judged one by one."""
    thresholds, price = _LOOSER[reason]
    trials: list[tuple[int, str]] = []
    for field, loosen in thresholds.items():
        changes: dict[str, Any] = {field: round(loosen(getattr(config, field)), 2)}
        looser = replace(config, **changes)
        back = sum(not judge(row.record, looser) for row in rows if row.reason == reason)
        trials.append((back, f"--{field.replace('_', '-')} {changes[field]:g}"))
    back, option = max(trials, key=lambda trial: trial[0])
    if not back:
        return f"even {option} would bring none of them back; look for other photos"
    return f"{option} would bring {back} of them back, at the price of {price}"


def _about_size(report: "DatasetReport", config: PrepConfig) -> Iterator[str]:
    total, enlarged = report.kept + report.validation, report.enlarged.get(str(report.size), 0)
    if not enlarged or (report.largest_enlargement <= config.warn_upscale and enlarged < 0.1 * total):
        return
    words = f"{enlarged} of {total} are under {report.size} pixels across and were enlarged, up to "
    words += f"{report.largest_enlargement:.1f} times"
    if enlarged > total / 2 and report.size > 256:
        yield f"{words}: look for larger ones, or prepare them at --size {report.size // 2}."
    else:
        yield f"{words}: look for larger ones."


def _about_faces(report: "DatasetReport", rows: Sequence[Row], config: PrepConfig) -> Iterator[str]:
    faces = [row.record for row in rows if not row.reason and row.record.eye_px > 0]
    if not faces:
        return
    yield from _about_pose(faces, config)
    half = report.blur.get("half below", 0.0)
    if half > 0.6 * config.max_blur:
        yield (
            f"Half of the faces have edges softer than {half:.1f} pixels, and so will results. Look for "
            f"sharper photos{f', or prepare them at --size {report.size // 2}' if report.size > 256 else ''}."
        )
    if 0 < report.grey < len(faces):
        yield (
            f"{report.grey} of {len(faces)} are black and white: a network learns to make both kinds. "
            "Drop them on the contact sheet if you want colour alone."
        )
    if report.eyes_closed:
        yield f"{report.eyes_closed} may have closed eyes: look at them on the contact sheet."
    if report.cut_off >= max(3, 0.1 * len(faces)) and config.max_border > 0.1:
        yield (
            f"{report.cut_off} crops reach beyond their photo and end in its mirrored edge, which a network "
            "learns: --max-border 0.1 leaves most of them out."
        )


def _about_pose(faces: Sequence[Record], config: PrepConfig) -> Iterator[str]:
    left, right = sum(face.yaw < -5 for face in faces), sum(face.yaw > 5 for face in faces)
    most, side = max((left, "left"), (right, "right"))
    if most >= max(10, 0.3 * len(faces)) and most >= 0.8 * (left + right):
        words = f"{most} of {left + right} turned heads look to the {side} of the picture"
        if config.mirror:
            yield f"{words}: mirrored copies, which training shows as well, balance that. Leave --mirror on."
        else:
            yield f"{words}: train with --mirror, whose copies balance that."
    pitch = sorted(face.pitch for face in faces)[len(faces) // 2]
    if len(faces) >= 10 and abs(pitch) > 10:
        yield (
            f"Half of the heads are {'raised' if pitch > 0 else 'lowered'} by more than {abs(pitch):.0f} "
            "degrees, and so will be those that come out: look for photos taken at eye level."
        )


def _about_classes(report: "DatasetReport") -> Iterator[str]:
    if not report.classes:
        return
    few = [f"{name} ({count})" for name, count in report.classes.items() if count < _FEW_OF_CLASS]
    if few:
        shown = ", ".join(few[:5]) + (f" and {len(few) - 5} more" if len(few) > 5 else "")
        yield (
            f"Few photos of a class: {shown}. With --cond a network copies a class of under {_FEW_OF_CLASS}: "
            "add photos, or join classes."
        )
    if report.kept < _FEW_FOR_SCRATCH:
        yield (
            "The published networks know no classes, so --cond needs a network trained with as many, or "
            f"starts from scratch, for which {_photos(report.kept)} are few. Without --cond labels are left "
            "aside."
        )


def _about_validation(report: "DatasetReport", config: PrepConfig) -> Iterator[str]:
    if not config.validation or report.validation >= _FEW_TO_VALIDATE:
        return
    if report.kept < 5 * _FEW_TO_VALIDATE:
        todo = "with so few photos it is better to train on all: leave --validation out"
    else:
        wanted = _FEW_TO_VALIDATE / (report.kept + report.validation)
        todo = f"use --validation {math.ceil(wanted * 120) / 100:g}"
    yield f"{_photos(report.validation)} for validation, too few to measure by: {todo}."


def _about_larger(report: "DatasetReport", config: PrepConfig) -> Iterator[str]:
    larger = {256: 512, 512: 1024}.get(report.size)
    if larger is None:
        return
    total, enlarged = report.kept + report.validation, report.enlarged[str(larger)]
    if enlarged > total / 2:
        yield (
            f"{enlarged} of {total} are under {larger} pixels across and would be enlarged at --size "
            f"{larger}: look for larger ones before going there."
        )
        return
    name = _quoted(f"{config.name or 'NAME'}-{larger}")
    those = f"; {enlarged} of {total} would be enlarged there: look for larger ones" if enlarged else ""
    prep = f"adatune prep PHOTOS --size {larger} --name {name}{_settings(config)}"
    train = f"adatune train --data {name} --resume ffhq{larger} --kimg {_TRANSFER_KIMG[larger]}"
    why = f"for a network of {report.size} cannot grow"
    yield f"To go to {larger} afterwards: {prep}; then {train}, {why}{those}."


def _settings(config: PrepConfig) -> str:
    """The options that were given besides name, size and workers, as they would be typed again."""
    typed = ""
    for field in fields(config):
        value, option = getattr(config, field.name), field.name.replace("_", "-")
        if field.name in {"name", "size", "workers"} or value == field.default:
            continue
        if isinstance(value, bool):
            typed += f" --{option}" if value else f" --no-{option}"
        else:
            typed += f" --{option} {_quoted(f'{value:g}' if isinstance(value, float) else str(value))}"
    return typed


def _quoted(word: str) -> str:
    return f'"{word}"' if " " in word else word


def _photos(count: int) -> str:
    return "1 photo" if count == 1 else f"{count:,} photos"
