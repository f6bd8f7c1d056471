from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from adatune.images import Pixels
from adatune.prep.eyes import eyes_open
from adatune.prep.view import VIEW_HEIGHT, VIEW_WIDTH

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"


@pytest.fixture(scope="module")
def face() -> Image.Image:
    picture = Image.open(ASTRONAUT).convert("RGB")
    box = (79.6, 1.6, 251.2, 216.1)  # eyes near (144, 101) and (187, 104)
    return picture.resize((VIEW_WIDTH, VIEW_HEIGHT), Image.Resampling.BICUBIC, box=box)


def _lids_closed(face: Image.Image) -> Image.Image:
    """Skin over both eyes, and a dark line where the lashes are."""
    closed = face.copy()
    draw = ImageDraw.Draw(closed)
    for middle in (96, 160):
        skin = face.getpixel((middle, 182))
        draw.ellipse((middle - 22, 136, middle + 22, 168), fill=skin)
        draw.arc((middle - 14, 146, middle + 14, 160), 20, 160, fill=(50, 30, 25), width=3)
    return closed.filter(ImageFilter.GaussianBlur(1))


def _opened(picture: Image.Image) -> float:
    return eyes_open(np.asarray(picture))


def test_open_eyes_measure_more_open_than_painted_lids(face: Image.Image) -> None:
    assert _opened(face) > 0.4
    assert _opened(_lids_closed(face)) < 0.3


def test_light_does_not_close_eyes(face: Image.Image) -> None:
    darker: Pixels = (np.asarray(face) * 0.5).astype(np.uint8)
    assert eyes_open(darker) == pytest.approx(_opened(face), abs=0.2)


@pytest.mark.parametrize("level", [0, 128, 255])
def test_one_flat_colour_has_no_open_eyes(level: int) -> None:
    assert eyes_open(np.full((VIEW_HEIGHT, VIEW_WIDTH, 3), level, np.uint8)) == 0
