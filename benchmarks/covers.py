"""Puts hands, microphones, glasses and other things cut from one photo on the faces of others.

The outlines are in labels/cutouts.csv; things are sized and placed by the eyes and the mouth, matched in
brightness (hands in colour, too), and feathered. Used by prep_reasons.py.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from variants import Pixels, Portrait, random_of

Points = np.ndarray[Any, np.dtype[np.float64]]

# What goes where, how wide in eye distances, and the class of occlusion that it makes (labels/README.md).
PLACES: tuple[tuple[str, str, float, int], ...] = (
    ("hand", "mouth", 1.7, 2),
    ("sunglasses", "eyes", 2.15, 2),
    ("mic", "mouth", 1.0, 2),
    ("glasses", "eyes", 2.1, 0),
    ("hand", "eye", 1.5, 2),
    ("scarf", "lower", 2.5, 2),
    ("hand", "cheek", 1.5, 1),
    ("glasses", "eyes", 2.1, 0),
    ("cup", "mouth", 1.3, 2),
    ("mic", "mouth", 1.2, 2),
    ("sunglasses", "eyes", 2.15, 2),
    ("object", "mouth", 1.8, 2),
    ("hand", "mouth", 1.5, 2),
    ("phone", "eye", 1.7, 2),
)


@dataclass(frozen=True)
class Cutout:
    """A thing cut from a photo."""

    name: str  # of the photo it is cut from
    kind: str
    pixels: Pixels  # the box around the outline
    cover: np.ndarray[Any, np.dtype[np.float32]]  # 0 to 1


def half_of(name: str) -> int:
    """The half of the people that a photo belongs to: 0 may be fitted to, 1 is held out."""
    return int(name, 16) % 2


def read_cutouts(outlines: Path, photos: Mapping[str, Pixels]) -> list[Cutout]:
    """The things whose photos are at hand; the lenses of glasses are cut out of them."""
    rows = [row for row in csv.DictReader(outlines.open()) if row["sha256_16"] in photos]
    lenses = [(row["sha256_16"], _points(row["points"])) for row in rows if row["kind"] == "lens"]
    things = []
    for row in rows:
        if row["kind"] != "lens":
            holes = [points for name, points in lenses if name == row["sha256_16"]]
            things.append(
                _cut(row["sha256_16"], row["kind"], _points(row["points"]), holes, photos[row["sha256_16"]])
            )
    return things


def _points(text: str) -> Points:
    return np.array([[float(value) for value in point.split()] for point in text.split(";")])


def _cut(name: str, kind: str, outline: Points, holes: Sequence[Points], photo: Pixels) -> Cutout:
    cover = _filled(outline, photo.shape[:2])
    if kind == "glasses":
        for hole in holes:
            cover = cover * (1 - _filled(hole, photo.shape[:2]))
    left, top = np.floor(outline.min(axis=0)).astype(int).clip(0)
    right, bottom = np.ceil(outline.max(axis=0)).astype(int) + 1
    pixels, cover = photo[top:bottom, left:right], cover[top:bottom, left:right]
    if kind == "mic" and pixels.shape[0] < pixels.shape[1] * 1.5:  # cut by its photo's border: draw it out
        longer = 2 * pixels.shape[1]
        pixels = np.concatenate([pixels, np.repeat(pixels[-2:-1], longer, axis=0)])
        cover = np.concatenate([cover, np.repeat(cover[-2:-1], longer, axis=0)])
    return Cutout(name, kind, np.ascontiguousarray(pixels), np.ascontiguousarray(cover))


def _filled(outline: Points, size: tuple[int, ...]) -> np.ndarray:
    fine = np.zeros((size[0] * 4, size[1] * 4), np.float32)
    cv2.fillPoly(fine, [np.round(outline * 4 + 2).astype(np.int32)], 1.0)
    return cv2.resize(fine, (size[1], size[0]), interpolation=cv2.INTER_AREA)


def covered_variants(
    portraits: Sequence[Portrait], cutouts: Sequence[Cutout]
) -> Iterator[tuple[str, Pixels, dict[str, Any]]]:
    """One thing on each face; the two halves of the people share no thing where there are two of its kind."""
    turn = [0, 0]
    for portrait in sorted(portraits, key=lambda portrait: portrait.name):
        half = half_of(portrait.name)
        kind, place, width, occlusion = PLACES[turn[half] % len(PLACES)]
        kinds = sorted((thing for thing in cutouts if thing.kind == kind), key=lambda thing: thing.name)
        mine = kinds[half::2] if len(kinds) > 1 else kinds
        turn[half] += 1
        if not mine or mine[0].name == portrait.name:
            continue
        thing = mine[turn[half] // len(PLACES) % len(mine)]
        picture = paste(portrait, thing, place, width)
        truth = {"kind": kind, "place": place, "occlusion": occlusion, "half": half, "from": thing.name}
        yield f"{portrait.name}-{kind}-{place}", picture, truth


def paste(portrait: Portrait, thing: Cutout, place: str, width: float) -> Pixels:
    """The portrait with a thing before its 'eyes', 'eye', 'mouth', 'cheek' or 'lower' face.

    Args:
        width: of the thing, eye distances; of hands and phones, the root of their area.
    """
    random = random_of(portrait.name, 9)
    eyes, across = portrait.eye_distance, portrait.landmarks[1] - portrait.landmarks[0]
    angle = float(np.arctan2(across[1], across[0]))
    height, wide = thing.cover.shape
    own = float(np.sqrt(thing.cover.sum())) if thing.kind in ("hand", "phone") else float(wide)
    scale = width * eyes / own
    reduced = min(1.0, scale * 1.5)
    size = (max(1, round(wide * reduced)), max(1, round(height * reduced)))
    pixels = cv2.resize(thing.pixels, size, interpolation=cv2.INTER_AREA)
    cover = cv2.resize(thing.cover, size, interpolation=cv2.INTER_AREA)
    anchor = np.array([0.5, 0.0 if place == "lower" else 0.5]) * size
    if thing.kind == "mic":
        anchor = np.array([0.5 * size[0], 0.35 * size[0]])  # its head lies on the lips
    anchor = anchor + random.normal(0, 0.03, 2) * size
    if thing.kind in ("glasses", "sunglasses"):
        angle -= _slope(cover)
    else:
        angle += float(np.radians(random.normal(0, 6)))
    turn = scale / reduced * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    target = _target(portrait, place, bool(random.random() < 0.5))
    matrix = np.column_stack([turn, target - turn @ anchor])
    out = portrait.pixels.shape[1::-1]
    laid = cv2.warpAffine(
        _matched(pixels, cover, portrait, thing.kind), matrix, out, borderMode=cv2.BORDER_REPLICATE
    )
    mask = cv2.GaussianBlur(cv2.warpAffine(cover, matrix, out), (0, 0), max(0.5, 0.02 * eyes))[..., None]
    return (portrait.pixels * (1 - mask) + laid * mask + 0.5).clip(0, 255).astype(np.uint8)


def _target(portrait: Portrait, place: str, is_left: bool) -> Points:
    """Where the anchor goes, pixels."""
    left_eye, right_eye, nose, left_mouth, right_mouth = portrait.landmarks
    eye, corner = (left_eye, left_mouth) if is_left else (right_eye, right_mouth)
    middle, mouth = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    places = {
        "eyes": middle + 0.04 * (mouth - middle),
        "eye": eye,
        "mouth": mouth,
        "lower": (middle + 1.2 * nose) / 2.2,
        "cheek": (eye + corner) / 2 + 0.75 * (corner - mouth),
    }
    return places[place]


def _slope(cover: np.ndarray) -> float:
    """The slant of a wide thing, radians: the direction along which its cover spreads most."""
    y, x = np.nonzero(cover > 0.5)
    across = np.linalg.eigh(np.cov(np.stack([x, y])))[1][:, -1]
    return float(np.arctan(across[1] / across[0]))


def _matched(pixels: Pixels, cover: np.ndarray, portrait: Portrait, kind: str) -> np.ndarray:
    """In the light of the portrait: hands as its cheeks, other things a little as bright as they are."""
    middle, eyes = portrait.landmarks.mean(axis=0), portrait.eye_distance
    top, left = (middle[::-1] - 0.6 * eyes).astype(int).clip(0)
    face = portrait.pixels[top : int(middle[1] + 0.6 * eyes), left : int(middle[0] + 0.6 * eyes)]
    colour = np.median(face.reshape(-1, 3), axis=0) + 1
    if kind == "hand":
        own = np.average(pixels.reshape(-1, 3), axis=0, weights=cover.ravel() + 1e-6) + 1
        return np.clip(pixels * (colour / own) ** 0.8, 0, 255).astype(np.float32)
    gain = np.clip((colour.mean() / 150) ** 0.5, 0.7, 1.2)
    return np.clip(pixels * gain, 0, 255).astype(np.float32)
