"""The class of each photo, from its sub-folder or from a table, and the dataset.json that says so."""

import csv
import io
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adatune.errors import PhotosError, UsageError
from adatune.pages import printable

Label = int | tuple[float, ...]  # a class number, or a vector

_SHOWN = 5  # of many wrong photos or lines, those that an error names
_FRAME = re.compile(r"#\d+$")  # 'clip.mp4#000120' is frame 120 of clip.mp4
_VECTOR_COLUMN = re.compile(r"label_(\d+)")


@dataclass(frozen=True)
class Labels:
    """What the photos show, as a conditional network is told it."""

    values: dict[str, Label]  # by source
    names: tuple[str, ...]  # of the classes, by number; empty where labels are vectors
    origin: str  # 'folders', or the table's path, for messages

    def name_of(self, source: str) -> str:
        """The class of a photo in words: its name, or its vector's numbers; empty without a label."""
        value = self.values.get(source)
        if value is None:
            return ""
        return self.names[value] if isinstance(value, int) else " ".join(f"{number:g}" for number in value)


def read_labels(spec: str, sources: Sequence[str], otherwise: str = "leave --labels out") -> Labels:
    """The labels of the photos called SOURCES.

    Class numbers follow the names in natural order (cat2 before cat10). Every class among SOURCES counts,
    whether or not a photo of it will be kept: what a threshold or a review leaves out must not change what
    the numbers mean. A table whose labels are 0..n-1 keeps them.

    Args:
        spec: 'folders': the class is the first sub-folder; else the path of a comma-separated table with the
            columns source (as in manifest.csv) and label (a name or whole number), or label_0, label_1, ...
            (numbers: a vector). A video's line holds for all of its frames.
        sources: the readable photos as the manifest names them. Not all need a label: `dataset_json` asks
            for those that it writes down.
        otherwise: what to do where there are no classes, for messages.
    Raises:
        UsageError: SPEC is neither.
        PhotosError: no photo has a label, all are of one class, or the table has errors.
    """
    if not sources:
        return Labels({}, (), spec)
    if spec == "folders":
        return _number(_folders(sources, otherwise), spec, otherwise)
    table = Path(spec).expanduser()
    if not table.is_file():
        raise UsageError(
            f"--labels {spec} is not known. Use 'folders' (a photo's first sub-folder is its class), "
            "or name a CSV file with the columns source and label."
        )
    given = _read_table(table)
    found = ((source, _lookup(given, source)) for source in sources)
    values = {source: label for source, label in found if label is not None}
    if not values:
        raise PhotosError(
            f"{table} has no line for any of the {len(sources)} photos. Its column source should read as in "
            f"manifest.csv, for example {printable(sources[0])}."
        )
    if isinstance(next(iter(values.values())), str):
        names = {source: str(label) for source, label in values.items()}
        return _number(names, str(table), otherwise, {str(label) for label in given.values()})
    vectors = {source: label for source, label in values.items() if not isinstance(label, str)}
    return Labels(dict(vectors), (), str(table))


def dataset_json(outputs: Iterable[tuple[str, str]], labels: Labels | None) -> str:
    """The dataset.json of a dataset, which every StyleGAN2-ADA tool reads.

    Args:
        outputs: (output, source) of each picture, output as the path below the dataset's folder.
        labels: None for a dataset without.
    Raises:
        PhotosError: pictures without a label; names some.
    """
    if labels is None:
        return '{"labels": null}\n'
    pairs = list(outputs)
    check_labelled([source for _, source in pairs], labels)
    lines = [json.dumps([output, labels.values[source]]) for output, source in pairs]
    return '{"labels": [\n' + ",\n".join(lines) + "\n]}\n"


def check_labelled(sources: Sequence[str], labels: Labels) -> None:
    """Raise PhotosError, naming some, unless all of SOURCES, those that are kept, have a label."""
    missing = list(dict.fromkeys(source for source in sources if source not in labels.values))
    if not missing:
        return
    count = "1 photo" if len(missing) == 1 else f"{len(missing)} photos"
    if labels.origin == "folders":
        what, todo = "in no sub-folder, which would be the class", "Move what is to be kept into one"
    else:
        what, todo = f"without a line in {labels.origin}", "Add what is missing"
    raise PhotosError(f"{count} {what}: {_some(missing)}. {todo}, or leave --labels out.")


def _some(items: Sequence[str]) -> str:
    shown = ", ".join(printable(item) for item in items[:_SHOWN])
    return shown if len(items) <= _SHOWN else f"{shown} and {len(items) - _SHOWN} more"


def _folders(sources: Sequence[str], otherwise: str) -> dict[str, str]:
    named = {source: source.split("/", 1)[0] for source in sources if "/" in source}
    if not named:
        raise PhotosError(
            "--labels folders takes a photo's first sub-folder as its class, and the photos lie in none. "
            f"Make one sub-folder for each class, or {otherwise}."
        )
    return named


def _number(names: dict[str, str], origin: str, otherwise: str, known: Iterable[str] = ()) -> Labels:
    """Number the classes by name, in natural order; KNOWN names that are 0..n-1 are the numbers."""
    classes = sorted(set(names.values()), key=natural_order)
    if len(classes) == 1:
        everything = "The photos all lie in" if origin == "folders" else f"{origin} calls all photos"
        advice = ", or name that folder in place of the one around it" if origin == "folders" else ""
        raise PhotosError(
            f"{everything} {classes[0]!r}, and one class tells nothing. {otherwise.capitalize()}{advice}."
        )
    numbers = sorted(set(known), key=natural_order)
    if numbers == [str(index) for index in range(len(numbers))]:
        classes = numbers or classes
    number = {name: index for index, name in enumerate(classes)}
    return Labels({source: number[name] for source, name in names.items()}, tuple(classes), origin)


def natural_order(name: str) -> tuple[Any, ...]:
    """Sorts names as people do: digits by their value, letters whatever their case."""
    parts = re.split(r"(\d+)", name)
    return (*((int(part), "") if part.isdecimal() else (-1, part.casefold()) for part in parts), (-1, name))


def _read_table(table: Path) -> dict[str, str | tuple[float, ...]]:
    """Labels by plain source name: all of them class names, or all of them vectors of one length."""
    # As manifest.csv is written: a name that is no UTF-8 keeps its bytes; a BOM is Excel's.
    text = table.read_bytes().decode("utf-8-sig", "surrogateescape")
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)  # Excel writes semicolons in half of Europe
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        header = [cell.strip().lower() for cell in next(reader, [])]
        lines = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise PhotosError(f"{table} is no table: {error}. Write it as comma-separated values.") from error
    columns = _label_columns(table, header)
    is_vector = header[columns[0]] != "label"
    source_column, bad = header.index("source"), list[str]()
    given: dict[str, str | tuple[float, ...]] = {}
    for number, row in lines:
        cells = [row[column].strip() if column < len(row) else "" for column in columns]
        label = _vector(cells) if is_vector else cells[0] or None
        name = _plain(row[source_column]) if source_column < len(row) else ""
        if label is None or not name:
            bad.append(f"line {number} lacks its {'label' if name else 'source'}")
        elif given.setdefault(name, label) != label:
            bad.append(f"line {number} gives {printable(name)} a second label")
    if not is_vector and (wrong := _fractions(given.values())):
        bad.append(f"{_some(wrong)} {'is' if len(wrong) == 1 else 'are'} no class number (0, 1, 2, ...); "
                   "for measured values call the columns label_0, label_1, ...")  # fmt: skip
    if bad:
        raise PhotosError(f"{table}: {_some(bad)}. Correct the file and type the same command again.")
    return given


def _label_columns(table: Path, header: Sequence[str]) -> list[int]:
    """Where the label stands: one column, or those of a vector in order."""
    vector = {int(match[1]): index for index, name in enumerate(header)
              if (match := _VECTOR_COLUMN.fullmatch(name))}  # fmt: skip
    is_whole = sorted(vector) == list(range(len(vector)))
    if "source" in header and (("label" in header) != bool(vector)) and is_whole:
        return [header.index("label")] if "label" in header else [vector[index] for index in sorted(vector)]
    raise PhotosError(
        f"{table} starts with the columns {_some(header) or 'of nothing'}. It needs source and label, "
        "or source, label_0, label_1, ... for a vector."
    )


def _vector(cells: Sequence[str]) -> tuple[float, ...] | None:
    try:
        vector = tuple(float(cell) for cell in cells)
    except ValueError:
        return None
    return vector if all(map(math.isfinite, vector)) else None


def _fractions(labels: Iterable[str | tuple[float, ...]]) -> list[str]:
    """Where all class names are numbers, those that cannot be a class's number."""
    names = sorted({str(label) for label in labels})
    is_numeric = all(_vector([name]) for name in names)
    return [name for name in names if not name.isdecimal()] if is_numeric else []


def _lookup(given: dict[str, str | tuple[float, ...]], source: str) -> str | tuple[float, ...] | None:
    name = _plain(source)
    return given.get(name, given.get(_FRAME.sub("", name)))


def _plain(name: str) -> str:
    """A source's name without what differs between systems: slashes, composed letters, a leading './'."""
    return unicodedata.normalize("NFC", name).replace("\\", "/").removeprefix("./")
