"""The painter's brushes: soft shapes, bumps, light and noise on one canvas of linear light."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from adatune.demo.face_traits import Color, FaceTraits
from adatune.prep.opencv import cv2

Plane = NDArray[np.floating[Any]]  # [height, width]

EYE_LINE = 0.47  # of the height, as prep's crops
WIDTH, HEIGHT = 4.0, 5.0  # of a crop, in eye distances


def smoothstep(low: float, high: float, x: Plane) -> Plane:
    """0 where x <= LOW, 1 where x >= HIGH, smooth between; LOW may be above HIGH."""
    t = np.clip((x - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def smooth_union(a: Plane, b: Plane, radius: float) -> Plane:
    """The union of two distance fields with a fillet of RADIUS (polynomial smooth minimum)."""
    h = np.maximum(radius - np.abs(a - b), 0) / radius
    return np.minimum(a, b) - h * h * radius * 0.25


def dome(distance: Plane, radius: float) -> Plane:
    """A rounded height over a shape: 0 at its edge, RADIUS from RADIUS inwards on."""
    t = np.clip(-distance / radius, 0, 1)
    return radius * np.sqrt(np.maximum(1 - (1 - t) ** 2, 1e-6))


def touched(mask: Plane) -> tuple[slice, slice]:
    """The smallest window that holds all of MASK worth painting (most strokes cover a tenth of it)."""
    seen = mask > 0.002
    rows, columns = np.flatnonzero(seen.any(1)), np.flatnonzero(seen.any(0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


class Canvas:
    """A picture being painted: coordinates in eye distances around the middle of the eyes, and its pixels."""

    def __init__(self, traits: FaceTraits, width: int, height: int):
        self.traits = traits
        self.pixel = WIDTH / width
        plain_x = (np.arange(width, dtype=np.float32) + 0.5) * self.pixel - WIDTH / 2
        plain_y = (np.arange(height, dtype=np.float32) + 0.5) * (HEIGHT / height) - HEIGHT * EYE_LINE
        sheet_x, sheet_y = np.meshgrid(plain_x, plain_y)
        self.sheet_x, self.sheet_y = sheet_x, sheet_y  # the frame's own axes: background and shoulders
        x, y = sheet_x - traits.shift[0], sheet_y - traits.shift[1]
        cos, sin = (
            np.float32(np.cos(traits.roll) / traits.zoom),
            np.float32(np.sin(traits.roll) / traits.zoom),
        )
        self.x, self.y = cos * x + sin * y, cos * y - sin * x  # the face's axes
        self.image = np.zeros((height, width, 3), np.float32)
        self.random = np.random.default_rng([traits.seed, 7])

    def ellipse(self, x: float, y: float, radius_x: float, radius_y: float, angle: float = 0.0) -> Plane:
        """Approximate distance to an ellipse, negative inside (Quilez's first-order bound)."""
        dx, dy = self.x - np.float32(x), self.y - np.float32(y)
        if angle:
            cos, sin = np.float32(np.cos(angle)), np.float32(np.sin(angle))
            dx, dy = cos * dx + sin * dy, cos * dy - sin * dx
        u, v = dx / np.float32(radius_x), dy / np.float32(radius_y)
        k = np.sqrt(u * u + v * v)
        slope = np.sqrt((u / np.float32(radius_x)) ** 2 + (v / np.float32(radius_y)) ** 2)
        return k * (k - 1) / np.maximum(slope, 1e-4)

    def bump(self, x: float, y: float, width: float, height: float) -> Plane:
        """A Gaussian hill of height 1 and the given standard deviations."""
        u, v = (self.x - np.float32(x)) / np.float32(width), (self.y - np.float32(y)) / np.float32(height)
        return np.exp(-0.5 * (u * u + v * v))

    def cover(self, distance: Plane, softness: float = 0.0) -> Plane:
        """How much of each pixel a shape covers, 0..1; SOFTNESS widens the edge."""
        return np.clip(0.5 - distance / np.float32(max(softness, self.pixel)), 0, 1)

    def paint(self, color: Plane | Color, mask: Plane) -> None:
        """Lay COLOR ([3] or [height, width, 3]) over the picture where MASK is 1."""
        place = touched(mask)
        part = self.image[place]
        part += mask[place][..., None] * ((color[place] if color.ndim == 3 else color) - part)

    def darken(self, mask: Plane, amount: float, tint: Color | None = None) -> None:
        """Multiply the picture down where MASK is 1; TINT keeps more of its own colour in the shadow."""
        keep = (
            np.ones(3, np.float32) if tint is None else np.float32(1) - tint / np.max(tint) * np.float32(0.35)
        )
        place = touched(mask)
        self.image[place] *= 1 - (np.float32(amount) * mask[place])[..., None] * keep

    def blur(self, plane: Plane, radius: float) -> Plane:
        """Gaussian blur with a standard deviation of RADIUS eye distances."""
        sigma = radius / self.pixel
        return np.asarray(cv2.GaussianBlur(plane, (0, 0), sigma), np.float32) if sigma > 0.3 else plane

    def noise(self, columns: int, rows: int) -> Plane:
        """Smooth noise in [-1, 1] over the frame with about COLUMNS x ROWS hills."""
        height, width = self.x.shape
        grid = self.random.uniform(-1, 1, (rows, columns)).astype(np.float32)
        return np.asarray(cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)

    def noise_at(self, u: Plane, v: Plane) -> Plane:
        """Smooth noise in [-1, 1] sampled at (u, v); it repeats every 64 units."""
        tile = self.random.uniform(-1, 1, (64, 64)).astype(np.float32)
        u, v = u.astype(np.float32), v.astype(np.float32)
        return np.asarray(cv2.remap(tile, u, v, cv2.INTER_CUBIC, borderMode=cv2.BORDER_WRAP), np.float32)

    def shade(self, albedo: Plane | Color, height: Plane, softness: float = 0.4, shine: float = 0.0) -> Plane:
        """Light a surface given by its HEIGHT (eye distances).

        Args:
            albedo: linear colour, [3] or [height, width, 3].
            softness: how far light creeps past the terminator; red creeps furthest, as in skin.
            shine: strength of the highlight.
        Returns: linear light, [height, width, 3].
        """
        slope_y, slope_x = np.gradient(height, np.float32(self.pixel))
        inverse = 1 / np.sqrt(slope_x * slope_x + slope_y * slope_y + 1)
        light = self.traits.light
        facing = (light[2] - slope_x * light[0] - slope_y * light[1]) * inverse
        wrap = np.array([1.15, 0.85, 0.7], np.float32) * np.float32(softness)
        lit = np.clip((facing[..., None] + wrap) / (1 + wrap), 0, 1)
        sky = 0.85 + 0.3 * slope_y * inverse  # a slope that faces up sees more of the sky
        ambient = np.float32(self.traits.ambient)
        result = albedo * (ambient * sky[..., None] + (1.15 - ambient) * lit * self.traits.light_color)
        if shine:
            half = light + np.array([0, 0, 1], np.float32)
            half /= np.linalg.norm(half)
            mirror = np.clip((half[2] - slope_x * half[0] - slope_y * half[1]) * inverse, 0, 1)
            result += (np.float32(shine) * mirror**24)[..., None] * self.traits.light_color
        return result.astype(np.float32)
