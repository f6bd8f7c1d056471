"""Pictures without a face: backgrounds cut from photos at places marked by hand, and drawings.

Used by prep_reasons.py.
"""

from collections.abc import Iterator
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

_WIDTH, _HEIGHT = 480, 600  # of drawings, pixels
_COUNT = 4  # drawings of each kind

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


def background(pixels: Pixels, box: tuple[float, float, float, float]) -> Pixels:
    """A part of a photo; BOX: left, top, right, bottom as shares of its width and height."""
    height, width = pixels.shape[:2]
    left, top, right, bottom = box
    return pixels[int(top * height) : int(bottom * height), int(left * width) : int(right * width)]


def drawings() -> Iterator[tuple[str, Pixels]]:
    """Everything that is drawn, with its name, the same each time."""
    for kind, draw in _KINDS.items():
        for number in range(_COUNT):
            yield f"{kind}-{number}", draw(np.random.default_rng([len(kind), ord(kind[0]), number]))


def _noise(random: np.random.Generator) -> Pixels:
    noise = random.normal(0, 1, (_HEIGHT, _WIDTH, 3)).astype(np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), float(random.uniform(0.5, 30)))
    return (np.clip(noise / noise.std() * 50 + random.uniform(60, 190, 3), 0, 255)).astype(np.uint8)


def _gradient(random: np.random.Generator) -> Pixels:
    y, x = np.mgrid[0 : 1 : _HEIGHT * 1j, 0 : 1 : _WIDTH * 1j][..., None]
    corners = random.uniform(0, 255, (4, 3))
    upper, lower = corners[0] * (1 - x) + corners[1] * x, corners[2] * (1 - x) + corners[3] * x
    return (upper * (1 - y) + lower * y).astype(np.uint8)


def _skin(random: np.random.Generator) -> Pixels:
    """An oval of skin without features, before a wall."""
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), tuple(random.integers(40, 220, 3).tolist()))
    skin = tuple((np.array([225, 180, 150]) * random.uniform(0.4, 1)).astype(int).tolist())
    x, y = random.uniform(180, 300), random.uniform(220, 360)
    ImageDraw.Draw(picture).ellipse((x - 120, y - 165, x + 120, y + 165), fill=skin)
    blurred = cv2.GaussianBlur(np.asarray(picture), (0, 0), 4)
    return np.clip(blurred + random.normal(0, 4, blurred.shape), 0, 255).astype(np.uint8)


def _text(random: np.random.Generator) -> Pixels:
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), tuple(random.integers(180, 256, 3).tolist()))
    drawing = ImageDraw.Draw(picture)
    for y in range(20, _HEIGHT - 30, 36):
        letters = "".join(chr(code) for code in random.integers(65, 91, 24))
        font = ImageFont.load_default(size=int(random.integers(14, 32)))
        drawing.text((20, y), letters, fill=tuple(random.integers(0, 120, 3).tolist()), font=font)
    return np.asarray(picture)


def _shapes(random: np.random.Generator) -> Pixels:
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), tuple(random.integers(0, 256, 3).tolist()))
    drawing = ImageDraw.Draw(picture)
    for _ in range(40):
        x, y, size = random.uniform(0, _WIDTH), random.uniform(0, _HEIGHT), random.uniform(10, 140)
        shape = drawing.ellipse if random.random() < 0.5 else drawing.rectangle
        shape((x, y, x + size, y + size * random.uniform(0.4, 1.6)), fill=tuple(random.integers(0, 256, 3)))
    return np.asarray(picture)


def _bricks(random: np.random.Generator) -> Pixels:
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), (200, 195, 185))
    drawing = ImageDraw.Draw(picture)
    tall = int(random.integers(16, 60))
    for row, y in enumerate(range(0, _HEIGHT, tall)):
        for x in range(-2 * tall + row % 2 * tall, _WIDTH, 2 * tall):
            colour = (int(random.integers(120, 190)), int(random.integers(50, 90)), 50)
            drawing.rectangle((x + 2, y + 2, x + 2 * tall - 2, y + tall - 2), fill=colour)
    return np.asarray(picture)


def _leaves(random: np.random.Generator) -> Pixels:
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), (30, 50, 25))
    drawing = ImageDraw.Draw(picture)
    for _ in range(500):
        x, y, angle = random.uniform(0, _WIDTH), random.uniform(0, _HEIGHT), random.uniform(0, 6.28)
        long, wide = random.uniform(15, 50), random.uniform(4, 14)
        ways = np.array([[0, 0], [long / 2, wide], [long, 0], [long / 2, -wide]])
        turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
        green = (int(random.integers(20, 120)), int(random.integers(80, 210)), int(random.integers(10, 70)))
        drawing.polygon([tuple(point) for point in ways @ turn + [x, y]], fill=green)
    return np.asarray(picture)


def _rings(random: np.random.Generator) -> Pixels:
    """Pairs of dark rings over a bar: the least that eyes and a mouth could be taken for."""
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), tuple(random.integers(120, 240, 3).tolist()))
    drawing = ImageDraw.Draw(picture)
    for _ in range(6):
        x, y, size = random.uniform(40, 380), random.uniform(40, 480), random.uniform(12, 30)
        for shift in (0, 2.6 * size):
            drawing.ellipse(
                (x + shift - size, y - size, x + shift + size, y + size), outline="black", width=5
            )
        drawing.rectangle((x, y + 2.4 * size, x + 2.6 * size, y + 3 * size), fill=(60, 30, 30))
    return np.asarray(picture)


_KINDS = {
    "noise": _noise,
    "gradient": _gradient,
    "skin": _skin,
    "text": _text,
    "shapes": _shapes,
    "bricks": _bricks,
    "leaves": _leaves,
    "rings": _rings,
}
