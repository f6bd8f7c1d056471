"""Reads frames of a video one after the other, because seeking may land on another frame than was asked for.

OpenCV's own FFmpeg decodes; it also applies the turn that phones write beside the picture.
"""

import math
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from adatune.errors import PhotosError, UsageError
from adatune.images import Pixels
from adatune.prep.opencv import cv2

# Read by OpenCV when it opens its first video. Broken files are told about in our words alone, and no file
# may send FFmpeg to the network, as playlists do.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file")
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_FATAL)

VIDEO_SUFFIXES = frozenset(
    [
        ".mp4",
        ".mov",
        ".avi",
        ".mkv",
        ".webm",
        ".m4v",
        ".mpg",
        ".mpeg",
        ".wmv",
        ".flv",
        ".3gp",
        ".mts",
        ".m2ts",
        ".ogv",
    ]
)
_USUAL_RATE = 25.0  # frames a second, where a file does not say
_MAX_PIXELS = 178_956_970  # of one frame; Pillow's limit for a photo


def frame_numbers(video: Path, every: int | None = None) -> list[int]:
    """Which frames are taken: every EVERY-th from the first on; None: one a second.

    Nothing is decoded where the file says how many frames it has.

    Raises:
        PhotosError: not a video that can be read.
        UsageError: EVERY is less than 1.
    """
    if every is not None and every < 1:
        raise UsageError(f"--every {every} is too few. Use 1 for each frame, 30 for about one a second.")
    with _opened(video) as capture:
        count = _count(capture, video.stat().st_size)
        step = every or max(1, round(_rate(capture)))
    if count < 1:
        raise PhotosError(f"There is no picture in the video {str(video)!r}. Is it whole?")
    return list(range(0, count, step))


def read_frames(video: Path, numbers: Sequence[int]) -> Iterator[tuple[int, Pixels]]:
    """(number, pixels [height, width, 3] uint8 RGB) of each frame of NUMBERS, which ascend.

    Ends early when the video does. One frame is in memory at a time.

    Raises:
        PhotosError: not a video that can be read.
    """
    with _opened(video) as capture:
        position = -1
        for number in numbers:
            while position < number:
                if not capture.grab():
                    return
                position += 1
            found, picture = capture.retrieve()
            if found and picture is not None and picture.ndim == 3:
                yield number, np.ascontiguousarray(picture[:, :, ::-1], dtype=np.uint8)


@contextmanager
def _opened(video: Path) -> Iterator[Any]:
    """The file as an OpenCV capture; FFmpeg is named so that 'shot%02d.mp4' is no pattern of pictures."""
    capture: Any = None
    try:
        if video.is_file() and _looks_like_video(video):
            capture = cv2.VideoCapture(str(video.absolute()), cv2.CAP_FFMPEG)
    except (cv2.error, OSError, ValueError, UnicodeError):  # UnicodeError: a name that is no text
        capture = None
    if capture is None or not capture.isOpened():
        raise PhotosError(
            f"{str(video)!r} cannot be read as a video: damaged, cut off, or in a coding that OpenCV does "
            "not know. Turn it into pictures or into an H.264 .mp4 first."
        )
    try:
        width, height = (capture.get(cv2.CAP_PROP_FRAME_WIDTH), capture.get(cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > _MAX_PIXELS:
            raise PhotosError(f"{str(video)!r} declares frames of more than 179 megapixels. Reduce it first.")
        yield capture
    finally:
        capture.release()


def _looks_like_video(video: Path) -> bool:
    """Whether the first bytes are those of a container; playlists and texts are none."""
    with video.open("rb") as file:
        head = file.read(16)
    boxes = {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"pnot"}  # MP4 and QuickTime
    streams = (b"\x1aE\xdf\xa3", b"RIFF", b"\0\0\1", b"FLV", b"OggS", b"0&\xb2u", b"G")
    return head[4:8] in boxes or head.startswith(streams) or head[4:5] == b"G"


def _rate(capture: Any) -> float:
    rate = float(capture.get(cv2.CAP_PROP_FPS))
    return rate if math.isfinite(rate) and 0 < rate <= 1000 else _USUAL_RATE


def _count(capture: Any, size_bytes: int) -> int:
    """How many frames there are by the file's own word, else by going through them."""
    said = float(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    if math.isfinite(said) and 0 < said <= size_bytes:  # each frame takes a byte at the very least
        return int(said)
    count = 0
    while capture.grab():
        count += 1
    return count
