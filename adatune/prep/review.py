"""What a person decided against the program: `review.csv` (keep or drop), `crops.csv` (boxes drawn by hand).

Both are comma-separated tables with a header. Two escapes in the column `source` keep every file name whole
through browsers, clipboards and spreadsheets: `\\uXXXX` for a control character, an undecodable byte (as
Python's surrogate) or a sign that would start a formula, `\\\\` for a backslash. Any other text is itself.
"""

import csv
import io
import math
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from adatune.errors import ReviewError

_Face = tuple[str, int]  # source, number of the face within it
_Value = TypeVar("_Value")

_DECISIONS = {"keep": True, "drop": False}
_BOX = ("x", "y", "width", "height")
# The same set is written by page/contact_sheet.js.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\\\\\u2028\u2029\ufeff\ud800-\udfff]|^[=+@-]")
_ESCAPE = re.compile(r"\\(\\|u[0-9a-fA-F]{4})")


@dataclass(frozen=True)
class Box:
    """A crop drawn by hand, in pixels of the upright photo."""

    x: float  # of the upper left corner before turning
    y: float
    width: float
    height: float
    angle: float = 0.0  # degrees, clockwise about the centre


@dataclass(frozen=True)
class _Line:
    """One row of a table, and where it stands."""

    place: str  # 'review.csv, line 3'
    number: int
    cells: Mapping[str, str]  # by column name in small letters
    decimal_comma: bool


def read_review(path: Path) -> dict[_Face, bool]:
    """The decisions in a review.csv: True to keep, False to drop, by (source, number of the face).

    Raises:
        ReviewError: not a table with the columns source and decision, or a row that cannot be meant.
    """
    return _read(path, ("source", "decision"), _decision)


def read_crops(path: Path) -> dict[_Face, Box]:
    """The boxes in a crops.csv by (source, number of the face): columns source, x, y, width, height, angle.

    Raises:
        ReviewError: a column is missing, or a row that cannot be meant.
    """
    return _read(path, ("source", *_BOX), _box)


def review_text(decisions: Mapping[_Face, bool]) -> str:
    """The decisions as a review.csv that `read_review` gives back exactly."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(["source", "face", "decision"])
    for (source, face), keep in decisions.items():
        writer.writerow([_escape(source), face, "keep" if keep else "drop"])
    return buffer.getvalue()


def unknown_sources(decisions: Iterable[_Face], known: Collection[str]) -> list[str]:
    """The sources named in DECISIONS (or boxes) that are none of KNOWN, each once, in their order."""
    names = set(known)
    return list(dict.fromkeys(source for source, _ in decisions if source not in names))


def _escape(source: str) -> str:
    return _UNSAFE.sub(lambda found: "\\\\" if found[0] == "\\" else f"\\u{ord(found[0]):04x}", source)


def _unescape(cell: str) -> str:
    return _ESCAPE.sub(lambda found: "\\" if found[1] == "\\" else chr(int(found[1][1:], 16)), cell)


def _read(path: Path, columns: Collection[str], value_of: Callable[[_Line], _Value]) -> dict[_Face, _Value]:
    """One value for each (source, face)."""
    values: dict[_Face, _Value] = {}
    first: dict[_Face, int] = {}
    for line in _lines(path, columns):
        face = (_source(line), _face(line))
        value = value_of(line)
        if face in values and values[face] != value:
            raise ReviewError(
                f"{line.place}: {line.cells['source']!r} is decided here otherwise than in line "
                f"{first[face]}. Delete one of the two lines."
            )
        values[face] = value
        first.setdefault(face, line.number)
    return values


def _lines(path: Path, columns: Collection[str]) -> Iterator[_Line]:
    text = _text(path)
    delimiter, names = _header(path, text, columns)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    end = 0
    try:
        for row in reader:
            number, end = end + 1, reader.line_num
            if number > 1 and any(cell.strip() for cell in row):
                cells = dict.fromkeys(names, "") | dict(zip(names, row, strict=False))
                yield _Line(f"{path.name}, line {number}", number, cells, delimiter == ";")
    except csv.Error as error:
        raise ReviewError(
            f"{path.name}, line {end + 1}: not a row of a comma-separated table ({error}). "
            'Look for a quote (") that is opened and not closed.'
        ) from error


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise ReviewError(f"There is no file {str(path)!r}. Give the path of the exported file.") from error
    except OSError as error:
        raise ReviewError(f"{str(path)!r} cannot be read: {error.strerror}.") from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ReviewError(
            f"{path.name}, line {line}: not UTF-8 text. Save the file as 'CSV UTF-8'; write a byte of a file "
            r"name that is no text as the contact sheet does, \udc and its two hexadecimal digits."
        ) from error


def _header(path: Path, text: str, columns: Collection[str]) -> tuple[str, list[str]]:
    """The delimiter that finds all columns, and the names in the first line."""
    first = text.splitlines()[0] if text else ""
    names: list[str] = []
    for delimiter in ",;\t":
        split = [name.strip().strip('"').strip().lower() for name in first.split(delimiter)]
        if set(columns) <= set(split):
            return delimiter, split
        names = max(names, split, key=len)
    missing = [repr(name) for name in columns if name not in names]
    raise ReviewError(
        f"{path.name} has no column {' and no '.join(missing)}; it begins: {', '.join(names) or '-'}. "
        f"The first line must name the columns: {','.join(columns)}."
    )


def _source(line: _Line) -> str:
    if not line.cells["source"]:
        raise ReviewError(f"{line.place} names no photo. Fill in 'source' or delete the line.")
    return _unescape(line.cells["source"])


def _face(line: _Line) -> int:
    cell = line.cells.get("face", "").strip() or "0"
    if not re.fullmatch(r"[0-9]{1,6}", cell):
        raise ReviewError(f"{line.place}: 'face' is {cell!r}. Use 0 for the largest face, 1 for the next.")
    return int(cell)


def _decision(line: _Line) -> bool:
    cell = line.cells["decision"].strip()
    if cell.lower() not in _DECISIONS:
        raise ReviewError(f"{line.place}: the decision is {cell!r}. Write keep or drop, or delete the line.")
    return _DECISIONS[cell.lower()]


def _box(line: _Line) -> Box:
    x, y, width, height = (_number(line, column) for column in _BOX)
    for column, length in (("width", width), ("height", height)):
        if length <= 0:
            raise ReviewError(f"{line.place}: {column!r} is {length:g}. It must be larger than 0 (pixels).")
    angle = _number(line, "angle") if line.cells.get("angle", "").strip() else 0.0
    if abs(angle) > 360:
        raise ReviewError(f"{line.place}: 'angle' is '{angle:g}'. Use degrees, from -360 to 360.")
    return Box(x, y, width, height, angle)


def _number(line: _Line, column: str) -> float:
    cell = line.cells[column].strip()
    try:
        number = float(cell.replace(",", ".") if line.decimal_comma else cell)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ReviewError(
            f"{line.place}: {column!r} is {cell!r}. Write a number (pixels of the upright photo)."
        )
    return number
