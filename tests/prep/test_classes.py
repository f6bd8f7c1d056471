import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatune.data.labels import parse_labels
from adatune.errors import PhotosError, UsageError
from adatune.prep.classes import Labels, dataset_json, natural_order, read_labels


def table(tmp_path: Path, text: str) -> str:
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    return str(path)


def numbered(sources: list[str]) -> list[tuple[str, str]]:
    return [(f"images/{index:08d}.png", source) for index, source in enumerate(sources)]


def test_the_first_sub_folder_is_the_class_numbered_as_people_count() -> None:
    sources = ["set10/a.jpg", "set2/deep/b.jpg", "set2/c.mp4#000120", "Set1/d.jpg"]
    labels = read_labels("folders", sources)
    assert labels.names == ("Set1", "set2", "set10")
    assert [labels.values[source] for source in sources] == [2, 1, 1, 0]
    assert [labels.name_of(source) for source in sources] == ["set10", "set2", "set2", "Set1"]


def test_a_class_of_which_no_photo_is_kept_keeps_its_number() -> None:
    sources = ["a/1.jpg", "b/2.jpg", "c/3.jpg"]
    labels = read_labels("folders", sources)
    text = dataset_json([("images/00000000.png", "a/1.jpg"), ("images/00000001.png", "c/3.jpg")], labels)
    assert json.loads(text) == {"labels": [["images/00000000.png", 0], ["images/00000001.png", 2]]}


def test_a_photo_outside_of_all_sub_folders_is_named_when_it_would_be_kept() -> None:
    sources = ["a/1.jpg", "b/2.jpg", "lost.jpg", "notes.txt"]
    labels = read_labels("folders", sources)
    assert "lost.jpg" not in dataset_json(numbered(["a/1.jpg", "b/2.jpg"]), labels)
    with pytest.raises(PhotosError, match=r"1 photo in no sub-folder.*lost\.jpg\. Move what"):
        dataset_json(numbered(["a/1.jpg", "lost.jpg"]), labels)


def test_of_many_photos_without_label_the_first_are_named() -> None:
    lost = [f"{index}\n.jpg" for index in range(9)]
    with pytest.raises(PhotosError, match=r"9 photos .* 0\\n\.jpg, .*4\\n\.jpg and 4 more"):
        dataset_json(numbered(lost), read_labels("folders", ["a/1.jpg", "b/2.jpg", *lost]))


def test_photos_without_any_sub_folder_are_refused() -> None:
    with pytest.raises(PhotosError, match="Make one sub-folder for each class"):
        read_labels("folders", ["a.jpg", "b.jpg"])


def test_one_class_alone_is_refused(tmp_path: Path) -> None:
    with pytest.raises(PhotosError, match=r"'all', and one class .* name that folder in place"):
        read_labels("folders", ["all/a.jpg", "all/b.jpg"])
    with pytest.raises(PhotosError, match=r"'cat', and one class tells nothing\. Leave --labels out\.$"):
        read_labels(table(tmp_path, "source,label\na.jpg,cat\n"), ["a.jpg"])


def test_a_table_gives_classes_by_name(tmp_path: Path) -> None:
    spec = table(tmp_path, "source,label\na.jpg,dog\nsub/b.jpg, cat \nother.jpg,bird\n")
    labels = read_labels(spec, ["a.jpg", "sub/b.jpg"])
    assert labels.names == ("cat", "dog")
    assert labels.values == {"a.jpg": 1, "sub/b.jpg": 0}


def test_the_numbers_of_a_table_that_counts_from_0_are_kept_though_photos_are_missing(tmp_path: Path) -> None:
    spec = table(tmp_path, "source,label\na.jpg,10\nb.jpg,2\n" + "".join(f"x{i},{i}\n" for i in range(11)))
    labels = read_labels(spec, ["a.jpg", "b.jpg"])
    assert labels.values == {"a.jpg": 10, "b.jpg": 2}
    assert labels.names == tuple(map(str, range(11)))


def test_other_numbers_are_names_of_classes(tmp_path: Path) -> None:
    labels = read_labels(table(tmp_path, "source,label\na.jpg,1987\nb.jpg,204\n"), ["a.jpg", "b.jpg"])
    assert (labels.names, labels.values) == (("204", "1987"), {"a.jpg": 1, "b.jpg": 0})


def test_columns_of_numbers_are_a_vector_in_their_order(tmp_path: Path) -> None:
    spec = table(tmp_path, "label_1,source,label_0\n0.5,a.jpg,-1\n2,b.jpg,1e-2\n")
    labels = read_labels(spec, ["a.jpg", "b.jpg"])
    assert labels.values == {"a.jpg": (-1.0, 0.5), "b.jpg": (0.01, 2.0)}
    assert (labels.names, labels.name_of("a.jpg"), labels.name_of("c.jpg")) == ((), "-1 0.5", "")


@pytest.mark.parametrize("separator", [";", "\t"])
def test_what_a_spreadsheet_writes_is_read(tmp_path: Path, separator: str) -> None:
    lines = ["Source;Label", "a.jpg;1", '"b;1\nc.jpg";0', ";"]
    spec = table(tmp_path, "\ufeff" + "\r\n".join(lines).replace(";", separator) + "\r\n")
    second = f"b{separator}1\nc.jpg"
    assert read_labels(spec, ["a.jpg", second]).values == {"a.jpg": 1, second: 0}


def test_names_match_whatever_the_system_that_wrote_them(tmp_path: Path) -> None:
    spec = table(tmp_path, "source,label\nsub\\caf\u00e9.jpg,0\n./b.jpg,1\nbad\udcff.jpg,1\n")
    sources = ["sub/cafe\u0301.jpg", "b.jpg", "bad\udcff.jpg"]
    assert list(read_labels(spec, sources).values.values()) == [0, 1, 1]


def test_the_line_of_a_video_holds_for_its_frames_unless_one_has_its_own(tmp_path: Path) -> None:
    spec = table(tmp_path, "source,label\nclip.mp4,0\nclip.mp4#000030,1\n")
    labels = read_labels(spec, ["clip.mp4#000000", "clip.mp4#000030"])
    assert labels.values == {"clip.mp4#000000": 0, "clip.mp4#000030": 1}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "starts with the columns of nothing"),
        ("name,label\na.jpg,0\n", "starts with the columns name, label. It needs source and label"),
        ("source,label,label_0\na.jpg,0,1\n", "It needs source and label"),
        ("source,label_1\na.jpg,0\n", "It needs source and label"),
        ("source,label\nb.jpg,0\na.jpg\n", "line 3 lacks its label"),
        ("source,label\n,0\n", "line 2 lacks its source"),
        ("source,label\na.jpg,0\na.jpg,1\n", r"line 3 gives a\.jpg a second label"),
        ("source,label_0\na.jpg,tall\nb.jpg,nan\n", "line 2 lacks its label, line 3 lacks its label"),
        ("source,label\na.jpg,0.5\nb.jpg,1\n", "0.5 is no class number .* label_0"),
        ("source,label\na.jpg,-1\nb.jpg,1\n", "-1 is no class number"),
        ("source,label\nc.jpg,0\n", r"has no line for any of the 2 photos.* for example a\.jpg"),
    ],
)
def test_a_table_that_says_nothing_clear_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(PhotosError, match=words):
        read_labels(table(tmp_path, text), ["a.jpg", "b.jpg"])


def test_a_table_that_lacks_a_kept_photo_is_refused(tmp_path: Path) -> None:
    labels = read_labels(table(tmp_path, "source,label\na.jpg,0\nb.jpg,1\n"), ["a.jpg", "b.jpg", "c.jpg"])
    with pytest.raises(PhotosError, match=r"1 photo without a line in .*labels\.csv: c\.jpg\. Add"):
        dataset_json(numbered(["a.jpg", "c.jpg"]), labels)


def test_neither_folders_nor_a_file_is_a_wrong_use() -> None:
    with pytest.raises(UsageError, match=r"--labels folder is not known\. Use 'folders'"):
        read_labels("folder", ["a/b.jpg"])


def test_without_labels_the_file_says_so() -> None:
    assert json.loads(dataset_json(numbered(["a.jpg"]), None)) == {"labels": None}


@given(st.lists(st.integers(0, 5), min_size=2, max_size=20).filter(lambda found: len(set(found)) > 1))
def test_training_reads_back_the_classes_that_were_written(classes: list[int]) -> None:
    sources = [f"{number}/{index}.jpg" for index, number in enumerate(classes)]
    labels = read_labels("folders", sources)
    outputs = numbered(sources)
    read = parse_labels(dataset_json(outputs, labels).encode(), [name for name, _ in outputs], "here")
    assert read is not None
    assert [int(labels.names[number]) for number in read.argmax(axis=1)] == classes
    assert read.sum() == len(classes)


def test_training_reads_back_the_vectors_that_were_written() -> None:
    labels = Labels({"a.jpg": (0.25, -3.0), "b.jpg": (1e-3, 2.0)}, (), "x.csv")
    text = dataset_json(numbered(["b.jpg", "a.jpg"]), labels).encode()
    read = parse_labels(text, ["images/00000000.png", "images/00000001.png"], "here")
    assert read is not None
    assert np.allclose(read, [[1e-3, 2.0], [0.25, -3.0]])


@given(st.lists(st.text(max_size=6), unique=True))
def test_the_natural_order_is_the_same_whatever_the_order_before(names: list[str]) -> None:
    in_order = sorted(names, key=natural_order)
    names.reverse()
    assert sorted(names, key=natural_order) == in_order
