"""Makes, from photos whose faces are known to be good, photos with one known fault, the same each time.

Used by prep_reasons.py. Faces are placed by their eyes, so that a blur or a movement means the same in each.
"""

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFilter, ImageFont

SIZE = 512  # pixels; of the prepared images that blur is stated in
_BOX = 4.0  # eye distances that the prepared images are wide
BLURS = (0.5, 1.5, 2.0, 3.0)  # of config.max_blur
STOPS = (-3, -2, -0.5, 0.5, 2, 3)
TURNS = (90, 180, 270)
BORDERS = (0.2, 0.35, 0.6, 0.7)  # share of the box that is outside
TILTS = (-30, -20, -10, 10, 20, 30)

Pixels = np.ndarray[Any, np.dtype[np.uint8]]


@dataclass(frozen=True)
class Portrait:
    """A photo with one good face."""

    name: str  # the first 16 digits of its file's SHA-256
    pixels: Pixels
    landmarks: np.ndarray[Any, np.dtype[np.float64]]  # eyes, nose, corners of the mouth, [5, 2]

    @property
    def eye_distance(self) -> float:
        """Pixels."""
        return float(np.hypot(*(self.landmarks[1] - self.landmarks[0])))

    @property
    def upscale(self) -> float:
        """Pixels of a prepared image per pixel of the photo."""
        return SIZE / (_BOX * self.eye_distance)

    def reduced(self, long_side: int = 1000, most: float = 1.2) -> "Portrait":
        """Not longer than LONG_SIDE, unless that would enlarge the face more than MOST times."""
        factor = min(1.0, max(long_side / max(self.pixels.shape[:2]), self.upscale / most))
        size = (round(self.pixels.shape[1] * factor), round(self.pixels.shape[0] * factor))
        small = np.asarray(Image.fromarray(self.pixels).resize(size, Image.Resampling.LANCZOS))
        return Portrait(self.name, small, self.landmarks * factor)


def random_of(name: str, purpose: int) -> np.random.Generator:
    """Draws that depend on the photo and the purpose alone."""
    return np.random.default_rng([int(name, 16), purpose])


def to_light(pixels: Pixels) -> np.ndarray:
    """SRGB values as amounts of light, 0 to 1."""
    value = pixels.astype(np.float32) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4).astype(np.float32)


def from_light(light: np.ndarray) -> Pixels:
    """Amounts of light as sRGB values; more than 1 is clipped, as a sensor does."""
    light = np.clip(light, 0, 1)
    value = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)
    return (value * 255 + 0.5).astype(np.uint8)


def blurred(pixels: Pixels, kind: str, sigma: float, angle: float) -> Pixels:
    """Out of focus, or shaken along ANGLE (radians), as light is; SIGMA: standard deviation in pixels."""
    light = to_light(pixels)
    if kind == "gaussian":
        return from_light(cv2.GaussianBlur(light, (0, 0), sigma))
    reach = int(np.ceil(2 * sigma)) + 1
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1].astype(np.float32)
    if kind == "disc":
        kernel = np.clip(2 * sigma - np.hypot(x, y) + 0.5, 0, 1)
    else:
        along, across = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        length = np.sqrt(12) * sigma
        kernel = np.clip(length / 2 - np.abs(along) + 0.5, 0, 1) * np.clip(1 - np.abs(across), 0, 1)
    return from_light(cv2.filter2D(light, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE))


def blurred_variants(portrait: Portrait, max_blur: float) -> Iterator[tuple[str, Pixels, dict[str, Any]]]:
    """Blurs around the limit, in prepared pixels; beyond it they are to be rejected."""
    angle = float(random_of(portrait.name, 1).uniform(0, np.pi))
    for kind in ("gaussian", "disc", "motion"):
        for times in BLURS:
            picture = blurred(portrait.pixels, kind, times * max_blur / portrait.upscale, angle)
            yield f"{kind}-{times}", picture, {"kind": kind, "times": times, "is_fault": times > 1}


def turned_variants(portrait: Portrait) -> Iterator[tuple[str, Pixels, dict[str, Any]]]:
    """Lying and standing on their head; `turn` is what brings them back, counter-clockwise."""
    yield "upright", portrait.pixels, {"turn": 0}
    for turn in TURNS:
        yield f"turn-{turn}", np.rot90(portrait.pixels, -turn // 90), {"turn": turn}


def tilted_variants(portrait: Portrait) -> Iterator[tuple[str, Pixels, dict[str, Any]]]:
    """Tilted clockwise by a few degrees, to be levelled."""
    for tilt in TILTS:
        picture = Image.fromarray(portrait.pixels).rotate(-tilt, Image.Resampling.BICUBIC, expand=True)
        yield f"tilt{tilt:+d}", np.asarray(picture), {"tilt": tilt}


def exposed_variants(portrait: Portrait) -> Iterator[tuple[str, Pixels, dict[str, Any]]]:
    """Too little and too much light, clipped; half a stop is no fault."""
    for stops in STOPS:
        picture = from_light(to_light(portrait.pixels) * 2.0**stops)
        yield f"stops{stops:+}", picture, {"stops": stops, "is_fault": abs(stops) >= 2}


def coloured_variants(portrait: Portrait) -> Iterator[tuple[str, Pixels, dict[str, Any]]]:
    """Grey, sepia, blue and green: to be noticed among photos as they come."""
    grey = np.asarray(Image.fromarray(portrait.pixels).convert("L").convert("RGB"))
    yield "grey", grey, {"kind": "grey"}
    yield "sepia", (grey * [1.0, 0.84, 0.62]).astype(np.uint8), {"kind": "sepia"}
    for name, gains in (("blue", (0.5, 0.8, 1.6)), ("green", (0.65, 1.35, 0.6)), ("red", (1.7, 0.75, 0.6))):
        yield name, from_light(to_light(portrait.pixels) * np.array(gains, np.float32)), {"kind": name}


def _scaled(photo: Image.Image, factor: float) -> Image.Image:
    size = (max(16, round(photo.width * factor)), max(16, round(photo.height * factor)))
    return photo.resize(size, Image.Resampling.LANCZOS)


def _reopened(photo: Image.Image, kind: str, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    photo.save(buffer, kind, quality=quality)
    return Image.open(buffer).convert("RGB")


def _trimmed(photo: Image.Image, left: float, top: float, right: float, bottom: float) -> Image.Image:
    width, height = photo.size
    return photo.crop(
        (*map(round, (left * width, top * height, (1 - right) * width, (1 - bottom) * height)),)
    )


def _lit(photo: Image.Image, gains: tuple[float, float, float]) -> Image.Image:
    return Image.fromarray(from_light(to_light(np.asarray(photo)) * np.array(gains, np.float32)))


def _framed(photo: Image.Image, colour: str) -> Image.Image:
    width = max(1, round(0.02 * min(photo.size)))
    frame = Image.new("RGB", (photo.width + 2 * width, photo.height + 2 * width), colour)
    frame.paste(photo, (width, width))
    return frame


def _signed(photo: Image.Image) -> Image.Image:
    signed = photo.copy()
    font = ImageFont.load_default(size=max(8, round(0.05 * photo.height)))
    place = (0.6 * photo.width, 0.9 * photo.height)
    ImageDraw.Draw(signed).text(place, "a photographer", fill="white", font=font)
    return signed


def _turned_a_degree(photo: Image.Image) -> Image.Image:
    width, height = photo.size
    share = np.sin(np.radians(1))
    x, y = share * height / width, share * width / height
    return _trimmed(photo.rotate(1, Image.Resampling.BICUBIC), x, y, x, y)


_FLIP = Image.Transpose.FLIP_LEFT_RIGHT
EDITS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "quarter": lambda photo: _scaled(photo, 0.25),
    "half": lambda photo: _scaled(photo, 0.5),
    "double": lambda photo: _scaled(photo, 2),
    "jpeg30": lambda photo: _reopened(photo, "JPEG", 30),
    "webp60": lambda photo: _reopened(photo, "WEBP", 60),
    "mirrored": lambda photo: photo.transpose(_FLIP),
    "brighter": lambda photo: _lit(photo, (1.4, 1.4, 1.4)),
    "darker": lambda photo: _lit(photo, (0.65, 0.65, 0.65)),
    "warm": lambda photo: _lit(photo, (1.15, 1.0, 0.75)),
    "grey": lambda photo: photo.convert("L").convert("RGB"),
    "trimmed": lambda photo: _trimmed(photo, 0.04, 0.04, 0.04, 0.04),
    "trimmed-corner": lambda photo: _trimmed(photo, 0.04, 0.03, 0, 0),
    "mirrored-trimmed": lambda photo: _trimmed(photo.transpose(_FLIP), 0, 0.02, 0.04, 0.04),
    "degree": _turned_a_degree,
    "framed-white": lambda photo: _framed(photo, "white"),
    "framed-black": lambda photo: _framed(photo, "black"),
    "signed": _signed,
    "sharpened": lambda photo: photo.filter(ImageFilter.UnsharpMask(3, 80, 0)),
    "several": lambda photo: _reopened(
        _scaled(_trimmed(_lit(photo, (1.2, 1.1, 1)), 0.03, 0, 0.02, 0.04), 0.4), "JPEG", 60
    ),
}


def edited_variants(portrait: Portrait) -> Iterator[tuple[str, Pixels, dict[str, Any]]]:
    """The photo, edited copies of it, and two where the head has moved, which are other pictures."""
    photo = Image.fromarray(portrait.pixels)
    group = {"group": portrait.name}
    yield "original", portrait.pixels, group
    for name, edit in EDITS.items():
        yield name, np.asarray(edit(photo)), group
    for number in range(2):
        yield f"moved-{number}", _head_moved(portrait, number), {"group": f"{portrait.name}-moved-{number}"}


def _head_moved(portrait: Portrait, number: int) -> Pixels:
    """The head shifted by half an eye distance, the background left where it was."""
    height, width = portrait.pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    eyes = portrait.eye_distance
    middle = portrait.landmarks.mean(axis=0)
    reach = np.hypot((x - middle[0]) / (1.8 * eyes), (y - middle[1]) / (2.4 * eyes))
    share = np.exp(-(reach**4)).astype(np.float32)
    angle = random_of(portrait.name, 2 + number).uniform(0, 2 * np.pi)
    shift = 0.5 * eyes * share
    x, y = x - np.float32(np.cos(angle)) * shift, y - np.float32(np.sin(angle)) * shift
    return np.asarray(cv2.remap(portrait.pixels, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT))


def bordered_variants(portrait: Portrait) -> Iterator[tuple[str, Pixels, dict[str, Any]]]:
    """Trimmed left and right of the face, so that a known share of the box lies outside the photo."""
    middle = portrait.landmarks[:2].mean(axis=0)[0]
    for share in BORDERS:
        reach = (1 - share) * _BOX / 2 * portrait.eye_distance
        left, right = round(middle - reach), round(middle + reach)
        if left >= 0 and right <= portrait.pixels.shape[1]:
            yield f"border-{share}", portrait.pixels[:, left:right], {"share": share}
