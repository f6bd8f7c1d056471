import json
from typing import Any

import numpy as np
import pytest

from adatune.data.labels import parse_labels, widen
from adatune.errors import DatasetError

NAMES = ["images/00000000.png", "images/00000001.png", "images/00000002.png"]


def parse(labels: Any, names: list[str] = NAMES) -> Any:
    return parse_labels(json.dumps({"labels": labels}).encode(), names, "faces/dataset.json")


@pytest.mark.parametrize("labels", [None, []])
def test_null_or_no_labels_are_none(labels: Any) -> None:
    assert parse(labels) is None


def test_classes_become_one_hot_rows_in_the_order_of_the_pictures() -> None:
    labels = parse([[NAMES[2], 0], [NAMES[0], 3], [NAMES[1], 1]])
    assert labels.dtype == np.float32
    assert labels.tolist() == [[0, 0, 0, 1], [0, 1, 0, 0], [1, 0, 0, 0]]


def test_vectors_stay_as_they_are() -> None:
    assert parse([[name, [0.5, index]] for index, name in enumerate(NAMES)]).tolist() == [
        [0.5, 0],
        [0.5, 1],
        [0.5, 2],
    ]


def test_base_names_are_enough_where_they_are_unique() -> None:
    labels = parse([["00000000.png", 1], ["00000001.png", 0], ["old/00000002.png", 1]])
    assert labels.argmax(1).tolist() == [1, 0, 1]


def test_ambiguous_base_names_are_not_guessed() -> None:
    with pytest.raises(DatasetError, match=r"no label for c/0\.png"):
        parse([["a/0.png", 1], ["b/0.png", 0]], ["a/0.png", "b/0.png", "c/0.png"])


def test_a_picture_without_label_is_named() -> None:
    with pytest.raises(DatasetError, match=r"no label for images/00000001\.png"):
        parse([[NAMES[0], 1], [NAMES[2], 1]])


@pytest.mark.parametrize(
    "labels",
    [
        [[NAMES[0], 1], [NAMES[1], [1, 2]], [NAMES[2], 1]],
        [[NAMES[0], [1]], [NAMES[1], [1, 2]], [NAMES[2], [1]]],
        [[name, -1] for name in NAMES],
        [[name, "cat"] for name in NAMES],
        [[name, [float("nan")]] for name in NAMES],
    ],
)
def test_labels_of_several_kinds_are_refused(labels: Any) -> None:
    with pytest.raises(DatasetError, match="several kinds"):
        parse(labels)


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b'{"labels": 5}', b'{"labels": [[1]]}', b"\xff\xfe"])
def test_what_is_no_label_file_is_refused(text: bytes) -> None:
    with pytest.raises(DatasetError, match="not a list of labels"):
        parse_labels(text, NAMES, "faces/dataset.json")


def test_widening_adds_classes_at_the_end_and_takes_none_away() -> None:
    labels = np.eye(2, dtype=np.float32)
    assert widen(labels, 3).tolist() == [[1, 0, 0], [0, 1, 0]]
    assert widen(labels, 1).tolist() == labels.tolist()
    assert widen(labels, 3).dtype == np.float32
