"""Forty photographs out of one, and five that must be turned down: the demo's folder of photos.

Each takes the public-domain portrait of an astronaut in another frame, turn, perspective and light. Frames
are drawn until every picture differs from all others as `prep` compares them, plain and mirrored.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from PIL import Image

from adatune.home import write_atomically
from adatune.images import Pixels
from adatune.prep.duplicates import MIN_LIKENESS, fingerprint, likeness
from adatune.prep.opencv import cv2

PICTURES = Path(__file__).with_name("pictures")
DECOYS = {
    "cat.jpg": "no-face",
    "coffee.jpg": "no-face",
    "rocket.jpg": "no-face",
    "blurred.jpg": "blurred",
    "covered.jpg": "occluded",
}  # file: the reason that prep must give
_EYES = np.array([225.9, 102.7])  # middle of the astronaut's eyes in astronaut.jpg, pixels
_EYE_DISTANCE = 41.8  # pixels
_MARGIN = 300  # plate around the portrait, so that a frame may reach beyond it
_SAFETY = 0.1  # below prep's limit: JPEG and another OpenCV may move a likeness a little


def make_photos(folder: Path, count: int = 40, seed: int = 0) -> list[Path]:
    """Write COUNT portraits and the decoys into FOLDER (made if missing) as JPEG, the same each time.

    Returns: all files, portraits first.
    """
    folder.mkdir(parents=True, exist_ok=True)
    plate = _plate()
    earlier: list[str] = []
    files: list[Path] = []
    for index in range(count):
        photo = _new_portrait(plate, np.random.default_rng([seed, index]), earlier)
        earlier.append(fingerprint(photo))
        files.append(_save(photo, folder / f"portrait-{index:02d}.jpg"))
    for name in ("cat.jpg", "coffee.jpg", "rocket.jpg"):
        files.append(_save(_picture(name), folder / name))
    files.append(_save(_blurred(plate), folder / "blurred.jpg"))
    files.append(_save(_covered(plate), folder / "covered.jpg"))
    return files


def _picture(name: str) -> Pixels:
    with Image.open(PICTURES / name) as picture:
        return np.asarray(picture.convert("RGB"))


def _save(photo: Pixels, path: Path) -> Path:
    write_atomically(path, lambda temporary: Image.fromarray(photo).save(temporary, quality=90))
    return path


def _plate() -> Pixels:
    """The portrait with a soft continuation of its studio wall around it."""
    portrait = _picture("astronaut.jpg")
    wide = cv2.copyMakeBorder(portrait, _MARGIN, _MARGIN, _MARGIN, _MARGIN, cv2.BORDER_REPLICATE)
    soft = np.asarray(cv2.GaussianBlur(wide, (0, 0), 22), np.float32)
    inside = np.zeros(wide.shape[:2], np.float32)
    inside[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = 1
    inside = np.asarray(cv2.GaussianBlur(cv2.erode(inside, np.ones((9, 9))), (0, 0), 3), np.float32)[
        ..., None
    ]
    return (wide * inside + soft * (1 - inside)).astype(np.uint8)


def _new_portrait(plate: Pixels, random: Generator, earlier: Sequence[str]) -> Pixels:
    """Draw portraits until one differs enough from all before it."""
    while True:
        photo = _light(_frame(plate, random), random)
        mine = fingerprint(photo)
        if all(likeness(mine, other) < MIN_LIKENESS - _SAFETY for other in earlier):
            return photo


def _frame(plate: Pixels, random: Generator) -> Pixels:
    """Turn, scale, shift, tilt in perspective and perhaps mirror the portrait into a frame of its own."""
    width, height = int(random.integers(320, 801)), int(random.integers(360, 901))
    eye_distance = random.uniform(0.11, 0.2) * min(width, height)
    angle = np.radians(random.normal(0, 9))
    tall = 4.2 * eye_distance  # what the face and its hair need below and above the eyes
    x_margin = min(0.45 * width, 2.0 * eye_distance)
    x = random.uniform(x_margin, width - x_margin)
    y = random.uniform(0.54 * tall, max(0.55 * tall, height - 0.6 * tall))
    scale = eye_distance / _EYE_DISTANCE
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    corners = np.array([[-3.0, -3], [3, -3], [3, 3], [-3, 3]]) * _EYE_DISTANCE
    bend = random.normal(0, 0.045, (4, 2)) * 6 * _EYE_DISTANCE
    target = (corners + bend - bend.mean(axis=0)) @ turn.T + [x, y]
    source = corners + _EYES + _MARGIN
    matrix = np.asarray(
        cv2.getPerspectiveTransform(source.astype(np.float32), target.astype(np.float32)), float
    )
    return _project(plate, matrix, width, height, bool(random.random() < 0.5))


def _project(
    plate: Pixels, matrix: NDArray[np.floating[Any]], width: int, height: int, is_mirrored: bool
) -> Pixels:
    photo = cv2.warpPerspective(
        plate, matrix, (width, height), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    return _mirrored(np.asarray(photo, np.uint8)) if is_mirrored else np.asarray(photo, np.uint8)


def _mirrored(photo: Pixels) -> Pixels:
    return np.ascontiguousarray(photo[:, ::-1])


def _light(photo: Pixels, random: Generator) -> Pixels:
    """Relight a photo: a lamp from one side, exposure, contrast, colour cast, colour."""
    height, width = photo.shape[:2]
    x, y = np.linspace(-1, 1, width, dtype=np.float32), np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    angle = random.uniform(0, 2 * np.pi)
    lamp = np.exp(random.uniform(0, 0.55) * (np.cos(angle) * x + np.sin(angle) * y))[..., None]
    vignette = (1 - random.uniform(0, 0.3) * (x * x + y * y) / 2)[..., None]
    cast = np.exp(random.normal(0, 0.07, 3)).astype(np.float32)
    exposure = np.exp(random.normal(-0.05, 0.12))
    linear = (photo.astype(np.float32) / 255) ** 2.2 * lamp * vignette * cast * exposure
    value: NDArray[Any] = np.clip(linear, 0, None) ** (random.uniform(0.85, 1.15) / 2.2)
    grey = value.mean(axis=2, keepdims=True)
    value = grey + (value - grey) * random.uniform(0.65, 1.25)
    value += random.normal(0, random.uniform(0, 0.015), value.shape)
    return (np.clip(value, 0, 1) * 255 + 0.5).astype(np.uint8)


def _upright(plate: Pixels, eye_distance: float) -> Pixels:
    """The portrait as it is, with EYE_DISTANCE pixels between the eyes, in a frame of 480 x 600."""
    scale = eye_distance / _EYE_DISTANCE
    shift = np.array([240, 270]) - scale * (_EYES + _MARGIN)
    matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]], [0, 0, 1]])
    return _project(plate, matrix, 480, 600, is_mirrored=False)


def _blurred(plate: Pixels) -> Pixels:
    """A photo out of focus by a fifteenth of the eye distance: any more, and it looks covered to prep."""
    return np.asarray(cv2.GaussianBlur(_upright(plate, 80), (0, 0), 5.5), np.uint8)


def _covered(plate: Pixels) -> Pixels:
    """A face behind a surgical mask."""
    photo = _upright(plate, 90).astype(np.float32)
    upper = [[158, 376], [150, 318], [195, 300], [240, 292], [285, 300], [332, 318], [322, 376]]
    outline = np.array([*upper, [286, 420], [240, 436], [194, 420]], np.int32)
    cover = np.zeros(photo.shape[:2], np.float32)
    cv2.fillPoly(cover, [outline], 1.0)
    cover = np.asarray(cv2.GaussianBlur(cover, (0, 0), 1.2), np.float32)[..., None]
    cloth = np.full_like(photo, (168, 200, 212))
    for y in (340, 364, 388):  # pleats
        cv2.line(cloth, (140, y), (340, y), (136, 170, 186), 4, cv2.LINE_AA)
    across = (np.arange(photo.shape[1], dtype=np.float32)[:, None] - 240) / 110
    cloth = np.asarray(cv2.GaussianBlur(cloth, (0, 0), 1.5), np.float32) * (1 - 0.25 * across * across)
    for start, end in (((152, 322), (126, 300)), ((330, 322), (352, 300))):
        cv2.line(photo, start, end, (214, 222, 226), 3, cv2.LINE_AA)
    return (photo * (1 - cover) + cloth * cover).clip(0, 255).astype(np.uint8)
