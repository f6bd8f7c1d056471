"""What a prepared dataset is like, in numbers and in words: how many, how large, which way they look.

The report is kept in prep.json, so that `adatune prep --stats` shows it without looking at the photos again.
"""

import textwrap
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

import numpy as np

from adatune.errors import DatasetError
from adatune.prep.advice import advise
from adatune.prep.colour import GREY_CHROMA
from adatune.prep.config import PrepConfig
from adatune.prep.manifest import Row, count_reasons
from adatune.prep.record import Record

SIZES = (256, 512, 1024)  # of networks that photographs are trained at
CUT_OFF = 0.05  # share of a crop beyond the photo from where its mirrored edge is seen

_PIXEL_EDGES = (128, 256, 512, 1024, 2048)
_TURN_EDGES = (-25, -15, -5, 5, 15, 25)  # degrees
_LIFT_EDGES = (-15, -5, 5, 15)
_BAR, _WIDTH = 30, 100  # columns of a full bar, of a line of text
_EIGHTHS = " ▏▎▍▌▋▊▉█"

Histogram = dict[str, int]  # how many by name of the bin, in order


@dataclass(frozen=True)
class DatasetReport:
    """A dataset in numbers. Pixels are those of the photo across the narrower side of a crop."""

    size: int  # side of the pictures, pixels
    photos: int  # files and frames looked at
    found: int  # faces in them, or photos without any: the manifest's lines
    kept: int  # pictures to train on
    validation: int  # pictures kept apart
    reasons: Histogram  # why the others were left out, the most frequent first
    pixels: Histogram  # kept pictures by how many photo pixels they are made of
    enlarged: Histogram  # kept pictures that a network of each size would see enlarged
    largest_enlargement: float  # output pixels per photo pixel
    yaw: Histogram  # kept faces by where they are turned; empty without faces
    pitch: Histogram
    blur: dict[str, float]  # standard deviation in output pixels at three percentiles; empty without faces
    eyes_closed: int  # kept faces whose eyes may be closed
    grey: int  # kept faces without colour
    cut_off: int  # kept crops that reach beyond their photo
    classes: Histogram  # pictures to train on by class
    advice: tuple[str, ...] = ()  # what an expert would say to this, the most important first

    def as_json(self) -> dict[str, Any]:
        """Plain values, for prep.json and --json."""
        return {**asdict(self), "advice": list(self.advice)}

    def lines(self) -> list[str]:
        """The report as plain text, for a terminal or a file."""
        text = _table(self._counts())
        for title, histogram in self._histograms().items():
            if histogram:
                text += ["", title, *_bars(histogram)]
        if self.blur:
            text += ["", "Softness of edges, pixels", *_table({k: f"{v:.1f}" for k, v in self.blur.items()})]
        if self.advice:
            text += ["", "Advice", *(line for words in self.advice for line in _item(words))]
        return text

    def _counts(self) -> dict[str, str]:
        apart = f", {self.validation} more kept apart for validation" if self.validation else ""
        faces = f", {self.found} faces" if self.found != self.photos else ""
        counts = {
            "photos": f"{self.photos}{faces}",
            "kept": f"{self.kept} to train on{apart}, at {self.size}x{self.size}",
        }
        notes = {"eyes closed?": self.eyes_closed, "grey": self.grey, "cut off": self.cut_off}
        return counts | {name: f"{count} of those kept" for name, count in notes.items() if count}

    def _histograms(self) -> dict[str, Histogram]:
        return {
            "Left out": self.reasons,
            "Photo pixels across the crop": self.pixels,
            "Would be enlarged at": self.enlarged,
            "Heads turned (of the picture)": self.yaw,
            "Heads raised": self.pitch,
            "Classes": self.classes,
        }


def dataset_report(rows: Sequence[Row], config: PrepConfig, classes: Sequence[str] = ()) -> DatasetReport:
    """Sum up what became of the photos.

    Args:
        rows: all lines of the manifest, both splits.
        config: the settings they were judged by.
        classes: names of the classes where the photos have any, those without a photo included.
    """
    kept = [row for row in rows if not row.reason]
    records = [row.record for row in kept]
    faces = [record for record in records if record.eye_px > 0]
    across = [pixels_across(record, config) for record in records]
    train = [row for row in kept if row.split == "train"]
    report = DatasetReport(
        size=config.size,
        photos=len({row.record.source for row in rows}),
        found=len(rows),
        kept=len(train),
        validation=len(kept) - len(train),
        reasons=count_reasons(rows),
        pixels=_count(across, _PIXEL_EDGES, _pixel_name),
        enlarged={str(size): sum(pixels < size - 0.5 for pixels in across) for size in SIZES} if kept else {},
        largest_enlargement=round(max((config.size / pixels for pixels in across), default=0.0), 2),
        yaw=_count([face.yaw for face in faces], _TURN_EDGES, _degrees_name("left", "right", "frontal")),
        pitch=_count(
            [face.pitch for face in faces], _LIFT_EDGES, _degrees_name("lowered", "raised", "level")
        ),
        blur=_percentiles([face.blur for face in faces]),
        eyes_closed=sum(face.eyes < config.warn_eyes for face in faces),
        grey=sum(face.colour[0] < GREY_CHROMA for face in faces),
        cut_off=sum(record.invented > CUT_OFF for record in records),
        classes={name: sum(row.label == name for row in train) for name in classes},
    )
    return replace(report, advice=advise(report, rows, config))


def from_json(values: Mapping[str, Any]) -> DatasetReport:
    """The report that `as_json` gave.

    Raises:
        DatasetError: it is from another version, or damaged.
    """
    wanted = {field.name for field in fields(DatasetReport)}
    if not wanted <= set(values):
        raise DatasetError(
            "This dataset has no report, or one of an earlier version. Type the command that prepared it "
            "again: photos that were looked at before are not looked at again."
        )
    given: dict[str, Any] = {name: values[name] for name in wanted}
    given["advice"] = tuple(values["advice"])
    return DatasetReport(**given)


def pixels_across(record: Record, config: PrepConfig) -> float:
    """How many pixels of the photo lie across the narrower side of a crop."""
    return config.size / max(record.upscale, 1e-6) * min(1.0, config.aspect)


def _count(
    values: Sequence[float], edges: Sequence[int], name: Callable[[int, Sequence[int]], str]
) -> Histogram:
    """How many lie between the edges, an edge itself counting upwards; empty without values."""
    counts = Counter(bisect_right(edges, value) for value in values)
    return {name(index, edges): counts[index] for index in range(len(edges) + 1)} if values else {}


def _pixel_name(index: int, edges: Sequence[int]) -> str:
    if index == 0:
        return f"under {edges[0]}"
    return f"{edges[-1]} and more" if index == len(edges) else f"{edges[index - 1]} to {edges[index] - 1}"


def _degrees_name(below: str, above: str, middle: str) -> Callable[[int, Sequence[int]], str]:
    def name(index: int, edges: Sequence[int]) -> str:
        half = len(edges) // 2
        if index == half:
            return f"{middle} within {edges[half]}°"
        word, outer = (below, half - index) if index < half else (above, index - half)
        ends = edges[half:]
        return f"{word} over {ends[-1]}°" if outer == half else f"{word} {ends[outer - 1]} to {ends[outer]}°"

    return name


def _percentiles(values: Sequence[float]) -> dict[str, float]:
    points = {"10% below": 10, "half below": 50, "90% below": 90}
    return {name: round(float(np.percentile(values, p)), 2) for name, p in points.items()} if values else {}


def _table(cells: Mapping[str, str]) -> list[str]:
    width = max(map(len, cells), default=0)
    return [f"  {name:{width}}  {text}" for name, text in cells.items()]


def _bars(histogram: Histogram) -> list[str]:
    """One line for each bin, its bar in eighths of a column."""
    width, digits = max(map(len, histogram)), len(str(max(histogram.values())))
    longest = max(*histogram.values(), 1)
    bars = {name: _bar(count / longest) for name, count in histogram.items()}
    return [f"  {name:{width}}  {histogram[name]:{digits}}  {bar}".rstrip() for name, bar in bars.items()]


def _bar(share: float) -> str:
    eighths = round(share * _BAR * 8)
    if share > 0:
        eighths = max(1, eighths)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()


def _item(words: str) -> list[str]:
    return textwrap.wrap(words, _WIDTH, initial_indent="- ", subsequent_indent="  ", break_on_hyphens=False)
