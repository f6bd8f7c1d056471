"""A second opinion on faces by OpenCV's YuNet, where its model file lies in `pretrained/`; never required.

YuNet knows covered faces better than MTCNN and is blind to other things, so a face that both see is one.
Source: Wu et al. 2023, "YuNet: A tiny millisecond-level face detector"; its model face_detection_yunet*.onnx
is in OpenCV's model zoo under the MIT licence.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from adatune import home
from adatune.errors import PhotosError
from adatune.images import Pixels
from adatune.prep.crop import Points
from adatune.prep.opencv import cv2

MODEL_FILES = "face_detection_yunet*.onnx"
_LONG_SIDE = 640  # pixels of the picture that YuNet sees, its margin included
_MARGIN = 0.2  # grey put around the photo, in long sides, for faces that its border cuts
_GREY = (127, 127, 127)
_FLOOR = 0.5  # score below which YuNet's faces are not told
_SMALLEST = 12  # pixels across of a face in the picture that YuNet sees
_SAME_FACE = 0.3  # intersection over union of two boxes from which they are of one face

Box = tuple[float, float, float, float]  # left, top, right, bottom


class Boxed(Protocol):
    """A face found by somebody else, in pixels of the upright photo."""

    @property
    def box(self) -> Box:
        """Left, top, right, bottom."""
        ...

    @property
    def turn(self) -> int:
        """Degrees to turn the photo counter-clockwise for an upright face: 0, 90, 180 or 270."""
        ...


@dataclass(frozen=True)
class Sight:
    """A face as YuNet sees it, in pixels of the picture it was given."""

    box: Box
    score: float  # 0 to 1, seldom over 0.96
    landmarks: Points  # left eye, right eye, nose, left and right mouth corner (left in the picture), [5, 2]


def find_model() -> Path | None:
    """The model file in `pretrained/`: the newest by its name, a quantised one only for want of another."""
    files = [path for path in home.pretrained_folder().glob(MODEL_FILES) if path.is_file()]
    return max(files, key=lambda path: ("int8" not in path.name, path.name), default=None)


def load_model(path: Path) -> Any:
    """OpenCV's detector for a model file, tried on a grey picture.

    Raises:
        PhotosError: the file is not a model that this OpenCV can run.
    """
    return _load(path, path.stat().st_size, path.stat().st_mtime_ns)


@cache
def _load(path: Path, size_bytes: int, changed_ns: int) -> Any:
    logging = cv2.utils.logging
    level = logging.getLogLevel()
    logging.setLogLevel(logging.LOG_LEVEL_SILENT)  # it warns of a setting that nobody made
    try:
        detector: Any = cv2.FaceDetectorYN.create(str(path), "", (64, 64), _FLOOR, 0.3, 100)
        detector.detect(np.full((64, 64, 3), 127, np.uint8))
    except (cv2.error, AttributeError) as error:
        words = " ".join(str(error).split())[-120:]
        raise PhotosError(
            f"{path} ({size_bytes:,} bytes) cannot be used as the second face detector: {words}. "
            "It may be a web page or a Git LFS pointer in place of the model, or need a newer OpenCV. "
            "Download face_detection_yunet_2023mar.onnx from OpenCV's model zoo again, or delete the file: "
            "the second detector is not required."
        ) from error
    finally:
        logging.setLogLevel(level)
    return detector


def sights(detector: Any, pixels: Pixels) -> list[Sight]:
    """The faces YuNet sees in an upright picture, [height, width, 3] uint8 RGB, the surest first."""
    height, width = pixels.shape[:2]
    margin = round(_MARGIN * max(height, width))
    grey = cv2.copyMakeBorder(pixels, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=_GREY)
    scale = min(1.0, _LONG_SIDE / max(grey.shape[:2]))
    size = (max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale)))
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    detector.setInputSize(size)
    _, rows = detector.detect(np.ascontiguousarray(small[:, :, ::-1]))
    found: list[Sight] = []
    for row in np.zeros((0, 15)) if rows is None else np.asarray(rows, np.float64):
        left, top, across, down = row[:4] / scale
        box = (left - margin, top - margin, left + across - margin, top + down - margin)
        found.append(Sight(box, float(row[14]), row[4:14].reshape(5, 2) / scale - margin))
    return sorted(found, key=lambda sight: sight.score, reverse=True)


def compare(pixels: Pixels, faces: Sequence[Boxed]) -> tuple[list[float | None], list[Sight]]:
    """YuNet's score of each face, and the upright faces that only YuNet sees.

    Args:
        pixels: the upright photo, [height, width, 3] uint8 RGB.
        faces: found in it.
    Returns: scores, 0 where it sees none, None where it is too small or there is no model file; the others.
    Raises:
        PhotosError: there is a model file, but not one that can be used.
    """
    path = find_model()
    if path is None:
        return [None] * len(faces), []
    detector = load_model(path)
    turns = {0} | {face.turn for face in faces}
    seen = {turn: sights(detector, np.rot90(pixels, turn // 90)) for turn in turns}
    size = pixels.shape[1], pixels.shape[0]
    scale = _LONG_SIDE / (max(size) * (1 + 2 * _MARGIN))
    scores: list[float | None] = []
    for face in faces:
        box = turned_box(face.box, size, face.turn)
        is_told = (box[2] - box[0]) * min(1.0, scale) >= _SMALLEST
        scores.append(best_match(box, seen[face.turn]) if is_told else None)
    missed = [sight for sight in seen[0] if all(overlap(face.box, sight.box) <= _SAME_FACE for face in faces)]
    return scores, missed


def best_match(box: Box, seen: Sequence[Sight]) -> float:
    """The best score of those that overlap BOX enough to be the same face, 0 without one."""
    return max((sight.score for sight in seen if overlap(box, sight.box) > _SAME_FACE), default=0.0)


def overlap(box: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    across = min(box[2], other[2]) - max(box[0], other[0])
    down = min(box[3], other[3]) - max(box[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    whole = _area(box) + _area(other) - shared
    return shared / whole if whole > 0 else 0.0


def turned_box(box: Box, size: tuple[int, int], turn: int) -> Box:
    """Where a box of a photo of SIZE (width, height) lies once it is turned counter-clockwise by TURN."""
    left, top, right, bottom = box
    width, height = size
    if turn == 90:
        return top, width - right, bottom, width - left
    if turn == 180:
        return width - right, height - bottom, width - left, height - top
    if turn == 270:
        return height - bottom, left, height - top, right
    return box


def _area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])
