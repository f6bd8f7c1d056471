from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from adatune.prep.crop import portrait_corners
from adatune.prep.faces import FaceFinder
from adatune.prep.occlusion import measure_occlusion
from adatune.prep.resample import warp

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"
BOXES = {"eyes": (125, 92, 206, 114), "mouth": (135, 128, 195, 155), "mask": (125, 118, 205, 170)}


def _occlusion(cover: tuple[int, int, int, int] | None, colour: str) -> float:
    picture = Image.open(ASTRONAUT).convert("RGB")
    finder = FaceFinder()
    landmarks = finder.find(np.asarray(picture), 0.9)[0].landmarks
    if cover:
        ImageDraw.Draw(picture).rectangle(cover, fill=colour)
    pixels = np.asarray(picture)
    refined = finder.refine(pixels, landmarks)
    view = warp(pixels, portrait_corners(landmarks), 256, 320)
    return measure_occlusion(view, refined)[0]


def test_a_free_face_scores_low() -> None:
    assert _occlusion(None, "") < 0.3


@pytest.mark.parametrize(("part", "colour"), [("eyes", "black"), ("mouth", "black"), ("mask", "lightblue")])
def test_a_covered_face_scores_higher_than_the_threshold(part: str, colour: str) -> None:
    assert _occlusion(BOXES[part], colour) > 0.7
