import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest

from adatune.errors import PhotosError
from adatune.prep.sources import Source, find_photos, find_sources


@contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Without the rights of root, who may read anything; no change for anybody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def names(sources: list[Source]) -> list[str]:
    return [source.name for source in sources]


def pack(path: Path, contents: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            archive.writestr(name, data)
    return path


def test_files_are_found_once_in_any_script_and_depth(tmp_path: Path) -> None:
    for name in ("b.jpg", "a\nb.jpg", "写真.jpg", "sub/deep/c.png", ".hidden.jpg", "Thumbs.db", "out/x.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    os.symlink(tmp_path, tmp_path / "sub" / "loop")
    expected = ["a\nb.jpg", "b.jpg", "sub/deep/c.png", "写真.jpg"]
    assert [path.as_posix() for path in find_photos(tmp_path, [tmp_path / "out"])] == expected
    sources = find_sources(tmp_path, [tmp_path / "out"])
    assert names(sources) == expected
    assert [source.path for source in sources] == [tmp_path / name for name in expected]


def test_a_name_that_is_no_text_is_found(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe.jpg"
    with open(raw, "wb") as file:
        file.write(b"x")
    (source,) = find_sources(tmp_path)
    assert os.fsencode(source.name) == b"\xff\xfe.jpg"
    assert source.path.read_bytes() == b"x"


def test_a_changed_file_changes_its_state(tmp_path: Path) -> None:
    (tmp_path / "a.jpg").write_bytes(b"one")
    before = find_sources(tmp_path)
    assert find_sources(tmp_path) == before
    (tmp_path / "a.jpg").write_bytes(b"other")
    assert find_sources(tmp_path)[0].state != before[0].state


def test_links_to_nothing_and_to_themselves_are_listed(tmp_path: Path) -> None:
    os.symlink(tmp_path / "gone", tmp_path / "gone.jpg")
    os.symlink(tmp_path / "self.jpg", tmp_path / "self.jpg")
    assert [(source.name, source.state) for source in find_sources(tmp_path)] == [
        ("gone.jpg", (0, 0)),
        ("self.jpg", (0, 0)),
    ]


def test_a_folder_that_may_not_be_opened_is_listed_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    (tmp_path / "a.jpg").write_bytes(b"x")
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # the folders above are root's alone
    with an_ordinary_user():
        assert names(find_sources(Path())) == ["a.jpg", "closed"]


def test_a_single_file_is_itself(tmp_path: Path) -> None:
    picture = tmp_path / "me.jpg"
    picture.write_bytes(b"x")
    assert find_sources(picture) == [Source("me.jpg", picture, state=find_sources(tmp_path)[0].state)]


def test_members_of_a_zip_are_listed_without_those_nobody_put_there(tmp_path: Path) -> None:
    contents = dict.fromkeys(
        ("b.jpg", "a/deep/写真.png", "__MACOSX/._b.jpg", ".hidden/x.jpg", "a/.x.jpg", "a/Thumbs.db", "a/"),
        b"x",
    )
    path = pack(tmp_path / "photos.zip", contents)
    sources = find_sources(path)
    assert [(source.name, source.member) for source in sources] == [
        ("a/deep/写真.png", "a/deep/写真.png"),
        ("b.jpg", "b.jpg"),
    ]
    assert {source.path for source in sources} == {path}
    assert len({source.state for source in sources}) == 1
    assert sources[0].state[0] == 1


def test_a_path_that_leaves_the_zip_is_only_a_name(tmp_path: Path) -> None:
    inner = tmp_path / "inner"
    inner.mkdir()
    path = pack(inner / "photos.zip", {"../outside.jpg": b"x", "/etc/outside.jpg": b"y"})
    assert names(find_sources(path)) == ["../outside.jpg", "/etc/outside.jpg"]
    assert sorted(child.name for child in tmp_path.rglob("*")) == ["inner", "photos.zip"]


def test_names_that_a_mac_packs_are_read_as_they_were(tmp_path: Path) -> None:
    """macOS writes UTF-8 and leaves out the flag that says so."""
    path = pack(tmp_path / "photos.zip", {"Zoë.jpg": b"x"})
    data = path.read_bytes()
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.index(mark) + flags
        data = data[:at] + b"\0\0" + data[at + 2 :]
    path.write_bytes(data)
    assert names(find_sources(path)) == ["Zoë.jpg"]


def test_a_zip_is_known_by_its_first_bytes_too(tmp_path: Path) -> None:
    path = pack(tmp_path / "photos", {"b.jpg": b"x"})
    assert names(find_sources(path)) == ["b.jpg"]


def test_frames_of_a_video_are_named_by_their_number(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (64, 48))
    for _ in range(60):
        writer.write(np.zeros((48, 64, 3), np.uint8))
    writer.release()
    assert names(find_sources(path)) == ["clip.mp4#000000", "clip.mp4#000025", "clip.mp4#000050"]
    assert [source.frame for source in find_sources(path, every=40)] == [0, 40]


@pytest.mark.parametrize("kind", ["nothing", "empty", "hidden", "no zip", "empty zip", "no video"])
def test_what_holds_no_photo_is_told_in_words(tmp_path: Path, kind: str) -> None:
    given = tmp_path / {"no zip": "a.zip", "empty zip": "a.zip", "no video": "a.mp4"}.get(kind, "photos")
    if kind in {"no zip", "no video"}:
        given.write_bytes(b"not that at all")
    elif kind == "empty zip":
        pack(given, {"__MACOSX/._x": b"x"})
    elif kind != "nothing":
        given.mkdir()
    if kind == "hidden":
        (given / ".x.jpg").write_bytes(b"x")
    words = {
        "nothing": "There is no .*photos",
        "empty": "no files in",
        "hidden": "no files in",
        "no zip": "cannot be opened as a zip",
        "empty zip": "no files in the zip",
        "no video": "cannot be read as a video",
    }
    with pytest.raises(PhotosError, match=words[kind]):
        find_sources(given)
