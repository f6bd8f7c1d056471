from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageEnhance

from adatune.images import Pixels
from adatune.prep.crop import portrait_corners
from adatune.prep.faces import FaceFinder
from adatune.prep.occlusion import EYES, LOWER, SIDE, measure_occlusion, occlusion_features, weighed
from adatune.prep.resample import warp
from adatune.prep.view import VIEW_HEIGHT, VIEW_WIDTH

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"
BOXES = {
    "eyes": (125, 92, 206, 114),
    "mouth": (135, 128, 195, 155),
    "mask": (118, 118, 212, 172),
    "one side": (162, 80, 212, 150),
}
LIMIT = 0.5


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


@pytest.fixture(scope="module")
def photo() -> Image.Image:
    return Image.open(ASTRONAUT).convert("RGB")


def _measure(picture: Image.Image, finder: FaceFinder) -> float:
    """Of the face where it lies in the photo without a cover: MTCNN may lose a covered one."""
    landmarks = finder.find(np.asarray(Image.open(ASTRONAUT).convert("RGB")), 0.9)[0].landmarks
    pixels = np.asarray(picture)
    refined = finder.refine(pixels, landmarks)
    return measure_occlusion(_view(pixels, refined.landmarks), refined)


def _view(pixels: Pixels, landmarks: np.ndarray) -> Pixels:
    return warp(pixels, portrait_corners(landmarks), VIEW_WIDTH, VIEW_HEIGHT)


def _covered(picture: Image.Image, part: str, colour: str) -> Image.Image:
    covered = picture.copy()
    ImageDraw.Draw(covered).rectangle(BOXES[part], fill=colour)
    return covered


@pytest.mark.parametrize("variant", ["as it is", "mirrored", "grey", "darker"])
def test_a_free_face_scores_low(photo: Image.Image, finder: FaceFinder, variant: str) -> None:
    changes = {
        "as it is": lambda: photo,
        "mirrored": lambda: photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        "grey": lambda: photo.convert("L").convert("RGB"),
        "darker": lambda: ImageEnhance.Brightness(photo).enhance(0.6),
    }
    pixels = np.asarray(changes[variant]())
    refined = finder.refine(pixels, finder.find(pixels, 0.9)[0].landmarks)
    assert measure_occlusion(_view(pixels, refined.landmarks), refined) < 0.3


@pytest.mark.parametrize(
    ("part", "colour"),
    [("eyes", "black"), ("mouth", "black"), ("mask", "lightblue"), ("mask", "white"), ("one side", "green")],
)
def test_a_covered_face_scores_high(photo: Image.Image, finder: FaceFinder, part: str, colour: str) -> None:
    assert _measure(_covered(photo, part, colour), finder) > LIMIT


def test_a_mask_on_a_grey_photo_scores_high(photo: Image.Image, finder: FaceFinder) -> None:
    grey = photo.convert("L").convert("RGB")
    assert _measure(_covered(grey, "mask", "lightgrey"), finder) > LIMIT


def test_red_lips_cover_nothing(photo: Image.Image, finder: FaceFinder) -> None:
    pixels = np.asarray(photo).copy()
    lips = (slice(135, 149), slice(145, 183))
    pixels[lips] = np.clip(pixels[lips] * [1.15, 0.6, 0.7], 0, 255).astype(np.uint8)
    assert _measure(Image.fromarray(pixels), finder) < LIMIT


def test_each_score_names_what_it_weighs(photo: Image.Image, finder: FaceFinder) -> None:
    pixels = np.asarray(photo)
    refined = finder.refine(pixels, finder.find(pixels, 0.9)[0].landmarks)
    features = occlusion_features(_view(pixels, refined.landmarks), refined)
    for weights in (LOWER, EYES, SIDE):
        assert set(weights) - {"constant"} <= set(features)
    assert weighed({"a": 2.0, "constant": -1.0}, {"a": 3.0}) == 5.0


def test_a_view_of_one_colour_is_measured_without_a_fault(photo: Image.Image, finder: FaceFinder) -> None:
    pixels = np.asarray(photo)
    refined = finder.refine(pixels, finder.find(pixels, 0.9)[0].landmarks)
    flat = np.full((VIEW_HEIGHT, VIEW_WIDTH, 3), 90, np.uint8)
    assert measure_occlusion(flat, refined) > LIMIT
