"""The head as a surface: outline, relief, skin colour and the light on them; ears and neck with it."""

import numpy as np

from adatune.demo.face_canvas import Canvas, Plane, dome, smooth_union, smoothstep
from adatune.demo.face_traits import FaceTraits

BLOOD = np.array([1.12, 0.80, 0.76], np.float32)  # what more blood under the skin does to its colour


def head_outline(canvas: Canvas) -> Plane:
    """Distance to the head's outline (skull and jaw, no hair, no ears), negative inside."""
    traits = canvas.traits
    x, y = traits.place(0, -0.42, -0.55)
    skull = canvas.ellipse(x, y, traits.face_width * 1.05, 1.32)
    x, y = traits.place(0, 0.36, -0.2)
    cheek = canvas.ellipse(x, y, traits.face_width * (0.93 + 0.03 * traits.cheeks), 0.95)
    x, y = traits.place(0, traits.chin - 0.78, -0.05)
    jaw = canvas.ellipse(x, y, traits.jaw_width, 0.78)
    x, y = traits.place(0, traits.chin - 0.33, 0.05)
    chin = canvas.ellipse(x, y, 0.36 + 0.08 * (not traits.woman), 0.33)
    return smooth_union(smooth_union(smooth_union(skull, cheek, 0.5), jaw, 0.3), chin, 0.35)


def paint_neck(canvas: Canvas, head: Plane) -> None:
    """Paint the neck and its shadow under the jaw."""
    traits = canvas.traits
    half = 0.56 if traits.woman else 0.7
    x = canvas.x - np.float32(-0.35 * np.tan(traits.yaw))
    distance = np.abs(x) - np.float32(half) - 0.35 * np.maximum(canvas.y - 1.75, 0) ** 1.6
    distance = np.maximum(distance, 0.9 - canvas.y)
    skin = canvas.shade(traits.skin * np.float32(0.92), dome(distance, half), 0.45)
    canvas.paint(skin, canvas.cover(distance, 0.04))
    shadow = np.exp(-np.maximum(head, 0) / 0.3) * canvas.cover(distance, 0.08)
    canvas.darken(shadow, 0.62, traits.skin)


def paint_ears(canvas: Canvas) -> None:
    """Paint both ears; the head and the hair cover what is hidden of them."""
    traits = canvas.traits
    for side in (-1, 1):
        x, y = traits.place(side * traits.face_width * 1.0, 0.22, -0.75)
        shown = float(np.cos(traits.yaw + side * 0.5))
        ear = canvas.ellipse(x, y, 0.13 * (0.6 + 0.6 * (1 - shown)), 0.3, side * 0.15)
        height = dome(ear, 0.12) - 0.06 * canvas.bump(x, y - 0.03, 0.05, 0.14)
        canvas.paint(canvas.shade(traits.skin * BLOOD, height * 0.8, 0.5), canvas.cover(ear, 0.03))


def paint_skin(canvas: Canvas, head: Plane, hair_shadow: Plane) -> Plane:
    """Paint the face's skin. Returns its relief (eye distances), which later layers reuse."""
    traits = canvas.traits
    relief = dome(head, 1.0) * 0.85 + _relief(canvas)
    albedo = _complexion(canvas)
    lit = canvas.shade(albedo, relief, 0.45, 0.10 + 0.05 * traits.tone)
    canvas.paint(lit, canvas.cover(head))
    inside = canvas.cover(head, 0.1)
    canvas.darken(hair_shadow * inside, 0.55, traits.skin)
    for side in (-1, 1):
        x, y = traits.place(side * 0.47, -0.1, -0.05)
        canvas.darken(canvas.bump(x, y, 0.26, 0.13) * inside, 0.2 + 0.1 * traits.age, traits.skin)
    x, y = traits.place(0, traits.nose_length + 0.13, 0.1)
    canvas.darken(canvas.bump(x - traits.light[0] * 0.14, y, 0.16, 0.06), 0.38, traits.skin)
    side = -np.sign(traits.light[0]) * min(1.0, abs(float(traits.light[0])) * 2)
    x, y = traits.place(side * 0.17, traits.nose_length - 0.2, 0.15)
    canvas.darken(canvas.bump(x, y, 0.075, 0.26), 0.25 * abs(float(side)), traits.skin)
    return relief


def _relief(canvas: Canvas) -> Plane:
    traits, bump = canvas.traits, canvas.bump
    tip, wide = traits.nose_length, traits.nose_width
    relief = np.zeros_like(canvas.x)
    for y, z, height, width, length in (
        (0.05, 0.12, 0.06, 0.085, 0.22),
        (tip * 0.55, 0.22, 0.11, 0.085, 0.24),
        (tip, 0.36, 0.15, 0.10 + 0.1 * wide, 0.095),
    ):
        x, y = traits.place(0, y, z)
        relief += np.float32(height) * bump(x, y, width, length)
    for side in (-1, 1):
        for x, y, z, height, width, length in (
            (wide * 0.85, tip + 0.03, 0.2, 0.055, 0.06, 0.07),  # nostril wing
            (0.46, -0.30, 0.05, 0.045, 0.26, 0.09),  # brow ridge
            (0.47, 0.0, -0.05, -0.06, 0.22, 0.14),  # eye socket
            (0.47, 0.01, 0.0, 0.05, 0.15, 0.08),  # eyeball
            (0.60, 0.58, 0.0, 0.07 + 0.06 * traits.cheeks * max(traits.smile, 0.2), 0.24, 0.22),  # cheek
            (
                0.33,
                0.86,
                0.05,
                -0.03 * (0.4 + max(traits.smile, 0) + traits.age),
                0.06,
                0.16,
            ),  # fold to the mouth
        ):
            px, py = traits.place(side * x, y, z)
            relief += np.float32(height) * bump(px, py, width, length)
    for y, z, height, width, length in (
        (traits.mouth_y, 0.12, 0.045, 0.30, 0.17),
        (traits.mouth_y + 0.24, 0.08, -0.05, 0.24, 0.07),
        (traits.chin - 0.22, 0.12, 0.08, 0.22, 0.16),
        (-0.72, -0.1, 0.05, 0.55, 0.28),
    ):
        x, y = traits.place(0, y, z)
        relief += np.float32(height) * bump(x, y, width, length)
    return relief


def _complexion(canvas: Canvas) -> Plane:
    traits, bump = canvas.traits, canvas.bump
    flush = np.zeros_like(canvas.x)
    for side in (-1, 1):
        x, y = traits.place(side * 0.62, 0.55, 0.0)
        flush += (0.45 + 0.5 * traits.makeup) * bump(x, y, 0.24, 0.2)
    x, y = traits.place(0, traits.nose_length, 0.36)
    flush += 0.5 * bump(x, y, 0.13, 0.11)
    flush += 0.12 * canvas.noise(9, 11)
    albedo = traits.skin * (1 + flush[..., None] * (BLOOD - 1))
    if traits.beard == "none" and not traits.woman:
        shadow = smoothstep(0.85, 1.25, canvas.y) * 0.1
        albedo = albedo * (1 - shadow[..., None] * np.array([1.1, 0.9, 0.7], np.float32))
    if traits.freckles:
        spots = smoothstep(0.35, 0.7, canvas.noise_at(canvas.x * 24 + 60, canvas.y * 24 + 70))
        spots *= np.exp(-((canvas.y - 0.35) ** 2) / 0.18)
        albedo = albedo * (1 - 0.3 * spots[..., None] * np.array([0.5, 0.9, 1.0], np.float32))
    return albedo.astype(np.float32)


def is_facing(traits: FaceTraits, side: int) -> float:
    """How wide the half of the face on SIDE (-1 left, 1 right) looks under the yaw; 1 when frontal."""
    return float(np.cos(traits.yaw * 1.1 + side * 0.35) / (np.cos(0.35) * np.cos(traits.yaw)))
