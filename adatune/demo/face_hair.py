"""Hair in eleven styles, and now and then a hat: behind the head, over it, and the shadow on the face."""

import numpy as np

from adatune.demo.face_canvas import Canvas, Plane, dome, smooth_union, smoothstep
from adatune.demo.face_traits import linear

LONG_STYLES = ("long", "bob")
SHORT_STYLES = ("short", "side", "fringe")
THIN_STYLES = ("bald", "buzz", "receding")


def hair_outline(canvas: Canvas) -> Plane:
    """Distance to the outline of all the hair, negative inside."""
    traits = canvas.traits
    volume = {"buzz": 0.05, "bald": 0.02, "receding": 0.08, "afro": 0.62, "curly": 0.32}.get(
        traits.hair_style, traits.hair_volume
    )
    x, y = traits.place(0, -0.42, -0.6)
    lift = -0.06 if traits.hair_style in ("side", "short") else 0.0
    sides = 0.35 if traits.hair_style in SHORT_STYLES and not traits.woman else 0.8
    half = traits.face_width * 1.06 + volume * sides
    outline = canvas.ellipse(x + 0.25 * traits.hair_part * volume, y + lift, half, 1.34 + volume * 0.75)
    if traits.hair_style in LONG_STYLES:
        outline = smooth_union(outline, _curtains(canvas), 0.4)
    if traits.hair_style == "curly":
        x, y = traits.place(0, 0.1, -0.7)
        down = 0.9 if traits.woman else 0.25
        outline = smooth_union(outline, canvas.ellipse(x, y, traits.face_width + 0.34, 0.75 + down), 0.3)
    if traits.hair_style == "updo":
        x, y = traits.place(0.1 * traits.hair_part, -1.85, -0.9)
        outline = smooth_union(outline, canvas.ellipse(x, y, 0.48, 0.36), 0.12)
    rough = {"curly": 0.10, "afro": 0.07}.get(traits.hair_style, 0.02)
    return outline + np.float32(rough) * canvas.noise(26, 32)


def _curtains(canvas: Canvas) -> Plane:
    traits = canvas.traits
    x0, _ = traits.place(0, 0, -0.6)
    end = 2.9 if traits.hair_style == "long" else 1.45 + 0.2 * traits.makeup
    wave = 0.06 * np.sin(canvas.y * 3.2 + traits.seed % 7)
    half = traits.face_width + traits.hair_volume * 0.8 + 0.06 * smoothstep(0, 1.5, canvas.y) + wave
    side = np.abs(canvas.x - np.float32(x0)) - half
    curl = 0.12 * smoothstep(0.3, 1.0, np.abs(canvas.x - np.float32(x0)))
    return np.maximum(np.maximum(side, canvas.y - np.float32(end) - curl), -0.5 - canvas.y)


def hair_front(canvas: Canvas, outline: Plane) -> Plane:
    """How much hair covers the head, 0..1: inside the outline and outside the face's opening."""
    traits = canvas.traits
    style = traits.hair_style
    if style == "bald":
        return np.zeros_like(outline)
    x, y = traits.place(0, 0.45, -0.12)
    top = {
        "fringe": -0.52,
        "receding": -1.32,
        "bob": -0.6 if traits.hair_part > 0.3 else traits.hairline,
    }.get(style, traits.hairline)
    narrow = 0.02 if style in ("long", "bob", "curly", "afro") else 0.09
    wide = traits.face_width - 0.07 + narrow
    above = canvas.ellipse(x, y, wide, y - traits.place(0, top, -0.1)[1])
    below = (
        np.abs(canvas.x - np.float32(x)) - np.float32(wide) + 0.12 * np.maximum(canvas.y - np.float32(y), 0)
    )
    opening = np.where(canvas.y < y, above, below)
    part = np.float32(traits.hair_part + x)
    if style in (
        "side",
        "long",
        "short",
        "bob",
    ):  # a parting: the hair rises there and falls away to both sides
        opening = opening - 0.2 * np.exp(-(((canvas.x - part) / 0.35) ** 2)) * smoothstep(0.0, -0.7, canvas.y)
    ragged = {"fringe": 0.09, "curly": 0.11, "afro": 0.05}.get(style, 0.045)
    strands = canvas.noise_at(canvas.x * 5 + 60, canvas.y * 1.2 + 60)
    opening = opening + np.float32(ragged) * strands
    if style == "receding":
        opening = opening - 0.25 * np.exp(-((np.abs(canvas.x - x) - 0.55) ** 2) / 0.05) * smoothstep(
            0, -0.8, canvas.y
        )
    front = canvas.cover(outline, 0.03) * canvas.cover(-opening, 0.09)
    lowest = {"long": 9.0, "bob": 9.0, "curly": 1.1 if traits.woman else 0.45, "afro": 0.4}.get(
        style, 0.12 if traits.woman else -0.02
    )
    front *= smoothstep(lowest + 0.14, lowest - 0.14, canvas.y)
    return front * (0.75 if style == "buzz" else 1.0)


def hair_shadow(canvas: Canvas, front: Plane) -> Plane:
    """The soft shadow that hair (or a hat) throws on the skin below and away from the light."""
    light = canvas.traits.light
    shift_y, shift_x = round(0.10 / canvas.pixel), round(-0.10 * float(light[0]) / canvas.pixel)
    return np.roll(canvas.blur(front, 0.09), (shift_y, shift_x), (0, 1))


def hair_light(canvas: Canvas, outline: Plane) -> Plane:
    """The hair's lit colour at every pixel: strands that flow from the parting, and a band of light."""
    traits = canvas.traits
    x, y = traits.place(traits.hair_part * 0.7, -1.75, -0.5)
    dx, dy = canvas.x - np.float32(x), canvas.y - np.float32(y)
    radius = np.hypot(dx, dy)
    if traits.hair_style in ("curly", "afro"):
        fine = canvas.noise_at(canvas.x * 9 + 60, canvas.y * 9 + 60)
        locks = canvas.noise_at(canvas.x * 4.5 + 50, canvas.y * 4.5 + 50)
        relief = 0.12 * locks + 0.06 * fine
    else:
        wave = canvas.noise(5, 7) * 0.15
        angle = np.arctan2(dx, dy + 0.4) + wave
        fine = canvas.noise_at(angle * 30 + 200, radius * 1.3)
        locks = canvas.noise_at(angle * 9 + 100, radius * 0.8)
        relief = 0.045 * locks + 0.018 * fine
    height = dome(outline, 0.85) * 0.95 + relief
    tint = 1 + 0.32 * fine + 0.25 * locks
    shown = canvas.shade(traits.hair * np.float32(1.15), height, 0.3, 0.0) * tint[..., None]
    gloss = np.exp(-(((radius - 0.95 - 0.1 * locks) / 0.28) ** 2)) * np.clip(0.5 + 0.7 * fine, 0, 1)
    facing = np.clip(0.6 - 0.5 * dx * -traits.light[0], 0.1, 1.0)
    strength = 0.09 if traits.hair_style in ("curly", "afro") else 0.16
    shine = (np.float32(strength) * gloss * facing)[..., None] * (0.35 + traits.hair) * traits.light_color
    return np.maximum(shown + shine, 0).astype(np.float32)


def paint_back_hair(canvas: Canvas, outline: Plane, lit: Plane) -> None:
    """Paint the hair that lies behind the neck and ears, in its own shade."""
    style = canvas.traits.hair_style
    if style in THIN_STYLES or style in ("short", "side", "fringe", "updo"):
        return
    canvas.paint(lit * np.float32(0.55), canvas.cover(outline, 0.03))


def paint_front_hair(canvas: Canvas, front: Plane, lit: Plane) -> None:
    """Paint the hair over the head."""
    canvas.paint(lit, front)


def paint_hat(canvas: Canvas, head: Plane) -> None:
    """Paint a knitted hat or a cap over the hair, where the traits ask for one."""
    traits = canvas.traits
    if not traits.hat:
        return
    x, y = traits.place(0, -0.5, -0.55)
    dome_shape = canvas.ellipse(
        x, y, traits.face_width * 1.14 + traits.hair_volume * 0.8, 1.36 + traits.hair_volume
    )
    line = canvas.y - np.float32(traits.place(0, -0.72, 0.0)[1]) - 0.14 * (canvas.x - np.float32(x)) ** 2
    crown = np.maximum(dome_shape, line)
    wool = 0.02 * np.sin(canvas.x * 40) * (1 + canvas.noise(8, 8))
    color = traits.walls[2] * np.float32(0.5) + traits.cloth * np.float32(0.5)
    shadow = canvas.blur(canvas.cover(crown), 0.1)
    canvas.darken(np.roll(shadow, round(0.1 / canvas.pixel), 0) * canvas.cover(head), 0.4, traits.skin)
    canvas.paint(canvas.shade(color, dome(dome_shape, 0.8) + wool, 0.2), canvas.cover(crown, 0.03))
    brim = np.maximum(np.abs(line + 0.15) - 0.17, dome_shape - 0.04)
    tone = np.clip(color * 0.75 + linear(60, 60, 60) * np.float32(0.1), 0, 1)
    canvas.paint(
        canvas.shade(tone, dome(brim, 0.15) + dome(dome_shape, 0.8) + wool, 0.2), canvas.cover(brim, 0.03)
    )
