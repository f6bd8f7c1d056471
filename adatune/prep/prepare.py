"""`adatune prep`: photos in, a dataset with a reason for each photo left out."""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from adatune import home
from adatune.errors import UsageError
from adatune.folder_lock import locked
from adatune.prep.archive import check_target, write_zip
from adatune.prep.classes import Labels, check_labelled, read_labels
from adatune.prep.config import PrepConfig
from adatune.prep.curation import Decisions, read_curation
from adatune.prep.examine import Task
from adatune.prep.judge import judge_all
from adatune.prep.manifest import count_reasons
from adatune.prep.publish import Judged, check_place_of_validation, publish
from adatune.prep.record import Record
from adatune.prep.report import DatasetReport, dataset_report
from adatune.prep.second_opinion import find_model, load_model
from adatune.prep.sources import Source, find_sources
from adatune.prep.split import choose_validation, validation_name
from adatune.prep.store import Store
from adatune.prep.workers import examine_all


@dataclass(frozen=True)
class PrepProgress:
    """How far a preparation is. The first comes before any work, with `done` equal to `reused`."""

    done: int  # photos
    total: int  # photos
    reused: int  # photos whose results an earlier run left
    dataset: Path  # where the dataset is being written
    source: str = ""  # the photo just finished


@dataclass(frozen=True)
class PrepResult:
    """A prepared dataset."""

    name: str
    dataset: Path
    found: int  # photos
    kept: int  # pictures in the dataset, without those for validation
    validation: int  # pictures put aside
    reused: int  # photos that an earlier run had already examined
    reviewed: int  # faces that the user decided on
    reasons: dict[str, int]  # why photos were left out, the most frequent first
    upscaled: int  # kept pictures enlarged beyond `warn_upscale`
    size: int  # pixels
    mirror: bool
    seconds: float
    report: DatasetReport

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        return {**asdict(self), "dataset": str(self.dataset), "report": self.report.as_json()}


def prep(
    photos: str | Path,
    *,
    review: str | Path | None = None,
    crops: str | Path | None = None,
    archive: str | Path | None = None,
    progress: Callable[[PrepProgress], object] | None = None,
    **settings: Any,
) -> PrepResult:
    """Turn photos into a dataset; `adatune.prep`.

    Args:
        photos: a folder in any depth, a zip, a video or a single picture.
        review: decisions exported from the contact sheet; they hold for later runs too.
        crops: boxes drawn by hand, likewise.
        archive: where to write the dataset as a zip as well.
        progress: called before the work and after each photo.
        settings: fields of `PrepConfig`, such as size=256, name="faces".
    Raises: as `prepare`.
    """
    try:
        config = PrepConfig(**settings)
    except TypeError as error:
        raise UsageError(
            f"adatune.prep: {error}. Its settings are the fields of adatune.prep.config.PrepConfig."
        ) from error
    files = (Path(file) if file is not None else None for file in (review, crops, archive))
    return prepare(Path(photos), config, progress, *files)


def prepare(
    photos: Path,
    config: PrepConfig,
    progress: Callable[[PrepProgress], object] | None = None,
    review: Path | None = None,
    crops: Path | None = None,
    archive: Path | None = None,
    *,
    forget_review: bool = False,
) -> PrepResult:
    """Find the faces in each photo, level, crop and judge them, and write `datasets/NAME`.

    Finished photos are kept as they come, so a killed run continues and a second run redoes nothing. The
    photos themselves are never touched.

    Args:
        photos: a folder, a zip, a video or a single picture.
        config: what the dataset shall be.
        progress: called before the work and after each photo.
        review: the user's decisions (see `adatune.prep.review`); they hold for later runs too.
        crops: the user's own boxes, likewise.
        archive: where to write the dataset as a zip as well.
        forget_review: drop the decisions and boxes of earlier runs.
    Raises:
        PhotosError: nothing is there, or none of it can be used (the manifest says why).
        DatasetError: `datasets/NAME` holds something else.
        FolderInUse: another process prepares the same dataset.
        UsageError: a setting that does not go with these photos.
    """
    started = time.monotonic()
    name, dataset = _place(photos, config)
    sources = _list(photos, dataset, config)
    names = [source.name for source in sources]
    labels = read_labels(config.labels, names) if config.labels else None
    curation = read_curation(dataset, names, review, crops, forget_review)
    if archive is not None:
        check_target(dataset, archive)
    check_place_of_validation(dataset.with_name(validation_name(name)))
    if model := find_model():
        load_model(model)  # one that cannot be used is told before the work
    store = Store(dataset)
    store.claim(photos)
    with locked(store.cache):
        curation.save(dataset)
        boxes = [curation.boxes.get(name, {}) for name in names]
        tasks = [
            Task(store.key(source, config, box), source, box)
            for source, box in zip(sources, boxes, strict=True)
        ]
        records, reused = _examine(tasks, config, store, progress or _say_nothing)
        judged = _settle(tasks, records, config, store, curation.decisions, labels)
        if labels:
            check_labelled([item.row.record.source for item in judged if not item.row.reason], labels)
        classes = labels.names if labels else ()
        report = dataset_report([item.row for item in judged], replace(config, name=name), classes)
        publish(store, name, config, judged, report, labels)
        store.forget_all_but({task.key for task in tasks})
        if archive is not None:
            write_zip(dataset, archive)
    rows = [item.row for item in judged]
    kept = [row for row in rows if not row.reason]
    return PrepResult(
        name=name,
        dataset=dataset,
        found=len(sources),
        kept=sum(row.split == "train" for row in kept),
        validation=sum(row.split == "validation" for row in kept),
        reused=reused,
        reviewed=sum(bool(row.reviewed) for row in rows),
        reasons=count_reasons(rows),
        upscaled=sum(row.record.upscale > config.warn_upscale for row in kept),
        size=config.size,
        mirror=config.mirror,
        seconds=round(time.monotonic() - started, 2),
        report=report,
    )


def _say_nothing(_: PrepProgress) -> None:
    """What is reported when nobody asked."""


def _place(photos: Path, config: PrepConfig) -> tuple[str, Path]:
    """The dataset's name and folder."""
    name = config.name or _safe_name(photos.resolve().name if photos.is_dir() else photos.stem)
    dataset = home.datasets_folder() / name
    if photos.resolve().is_relative_to(dataset.resolve()):
        raise UsageError(
            f"{str(photos)!r} lies in the dataset {name!r} that it would make. Give another --name."
        )
    return name, dataset


def _safe_name(name: str) -> str:
    plain = re.sub(r"[^\w.+-]+", "-", name).strip("-.")
    return plain.encode("utf-8", "ignore").decode() or "photos"


def _list(photos: Path, dataset: Path, config: PrepConfig) -> list[Source]:
    """What there is to look at, without our own folders should they lie among the photos."""
    ours = [home.datasets_folder(), home.runs_folder(), home.pretrained_folder(), dataset]
    inside = [path for path in ours if not photos.resolve().is_relative_to(path.resolve())]
    sources = find_sources(photos, inside, config.every)
    if config.every is not None and sources[0].frame < 0:
        raise UsageError(f"--every is for the frames of a video, and {str(photos)!r} is none. Leave it out.")
    return sources


def _examine(
    tasks: Sequence[Task], config: PrepConfig, store: Store, report: Callable[[PrepProgress], object]
) -> tuple[dict[str, list[Record]], int]:
    """The records of every photo by its key, and how many of them an earlier run left."""
    records = {task.key: known for task in tasks if (known := store.read(task.key)) is not None}
    reused = len(records)
    report(PrepProgress(reused, len(tasks), reused, store.dataset))
    todo = [task for task in tasks if task.key not in records]
    for task, faces in examine_all(todo, config, store.dataset):
        records[task.key] = faces
        report(PrepProgress(len(records), len(tasks), reused, store.dataset, task.source.name))
    return records, reused


def _settle(
    tasks: Sequence[Task],
    records: Mapping[str, list[Record]],
    config: PrepConfig,
    store: Store,
    decisions: Decisions,
    labels: Labels | None,
) -> list[Judged]:
    """What becomes of each face, with its side, its label and the place of its picture."""
    faces = [(task.key, record) for task in tasks for record in records[task.key]]
    rows = judge_all([record for _, record in faces], config, decisions)
    aside = choose_validation({row.record.source for row in rows}, config.validation)
    count = {"train": 0, "validation": 0}
    judged: list[Judged] = []
    for (key, record), row in zip(faces, rows, strict=True):
        split = "validation" if record.source in aside else "train"
        label = labels.name_of(record.source) if labels else ""
        output = "" if row.reason else _output(store.dataset.name, split, count[split])
        count[split] += not row.reason
        crop = store.crop(key, record.face) if record.has_crop else None
        judged.append(Judged(replace(row, split=split, label=label, output=output), crop))
    return judged


def _output(name: str, split: str, number: int) -> str:
    """A picture's place, relative to the folder of the dataset for training."""
    folder = "" if split == "train" else f"../{validation_name(name)}/"
    return f"{folder}images/{number:08d}.png"
