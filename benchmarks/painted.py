"""Paints blobs, bars and lenses of many colours and textures on faces: covers to fit to, not to report on.

Forty cutouts are too few to fit to: a fit would learn their colours. Textures are patches of other photos,
shapes are drawn anew for each face. Used by occlusion.py.
"""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from variants import Pixels, Portrait

Floats = np.ndarray[Any, np.dtype[np.float32]]

# Where, how often, width and height in eye distances, and how often of skin, like a hand.
SHAPES: dict[str, tuple[float, tuple[float, float], tuple[float, float], float]] = {
    "mouth": (0.34, (0.75, 1.5), (0.5, 1.2), 0.45),
    "lower": (0.16, (1.9, 2.5), (1.0, 1.6), 0.1),
    "lenses": (0.25, (1.9, 2.2), (0.42, 0.8), 0.0),
    "eye": (0.12, (0.8, 1.4), (0.6, 1.3), 0.5),
    "side": (0.13, (0.7, 1.1), (1.0, 2.2), 0.5),
}


def paint(portrait: Portrait, others: Sequence[Portrait], random: np.random.Generator) -> tuple[str, Pixels]:
    """One thing on a face: which shape, and the picture."""
    kind = str(random.choice(list(SHAPES), p=[shape[0] for shape in SHAPES.values()]))
    _, widths, heights, skin = SHAPES[kind]
    eyes = portrait.eye_distance
    width, height = (max(6, int(eyes * random.uniform(*span))) for span in (widths, heights))
    other = others[int(random.integers(len(others)))]
    texture = (_skin if random.random() < skin else _stuff)(other, width, height, random)
    cover = _lenses(width, height, random) if kind == "lenses" else _blob(width, height, random)
    if kind == "lenses" and random.random() < 0.7:
        texture = texture * random.uniform(0.05, 0.5)
    across = (portrait.landmarks[1] - portrait.landmarks[0]) / eyes
    angle = np.arctan2(across[1], across[0])
    angle += np.radians(random.normal(0, 4 if kind in ("lenses", "lower") else 25))
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    matrix = np.column_stack([turn, _place(portrait, kind, random) - turn @ [width / 2, height / 2]])
    size = portrait.pixels.shape[1::-1]
    laid = cv2.warpAffine(texture.astype(np.float32), matrix, size, borderMode=cv2.BORDER_REPLICATE)
    mask = cv2.GaussianBlur(cv2.warpAffine(cover, matrix, size), (0, 0), max(0.6, 0.012 * eyes))[..., None]
    return kind, (portrait.pixels * (1 - mask) + laid * mask + 0.5).clip(0, 255).astype(np.uint8)


def _place(portrait: Portrait, kind: str, random: np.random.Generator) -> np.ndarray:
    """The middle of the thing, pixels."""
    points = portrait.landmarks
    right = points[1] - points[0]
    down = np.array([-right[1], right[0]])
    middle, mouth = points[:2].mean(axis=0), points[3:].mean(axis=0)
    side = float(random.choice([-1, 1]))
    places = {
        "mouth": mouth + right * random.uniform(-0.25, 0.25) + down * random.uniform(-0.05, 0.3),
        "lower": points[2] + down * random.uniform(0.35, 0.75),
        "lenses": middle + down * random.uniform(0, 0.14),
        "eye": points[int(side > 0)]
        + right * random.uniform(-0.15, 0.15)
        + down * random.uniform(-0.1, 0.25),
        "side": points[2] + right * side * random.uniform(0.4, 0.6) + down * random.uniform(-0.2, 0.2),
    }
    return places[kind]


def _skin(other: Portrait, width: int, height: int, random: np.random.Generator) -> Floats:
    """Another person's cheek, with the dark lines between fingers."""
    middle, reach = (other.landmarks[2] + other.landmarks[3]) / 2, max(4.0, 0.3 * other.eye_distance)
    left, top = (middle - reach).astype(int).clip(0)
    right, bottom = (middle + reach).astype(int)
    patch = _resized(other.pixels[top:bottom, left:right], width, height) * random.uniform(0.75, 1.15)
    if random.random() < 0.3:
        return patch
    y, x = np.mgrid[:height, :width]
    angle, period = random.uniform(0, np.pi), max(4.0, min(width, height) / random.uniform(1.5, 4))
    along = (x * np.cos(angle) + y * np.sin(angle)) % period - period / 2
    return patch * (1 - 0.35 * np.exp(-((along / (0.12 * period)) ** 2)))[..., None]


def _stuff(other: Portrait, width: int, height: int, random: np.random.Generator) -> Floats:
    """A patch from anywhere in another photo, tinted, some of it nearly plain."""
    rows, columns = other.pixels.shape[:2]
    side = max(4, int(min(rows, columns) * random.uniform(0.15, 0.5)))
    top, left = int(random.integers(rows - side + 1)), int(random.integers(columns - side + 1))
    patch = _resized(other.pixels[top : top + side, left : left + side], width, height)
    if random.random() < 0.4:
        mean = patch.mean(axis=(0, 1))
        patch = mean + (patch - mean) * random.uniform(0.1, 0.5)
    return np.clip(patch * random.uniform(0.3, 1.2) * (1 + random.normal(0, 0.15, 3)), 0, 255)


def _resized(patch: Pixels, width: int, height: int) -> Floats:
    if min(patch.shape[:2]) < 1:
        return np.full((height, width, 3), 128, np.float32)
    return cv2.resize(np.ascontiguousarray(patch), (width, height), interpolation=cv2.INTER_AREA).astype(
        np.float32
    )


def _blob(width: int, height: int, random: np.random.Generator) -> Floats:
    """Something between an ellipse and a rectangle with an uneven outline."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    roundness = random.uniform(2, 6)
    reach = (np.abs(x) ** roundness + np.abs(y) ** roundness) ** (1 / roundness)
    waves = 0.85 + 0.1 * np.sin(np.arctan2(y, x) * int(random.integers(1, 5)) + random.uniform(0, 6))
    return (reach < waves).astype(np.float32)


def _lenses(width: int, height: int, random: np.random.Generator) -> Floats:
    """Two blobs with a bridge, as dense as tinted glass."""
    half = width // 2 - int(width * random.uniform(0.02, 0.1))
    lens = _blob(half, height, random)
    cover = np.zeros((height, width), np.float32)
    cover[:, :half], cover[:, width - half :] = lens, lens[:, ::-1]
    top = int(0.1 * height)
    cover[top : top + max(1, height // 8)] = 1
    return cover * np.float32(random.uniform(0.8, 1))
