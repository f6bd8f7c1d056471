"""What is around the head: the background, and the shoulders in their clothes."""

import numpy as np

from adatune.demo.face_canvas import Canvas, Plane, dome, smoothstep
from adatune.demo.face_traits import linear

ORANGE, WHITE = linear(222, 106, 40), linear(232, 230, 226)


def paint_background(canvas: Canvas) -> None:
    """Fill the frame: a gradient, clouds of colour, out-of-focus lights, stripes or a horizon."""
    walls = canvas.traits.walls
    angle = canvas.random.uniform(0, 2 * np.pi)
    along = canvas.sheet_x * np.float32(np.cos(angle)) + canvas.sheet_y * np.float32(np.sin(angle))
    blend = smoothstep(-2.2, 2.2, along)[..., None]
    canvas.image[:] = walls[0] * (1 - blend) + walls[0] * np.float32(0.45) * blend
    {"gradient": _gradient, "clouds": _clouds, "lights": _lights, "stripes": _stripes, "horizon": _horizon}[
        canvas.traits.background
    ](canvas, along)
    halo = smoothstep(3.2, 0.6, np.hypot(canvas.sheet_x, canvas.sheet_y))
    canvas.image *= (0.72 + 0.36 * halo)[..., None]


def _gradient(canvas: Canvas, along: Plane) -> None:
    canvas.paint(
        canvas.traits.walls[1], smoothstep(-1.5, 2.5, along) * np.float32(canvas.random.uniform(0, 0.7))
    )


def _clouds(canvas: Canvas, along: Plane) -> None:
    canvas.paint(canvas.traits.walls[1], canvas.blur(smoothstep(-0.3, 0.5, canvas.noise(5, 6)), 0.3))
    canvas.paint(canvas.traits.walls[2], canvas.blur(smoothstep(0.0, 0.6, canvas.noise(6, 8)), 0.22))


def _lights(canvas: Canvas, along: Plane) -> None:
    canvas.image *= 0.5
    for _ in range(10):
        x, y = canvas.random.uniform(-2.1, 2.1), canvas.random.uniform(-2.4, 2.2)
        radius = canvas.random.uniform(0.15, 0.5)
        color = np.clip(canvas.traits.walls[canvas.random.integers(1, 3)] * 2.2, 0, 1)
        distance = np.hypot(canvas.sheet_x - np.float32(x), canvas.sheet_y - np.float32(y)) - np.float32(
            radius
        )
        canvas.paint(color, canvas.cover(distance, 0.12) * np.float32(canvas.random.uniform(0.2, 0.7)))


def _stripes(canvas: Canvas, along: Plane) -> None:
    bands = np.sin((along + canvas.noise(3, 3) * 0.15) * np.float32(canvas.random.uniform(3, 7)))
    canvas.paint(canvas.traits.walls[1], smoothstep(-0.6, 0.6, bands) * 0.8)
    canvas.paint(canvas.traits.walls[2], smoothstep(0.3, 1.6, np.abs(along)) * 0.5)


def _horizon(canvas: Canvas, along: Plane) -> None:
    level = canvas.random.uniform(-0.8, 1.2)
    ground = smoothstep(level - 0.2, level + 0.2, canvas.sheet_y + canvas.noise(4, 2) * np.float32(0.2))
    canvas.paint(canvas.traits.walls[1], ground)
    canvas.paint(
        canvas.traits.walls[2],
        canvas.blur(smoothstep(0.05, 0.6, canvas.noise(8, 7)), 0.15) * (1 - ground) * 0.6,
    )


def paint_shoulders(canvas: Canvas) -> None:
    """Paint the body below the neck and its clothes over the background (the neck is already there)."""
    traits, x = canvas.traits, canvas.sheet_x - np.float32(canvas.traits.shift[0])
    y = canvas.sheet_y
    lean = -0.25 * traits.yaw
    side = np.abs(x - np.float32(lean))
    broad = 0.0 if traits.woman else 0.12
    line = np.float32(2.12 - broad) + 0.2 * np.maximum(side - 0.55, 0) ** 1.4
    distance = line - y
    folds = 0.025 * canvas.noise(7, 18)
    height = dome(distance, 0.9) * 0.7 - 0.08 * x * x + folds
    cloth = {"suit": ORANGE, "shirt": traits.cloth * 0.4 + WHITE * 0.6}.get(traits.top, traits.cloth)
    collar = _collar(canvas, side, y)
    shown = canvas.shade(cloth, height, 0.15)
    canvas.paint(shown, canvas.cover(distance, 0.06) * (1 - canvas.cover(collar)))
    _neckwear(canvas, side, y, collar, height)


def _collar(canvas: Canvas, side: Plane, y: Plane) -> Plane:
    """Distance to the opening at the neck, negative where skin shows."""
    if canvas.traits.top == "vneck":
        return (side * 1.3 + (y - 2.75)) * 0.6
    if canvas.traits.top in ("shirt", "blazer"):
        return (side * 1.7 + (y - 2.55)) * 0.5
    if canvas.traits.top == "crew":
        return np.hypot(side / 0.72, (y - 1.95) / 0.38) * 0.4 - 0.4
    return np.full_like(y, 1.0)


def _neckwear(canvas: Canvas, side: Plane, y: Plane, collar: Plane, height: Plane) -> None:
    traits = canvas.traits
    if traits.top == "turtleneck":
        half = 0.64 if traits.woman else 0.76
        band = np.maximum(side - np.float32(half), np.abs(y - 2.02 - 0.3 * (0.3 - side * side)) - 0.25)
        canvas.paint(
            canvas.shade(traits.cloth, dome(side - np.float32(half), 0.7) + 0.4 * dome(band, 0.12), 0.2),
            canvas.cover(band, 0.06),
        )
    elif traits.top == "suit":
        ring = np.abs(np.hypot(side / 0.98, (y - 1.85) / 0.42) - 1) * 0.45 - 0.1
        ring = np.maximum(ring, 1.9 - y)
        inner = np.maximum(np.hypot(side / 0.9, (y - 1.85) / 0.36) * 0.4 - 0.4, 1.85 - y)
        canvas.paint(linear(70, 66, 70), canvas.cover(inner, 0.05) * 0.9)
        metal = WHITE * np.float32(0.85 if traits.seed % 2 else 0.04)
        canvas.paint(canvas.shade(metal, dome(ring, 0.12) * 1.4, 0.2, 0.3), canvas.cover(ring, 0.03))
    elif traits.top in ("shirt", "blazer"):
        flap = np.maximum(np.abs(collar - 0.1) - 0.1, 1.85 - y + 0.2 * side)
        tone = WHITE if traits.top == "blazer" else traits.cloth * 0.35 + WHITE * 0.65
        canvas.paint(canvas.shade(tone, height + dome(flap, 0.1) * 0.6, 0.2), canvas.cover(flap, 0.03))
    elif traits.top == "crew":
        rib = np.abs(collar - 0.03) - 0.035
        canvas.darken(canvas.cover(np.maximum(rib, 1.9 - y), 0.03), 0.25)
