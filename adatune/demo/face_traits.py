"""What one drawn face looks like: every choice of the painter, drawn once from a seed and never changed.

Lengths are in eye distances; x points right, y down, and the origin lies midway between the eyes.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Color = NDArray[np.floating[Any]]  # linear light, [3]

HAIR_STYLES = ("short", "side", "long", "curly", "fringe", "receding", "bald", "buzz", "bob", "afro", "updo")
HAIR_CHANCES = (0.17, 0.14, 0.17, 0.14, 0.09, 0.04, 0.04, 0.05, 0.08, 0.04, 0.04)
TOPS = ("crew", "vneck", "shirt", "blazer", "turtleneck", "suit")
TOP_CHANCES = (0.22, 0.16, 0.16, 0.16, 0.12, 0.18)
BEARDS = ("none", "stubble", "full", "goatee", "moustache")
BACKGROUNDS = ("gradient", "clouds", "lights", "stripes", "horizon")

_SKIN = (
    (246, 218, 200),
    (238, 198, 172),
    (224, 172, 138),
    (200, 144, 106),
    (160, 106, 74),
    (112, 70, 48),
    (70, 44, 32),
)
_HAIR = (
    (20, 16, 16), (34, 24, 20), (58, 36, 24), (92, 58, 34), (126, 84, 48), (172, 126, 72), (222, 186, 124),
    (150, 62, 28), (112, 34, 22), (150, 146, 142), (222, 220, 214),
)  # fmt: skip
_HAIR_CHANCES = (0.15, 0.17, 0.16, 0.14, 0.1, 0.08, 0.06, 0.05, 0.03, 0.04, 0.02)
_IRIS = (
    (64, 40, 22),
    (92, 60, 30),
    (122, 92, 48),
    (84, 110, 66),
    (86, 124, 158),
    (118, 138, 150),
    (60, 92, 140),
)
_IRIS_CHANCES = (0.3, 0.2, 0.14, 0.11, 0.11, 0.08, 0.06)
_IRIS_DARK = (0.7, 0.25, 0.05, 0.0, 0.0, 0.0, 0.0)
_CLOTH = (
    (36, 40, 52), (28, 28, 30), (230, 228, 222), (150, 40, 44), (38, 78, 128), (64, 104, 84), (204, 160, 72),
    (120, 84, 130), (196, 120, 120), (120, 128, 136), (84, 56, 44), (60, 130, 140),
)  # fmt: skip
_WALL = (
    (18, 20, 28), (30, 44, 78), (52, 86, 140), (112, 148, 184), (96, 100, 106), (168, 170, 172),
    (196, 190, 192), (218, 212, 202), (70, 84, 66), (126, 92, 66), (150, 64, 50), (206, 178, 138),
    (80, 60, 92), (40, 84, 88),
)  # fmt: skip


def linear(red: float, green: float, blue: float) -> Color:
    """An sRGB colour with values 0..255 as linear light 0..1 (painting adds light)."""
    return (np.array([red, green, blue], np.float32) / 255) ** 2.2


def draw_traits(seed: int) -> "FaceTraits":
    """All the choices of face number SEED: the same seed gives the same face at every size."""
    random = np.random.default_rng([seed, 5])
    woman = random.random() < 0.5
    tone = random.beta(1.1, 1.5)
    age = random.random()
    style = _hair_style(random, woman)
    hat = random.random() < 0.05 and style not in ("afro", "updo")
    smile = float(np.clip(random.normal(0.62, 0.36), 0.0, 1.1))
    beard = "none" if woman else str(random.choice(BEARDS, p=(0.42, 0.22, 0.18, 0.08, 0.1)))
    yaw = float(np.clip(random.normal(0, 0.17), -0.45, 0.45))
    side = random.choice([-1.0, 1.0])
    return FaceTraits(
        seed=seed, woman=woman, age=age, skin=_skin(random, tone), tone=float(tone),
        hair=_jitter(random, _choose(random, _HAIR, _hair_chances(tone)), 0.12), hair_style=style,
        hair_volume=random.uniform(0.12, 0.26) + (random.uniform(0.0, 0.2) if woman else 0.0),
        hairline=random.uniform(-1.02, -0.82), hair_part=side * random.uniform(0.1, 0.6), hat=hat,
        iris=_jitter(random, _choose(random, _IRIS, _IRIS_DARK if tone >= 0.6 else _IRIS_CHANCES), 0.15),
        face_width=random.normal(1.03, 0.045) - 0.03 * woman,
        jaw_width=random.normal(0.80, 0.06) - 0.07 * woman, chin=random.normal(1.74, 0.07) - 0.06 * woman,
        cheeks=random.uniform(0.3, 1.0), eye_width=random.normal(0.265, 0.015),
        eye_open=random.uniform(0.09, 0.14) + 0.012 * woman, eye_tilt=random.normal(0.05, 0.06),
        gaze=random.normal(0, 0.02), lashes=0.55 + 0.45 * woman, brow_height=random.normal(-0.33, 0.03),
        brow_thickness=random.uniform(0.03, 0.065) - 0.012 * woman, brow_arch=random.uniform(0.02, 0.11),
        nose_length=random.normal(0.66, 0.05), nose_width=random.normal(0.19, 0.025),
        mouth_y=random.normal(1.07, 0.04), mouth_width=random.normal(0.40, 0.035) + 0.06 * max(smile, 0),
        lips=random.uniform(0.7, 1.25) + 0.15 * woman, smile=smile,
        mouth_open=_mouth_open(random, smile),
        makeup=random.uniform(0.0, 1.0) if woman else 0.0,
        freckles=float(random.random() < 0.1 and tone < 0.45), beard=beard,
        glasses=str(random.choice(["none", "round", "square", "sun"], p=(0.8, 0.09, 0.09, 0.02))), yaw=yaw,
        pitch=float(np.clip(random.normal(0.0, 0.1), -0.25, 0.25)), roll=float(random.normal(0, 0.02)),
        shift=(float(random.normal(0, 0.025)), float(random.normal(0, 0.03))),
        zoom=float(np.exp(random.normal(0, 0.025))), light=_light_direction(random),
        light_color=_light_color(random), ambient=random.uniform(0.12, 0.45),
        exposure=float(np.exp(random.normal(0.12, 0.14))),
        background=str(random.choice(BACKGROUNDS, p=(0.34, 0.22, 0.18, 0.12, 0.14))),
        walls=np.stack([_jitter(random, _choose(random, _WALL), 0.25) for _ in range(3)]),
        top=str(random.choice(TOPS, p=TOP_CHANCES)), cloth=_jitter(random, _choose(random, _CLOTH), 0.2),
    )  # fmt: skip


def _choose(
    random: Generator, colors: tuple[tuple[int, int, int], ...], chances: tuple[float, ...] | None = None
) -> Color:
    return linear(*colors[random.choice(len(colors), p=chances)])


def _jitter(random: Generator, color: Color, amount: float) -> Color:
    scale = np.exp(random.normal(0, amount) + random.normal(0, amount / 3, 3))
    return np.clip(color * scale, 0, 1).astype(np.float32)


def _skin(random: Generator, tone: float) -> Color:
    position = tone * (len(_SKIN) - 1)
    low = min(int(position), len(_SKIN) - 2)
    color = linear(*_SKIN[low]) * (low + 1 - position) + linear(*_SKIN[low + 1]) * (position - low)
    return _jitter(random, color.astype(np.float32), 0.06)


def _mouth_open(random: Generator, smile: float) -> float:
    if random.random() >= (0.75 if smile > 0.45 else 0.15):
        return 0.0
    return float(random.uniform(0.07, 0.19))


def _hair_style(random: Generator, woman: bool) -> str:
    while True:
        style = str(random.choice(HAIR_STYLES, p=HAIR_CHANCES))
        unusual = style in (("receding", "bald", "buzz") if woman else ("bob", "updo", "long"))
        if not unusual or random.random() < 0.15:
            return style


def _hair_chances(tone: float) -> tuple[float, ...]:
    if tone < 0.5:
        return _HAIR_CHANCES
    dark = np.array(_HAIR_CHANCES) * ([6, 6, 3, 1, 0.3, 0.1, 0.1, 0.1, 0.3, 1, 1])
    return tuple(dark / dark.sum())


def _light_direction(random: Generator) -> Color:
    direction = np.array(
        [random.normal(0, 0.65), random.uniform(-0.8, -0.1), random.uniform(0.5, 1.0)], np.float32
    )
    return direction / np.linalg.norm(direction)


def _light_color(random: Generator) -> Color:
    warmth = random.normal(0.03, 0.1)
    return np.array([1 + warmth, 1.0, 1 - warmth * 1.2], np.float32)


@dataclass(frozen=True)
class FaceTraits:
    """One face, as the painter sees it. Lengths in eye distances, angles in radians, colours linear."""

    seed: int
    woman: bool
    age: float  # 0 young .. 1 old: folds and softer colour
    skin: Color
    tone: float  # 0 palest .. 1 darkest
    hair: Color
    hair_style: str  # one of HAIR_STYLES
    hair_volume: float  # how far the hair stands off the head
    hairline: float  # y of its middle
    hair_part: float  # x of the parting
    hat: bool
    iris: Color
    face_width: float  # half, at the cheekbones
    jaw_width: float  # half
    chin: float  # y
    cheeks: float  # 0 flat .. 1 round
    eye_width: float  # half
    eye_open: float  # upper lid's height over the eye's axis
    eye_tilt: float  # outer corners up
    gaze: float  # x
    lashes: float  # 0..1
    brow_height: float  # y
    brow_thickness: float
    brow_arch: float
    nose_length: float  # y of the tip
    nose_width: float  # half, at the wings
    mouth_y: float
    mouth_width: float  # half
    lips: float  # fullness, 1 is average
    smile: float  # 0 earnest .. 1.1 broad
    mouth_open: float  # height of the opening; teeth show
    makeup: float  # 0..1
    freckles: float  # 0 or 1
    beard: str  # one of BEARDS
    glasses: str  # none, round, square, sun
    yaw: float  # positive looks to the right of the picture
    pitch: float  # positive looks down
    roll: float  # what levelling leaves
    shift: tuple[float, float]
    zoom: float
    light: Color  # unit vector towards the light
    light_color: Color
    ambient: float  # share of light that comes from everywhere
    exposure: float
    background: str  # one of BACKGROUNDS
    walls: Color  # [3, 3]: three colours of the background
    top: str  # one of TOPS
    cloth: Color

    def place(self, x: float, y: float, z: float) -> tuple[float, float]:
        """Where a point of the head appears: z is its height over the eyes' plane."""
        return x + z * float(np.tan(self.yaw)), y * float(np.cos(self.pitch)) + z * float(np.tan(self.pitch))
