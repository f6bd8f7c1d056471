"""Reads the labels of a dataset.json, in any of the forms that StyleGAN2-ADA tools write."""

import json
from pathlib import PurePosixPath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from adatune.errors import DatasetError

Labels = NDArray[np.float32]  # [images, classes]; one-hot rows, or vectors as they were given


def parse_labels(text: bytes, names: list[str], where: str) -> Labels | None:
    """One row per picture, or None when the dataset has no labels.

    Args:
        text: the file's JSON: `{"labels": null}`, or `{"labels": [[name, class or vector], ...]}`.
        names: the pictures, in order, relative to the folder of dataset.json.
        where: what to call the file in errors.

    Raises:
        DatasetError: no JSON, another structure, a picture without label, or labels of several kinds.
    """
    pairs = _pairs(text, where)
    if not pairs:
        return None
    given = dict(pairs)
    by_base = {PurePosixPath(name).name: label for name, label in pairs}
    # Base names do where they are unique, so that moving pictures into images/ keeps their labels.
    is_unique = len(by_base) == len(given)
    rows: list[Any] = []
    for name in names:
        label = given.get(name, by_base.get(PurePosixPath(name).name) if is_unique else None)
        if label is None:
            raise DatasetError(
                f"{where} gives no label for {name}. Label every picture, or write "
                '{"labels": null} for none.'
            )
        rows.append(label)
    return _to_array(rows, where)


def widen(labels: Labels, classes: int) -> Labels:
    """One-hot rows with a column for each of CLASSES, also for the last ones should no picture be of them.

    So a validation set has as many classes as what is trained on, and so has a dataset whose last class lost
    its only picture.
    """
    missing = max(0, classes - labels.shape[1])
    return np.pad(labels, ((0, 0), (0, missing)))


def _pairs(text: bytes, where: str) -> list[tuple[str, Any]]:
    try:
        content: Any = json.loads(text)
        labels: list[tuple[Any, Any]] = content.get("labels") or []
        return [(str(name), label) for name, label in labels]
    except (ValueError, AttributeError, TypeError) as error:
        raise DatasetError(
            f'{where} is not a list of labels ({error}). It should read {{"labels": null}} or '
            '{"labels": [["00000000.png", 0], ...]}.'
        ) from error


def _to_array(rows: list[Any], where: str) -> Labels:
    if all(isinstance(row, int) and not isinstance(row, bool) and row >= 0 for row in rows):
        return np.eye(max(rows) + 1, dtype=np.float32)[rows]
    try:
        array = np.array(rows, dtype=np.float32)
    except (ValueError, TypeError):
        array = np.empty(0, dtype=np.float32)
    if array.ndim != 2 or not array.size or not np.isfinite(array).all():
        raise DatasetError(
            f"The labels in {where} are of several kinds. Give every picture a class number from 0 up, "
            "or every picture a list of numbers of the same length."
        )
    return array
