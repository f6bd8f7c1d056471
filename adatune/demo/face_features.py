"""Eyes, brows, nostrils, mouth, beard and glasses, painted over the lit skin."""

import numpy as np

from adatune.demo.face_canvas import Canvas, Plane, dome, smoothstep
from adatune.demo.face_head import is_facing
from adatune.demo.face_traits import linear

WHITE_OF_EYE = linear(232, 226, 222)
TOOTH = linear(240, 234, 222)
LIP = np.array([1.02, 0.60, 0.58], np.float32)
LIPSTICK = linear(168, 44, 52)
NIGHT = linear(18, 12, 12)


def paint_eyes(canvas: Canvas) -> None:
    """Paint both eyes: white, iris, pupil, catchlight, lids and lashes."""
    for side in (-1, 1):
        _paint_eye(canvas, side)


def _paint_eye(canvas: Canvas, side: int) -> None:
    traits = canvas.traits
    x0, y0 = traits.place(side * 0.5, 0.0, 0.0)
    half = traits.eye_width * is_facing(traits, side)
    u = (canvas.x - np.float32(x0)) / np.float32(half)
    tilt = np.float32(traits.eye_tilt * side * half)
    y = canvas.y - np.float32(y0) + tilt * u
    squint = 1 - 0.22 * max(traits.smile, 0)
    arch = np.maximum(1 - u * u, -0.6)
    upper = -np.float32(traits.eye_open) * arch
    lower = np.float32((0.075 - 0.012 * traits.smile) * squint) * arch
    opening = np.maximum(upper - y, y - lower)
    ball = canvas.cover(opening, 0.02)
    shade = 0.62 + 0.38 * smoothstep(traits.eye_open * -0.9, 0.05, y)
    light = 0.55 + 0.4 * max(0.0, float(traits.light[2]))
    white = (WHITE_OF_EYE * 0.55 + traits.skin * 0.25 + 0.06) * np.float32(light)
    canvas.paint(white * shade[..., None] * traits.light_color, ball)
    gaze_x, gaze_y = x0 + traits.gaze + 0.05 * float(np.tan(traits.yaw)), y0 - 0.012
    distance = np.hypot(
        (canvas.x - np.float32(gaze_x)) / np.float32(is_facing(traits, side)), canvas.y - np.float32(gaze_y)
    )
    iris = traits.iris * (0.75 + 0.9 * smoothstep(0.0, 0.09, canvas.y - np.float32(gaze_y)))[..., None]
    iris = iris * (1 - 0.6 * smoothstep(0.075, 0.115, distance))[..., None]
    canvas.paint(iris * shade[..., None], canvas.cover(distance - np.float32(0.112), 0.02) * ball)
    canvas.paint(NIGHT * np.float32(0.4), canvas.cover(distance - np.float32(0.048), 0.02) * ball)
    glint_x, glint_y = gaze_x + 0.05 * float(traits.light[0]) + 0.015, gaze_y - 0.045
    glint = canvas.cover(canvas.ellipse(glint_x, glint_y, 0.028, 0.026), 0.02) * ball
    canvas.paint(np.float32(1.0) * traits.light_color, glint * 0.9)
    _paint_lids(canvas, side, u, y, upper, lower)


def _paint_lids(canvas: Canvas, side: int, u: Plane, y: Plane, upper: Plane, lower: Plane) -> None:
    traits = canvas.traits
    within = smoothstep(1.18, 0.9, np.abs(u))
    outer = smoothstep(-1.0, 1.0, u * side)
    thickness = np.float32(0.018 + 0.02 * traits.lashes) * (0.6 + 0.8 * outer)
    lash = canvas.cover(np.abs(y - upper + 0.006) - thickness, 0.02) * within
    canvas.paint(NIGHT, lash * np.float32(0.55 + 0.4 * traits.lashes))
    wing = canvas.cover(np.abs(y - upper * 0.4 + 0.06 * (u * side - 0.9)) - 0.012, 0.02)
    wing *= smoothstep(0.85, 1.0, u * side) * smoothstep(1.35, 1.1, u * side)
    canvas.paint(NIGHT, wing * np.float32(0.7 * (traits.lashes > 0.9)))
    crease = np.abs(y - upper * 1.15 + np.float32(0.045)) - 0.008
    canvas.darken(canvas.cover(crease, 0.03) * smoothstep(1.25, 0.8, np.abs(u)), 0.5, traits.skin)
    lid = canvas.cover(np.maximum(upper * 1.15 - 0.05 - y, y - upper), 0.03) * within
    canvas.paint(
        traits.skin * np.array([0.55, 0.4, 0.45], np.float32), lid * np.float32(0.55 * traits.makeup)
    )
    rim = np.abs(y - lower - 0.004) - 0.006
    canvas.darken(canvas.cover(rim, 0.02) * within, 0.45, traits.skin)
    bag = np.exp(-((y - 0.15 - 0.05 * (1 - u * u)) ** 2) / 0.0018) * smoothstep(1.1, 0.3, np.abs(u))
    canvas.darken(bag, 0.12 + 0.22 * traits.age, traits.skin)


def paint_brows(canvas: Canvas) -> None:
    """Paint both brows as tapering, hairy strokes."""
    traits = canvas.traits
    dark = traits.hair * np.float32(0.6) if traits.tone < 0.5 else np.minimum(traits.hair, linear(40, 28, 22))
    dark = np.minimum(dark, traits.skin * np.float32(0.5))
    hairs = canvas.noise_at(canvas.x * 55 + canvas.y * 30 + 150, canvas.y * 14 + 60)
    for side in (-1, 1):
        x0, y0 = traits.place(side * 0.5, traits.brow_height, 0.06)
        u = side * (canvas.x - np.float32(x0)) / np.float32(0.33 * is_facing(traits, side))
        spine = np.float32(y0) - np.float32(traits.brow_arch) * (1 - (u - 0.25) ** 2) + np.float32(0.03)
        taper = (
            smoothstep(-1.05, -0.75, u) * (1 - 0.65 * smoothstep(-0.2, 1.05, u)) * smoothstep(1.1, 0.95, u)
        )
        distance = np.abs(canvas.y - spine) - np.float32(traits.brow_thickness) * taper
        strength = canvas.cover(distance, 0.035) * smoothstep(-1.1, -0.6, u) * smoothstep(1.12, 0.85, u)
        canvas.paint(dark, strength * np.clip(0.9 + 0.15 * hairs, 0, 1))


def paint_nostrils(canvas: Canvas) -> None:
    """Paint the nostrils and the shadow between them."""
    traits = canvas.traits
    for side in (-1, 1):
        x, y = traits.place(side * traits.nose_width * 0.52, traits.nose_length + 0.085, 0.22)
        hole = canvas.ellipse(x, y, 0.058, 0.028, -side * 0.35)
        canvas.darken(canvas.cover(hole, 0.035), 0.78, traits.skin)
        x, y = traits.place(side * traits.nose_width * 1.02, traits.nose_length + 0.02, 0.17)
        canvas.darken(canvas.bump(x, y, 0.022, 0.07), 0.3, traits.skin)


def paint_mouth(canvas: Canvas) -> None:
    """Paint the lips with their light, the line between them, and teeth where the mouth is open."""
    traits = canvas.traits
    x0, y0 = traits.place(0, traits.mouth_y, 0.14)
    u = (canvas.x - np.float32(x0)) / np.float32(traits.mouth_width)
    u = u * np.where(
        u * traits.yaw > 0, np.float32(1 + 0.5 * abs(traits.yaw)), 1
    )  # the far half is foreshortened
    reach = np.clip(1 - u * u, 0, 1)
    line = (
        canvas.y - np.float32(y0) + np.float32(0.15 * traits.smile) * u * u - np.float32(0.05 * traits.smile)
    )
    parting = 0.5 * np.float32(traits.mouth_open) * reach
    bow = 1 - 0.3 * np.exp(-((u / 0.16) ** 2)) + 0.12 * np.exp(-(((np.abs(u) - 0.28) / 0.2) ** 2))
    stretch = 1 - 0.25 * max(traits.smile, 0)
    top = -parting * 0.55 - np.float32(0.078 * traits.lips * stretch) * reach**0.8 * bow
    bottom = parting * 1.35 + np.float32(0.115 * traits.lips * stretch) * reach**0.7
    body = np.maximum(top - line, line - bottom)
    color = traits.skin * LIP * (1 - traits.makeup * 0.6) + LIPSTICK * np.float32(traits.makeup * 0.6)
    relief = dome(np.maximum(body, -(np.abs(line) - parting)), 0.09) * 1.1
    lips = canvas.shade(color, canvas.blur(relief, 0.015), 0.45, 0.12 + 0.15 * traits.makeup)
    lips *= np.where(line < 0, np.float32(0.82), np.float32(1.08))[..., None]
    canvas.paint(
        lips,
        canvas.cover(body, 0.03) * smoothstep(1.0, 0.9, np.abs(u)) * np.float32(0.72 + 0.28 * traits.makeup),
    )
    _paint_opening(canvas, u, line, parting)
    for side in (-1, 1):
        corner = canvas.bump(x0 + side * traits.mouth_width * 0.98, y0 - 0.07 * traits.smile, 0.05, 0.035)
        canvas.darken(corner, 0.25, traits.skin)


def _paint_opening(canvas: Canvas, u: Plane, line: Plane, parting: Plane) -> None:
    traits = canvas.traits
    seam = canvas.cover(np.abs(line) - 0.010, 0.025) * smoothstep(1.02, 0.9, np.abs(u))
    canvas.darken(seam, 0.62, traits.skin)
    if traits.mouth_open == 0:
        return
    hole = canvas.cover(np.maximum(-parting * 0.55 - line, line - parting * 1.35), 0.02) * smoothstep(
        1.0, 0.88, np.abs(u)
    )
    canvas.paint(linear(64, 18, 20), hole)
    teeth = (
        hole
        * smoothstep(traits.mouth_open * 0.75, traits.mouth_open * 0.5, line)
        * smoothstep(0.98, 0.7, np.abs(u))
    )
    gaps = 0.94 + 0.06 * np.cos(u * 24)
    light = 0.55 + 0.4 * max(0.0, float(canvas.traits.light[2]))
    canvas.paint(TOOTH * traits.light_color * (light * gaps * (1 - 0.45 * u * u))[..., None], teeth)


def paint_beard(canvas: Canvas, head: Plane, relief: Plane) -> None:
    """Paint stubble, a full beard, a goatee or a moustache (before the mouth is painted)."""
    traits = canvas.traits
    if traits.beard == "none":
        return
    x0, mouth = traits.place(0, traits.mouth_y, 0.12)
    side = np.abs(canvas.x - np.float32(x0))
    y = canvas.y - np.float32(mouth)
    cheek_line = smoothstep(-0.14, 0.16, y + 0.42 - 0.26 * smoothstep(0.75, 0.15, side))
    jaw = smoothstep(0.42, 0.75, side + 0.35 * y) + smoothstep(0.12, 0.26, y)
    droop = y + 0.165 - 0.32 * side * side + 0.10 * np.exp(-((side / 0.05) ** 2)) * 0.3
    under_nose = smoothstep(0.05, -0.02, np.abs(droop) - 0.075 * np.clip(1 - (side / 0.52) ** 2, 0, 1))
    under_nose *= smoothstep(0.52, 0.40, side)
    round_chin = np.hypot(side / 0.36, (y - 0.42) / 0.34) - 1
    link = smoothstep(0.09, 0.02, np.abs(side - 0.43 + 0.25 * np.maximum(y, 0))) * smoothstep(
        0.4, 0.2, np.abs(y - 0.05)
    )
    area = {
        "stubble": np.clip(jaw * cheek_line + under_nose, 0, 1) * 0.4,
        "full": np.clip(jaw * cheek_line * 1.0 + under_nose, 0, 1),
        "goatee": np.clip(smoothstep(0.18, -0.12, round_chin) + under_nose * 0.9 + link * 0.8, 0, 1),
        "moustache": under_nose,
    }[traits.beard]
    hairs = canvas.noise_at(canvas.x * 44 + 100, canvas.y * 16 + 60)
    dark = traits.hair * np.float32(0.75)
    grown = 0.05 if traits.beard == "full" else 0.0
    thick = relief + 0.03 * area + 0.025 * hairs * area
    shown = canvas.shade(dark, thick, 0.25, 0.02) * (1 + 0.3 * hairs[..., None])
    within = canvas.cover(head - np.float32(grown), 0.06)
    canvas.paint(shown, np.clip(area * within * (0.92 + 0.12 * hairs), 0, 1))


def paint_glasses(canvas: Canvas) -> None:
    """Paint frames, bridge, temples and a reflection, or dark lenses."""
    traits = canvas.traits
    if traits.glasses == "none":
        return
    frame = linear(20, 18, 18) if traits.seed % 3 else linear(120, 84, 44)
    for side in (-1, 1):
        x, y = traits.place(side * 0.51, 0.04, 0.1)
        wide = 0.37 * is_facing(traits, side)
        if traits.glasses == "round":
            lens = canvas.ellipse(x, y, wide * 0.95, 0.34)
        else:
            dx, dy = np.abs(canvas.x - np.float32(x)) - (wide - 0.12), np.abs(canvas.y - np.float32(y)) - 0.13
            lens = np.hypot(np.maximum(dx, 0), np.maximum(dy, 0)) + np.minimum(np.maximum(dx, dy), 0) - 0.12
        tint = 0.9 if traits.glasses == "sun" else 0.06
        canvas.paint(frame * np.float32(0.6), canvas.cover(lens, 0.02) * np.float32(tint))
        gleam = canvas.cover(lens + 0.05) * smoothstep(
            0.1, 0.0, np.abs(canvas.x - x + (canvas.y - y) * 0.8 + 0.1)
        )
        canvas.image += (np.float32(0.10) * gleam)[..., None] * traits.light_color
        canvas.darken(canvas.cover(np.abs(lens - 0.035) - 0.03, 0.08), 0.25, traits.skin)
        canvas.paint(frame, canvas.cover(np.abs(lens) - 0.022, 0.02))
        arm = np.maximum(np.abs(canvas.y - y + 0.07) - 0.022, (wide - side * (canvas.x - x)))
        arm = np.maximum(arm, side * (canvas.x - x) - 0.62)
        canvas.paint(frame, canvas.cover(arm, 0.02))
    x, y = traits.place(0, 0.0, 0.16)
    bridge = np.maximum(
        np.abs(canvas.y - y - 0.35 * (canvas.x - x) ** 2 * 4 + 0.02) - 0.02, np.abs(canvas.x - x) - 0.15
    )
    canvas.paint(frame, canvas.cover(bridge, 0.02))
