import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from adatune.errors import PhotosError, UsageError
from adatune.prep.frames import frame_numbers, read_frames


def clip(path: Path, count: int = 60, rate: float = 25, coding: str = "mp4v") -> Path:
    """A video whose frame k is grey with the value 4 k, but for its blue upper half."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*coding), rate, (64, 48))
    for number in range(count):
        picture = np.full((48, 64, 3), 4 * number, np.uint8)
        picture[:24] = (255, 0, 0)  # OpenCV's order is blue, green, red
        writer.write(picture)
    writer.release()
    return path


@pytest.mark.parametrize("name", ["a.mp4", "a.mov", "a.mkv", "a.avi", "a.webm"])
def test_each_asked_frame_is_the_one_that_was_written(tmp_path: Path, name: str) -> None:
    coding = {".avi": "MJPG", ".webm": "VP80"}.get(Path(name).suffix, "mp4v")
    video = clip(tmp_path / name, coding=coding)
    frames = dict(read_frames(video, [0, 7, 8, 59]))
    assert list(frames) == [0, 7, 8, 59]
    for number, pixels in frames.items():
        assert pixels.shape == (48, 64, 3)
        assert abs(pixels[30:].mean() - 4 * number) < 4
        assert pixels[:20, :, 2].mean() > 200 > 60 > pixels[:20, :, 0].mean()


def test_frames_are_taken_one_a_second_unless_told(tmp_path: Path) -> None:
    video = clip(tmp_path / "a.mp4", count=60, rate=10)
    assert frame_numbers(video) == [0, 10, 20, 30, 40, 50]
    assert frame_numbers(video, every=25) == [0, 25, 50]
    assert frame_numbers(video, every=1) == list(range(60))
    with pytest.raises(UsageError, match="--every 0"):
        frame_numbers(video, every=0)


def test_reading_ends_where_the_video_does(tmp_path: Path) -> None:
    video = clip(tmp_path / "a.mp4", count=5)
    assert [number for number, _ in read_frames(video, [0, 4, 5, 900])] == [0, 4]


def test_a_video_in_a_name_with_a_pattern_or_a_newline_is_opened(tmp_path: Path) -> None:
    plain = clip(tmp_path / "plain.mp4", count=3)
    for name in ("shot%02d.mp4", "two\nlines.mp4", "写真.mp4"):
        os.link(plain, tmp_path / name)
        assert frame_numbers(tmp_path / name, every=1) == [0, 1, 2]


@pytest.mark.parametrize("kind", ["empty", "text", "playlist", "cut", "noise", "folder", "gone", "pipe"])
def test_what_is_no_video_is_refused_in_words(tmp_path: Path, kind: str) -> None:
    whole = clip(tmp_path / "whole.mp4").read_bytes()
    contents = {
        "empty": b"",
        "text": b"hello, this is a letter",
        "playlist": b"#EXTM3U\n#EXTINF:1,\nfile:whole.mp4\n",
        "cut": whole[: len(whole) // 2],
        "noise": b"\0\0\0\x20ftypisom" + np.random.default_rng(0).bytes(4000),
    }
    path = tmp_path / "it.mp4"
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(PhotosError, match="cannot be read as a video"):
        frame_numbers(path)
