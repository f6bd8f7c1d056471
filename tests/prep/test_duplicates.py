from pathlib import Path

import numpy as np
from PIL import Image

from adatune.prep.duplicates import mark_duplicates, perceptual_hash

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"


def _hashes(picture: Image.Image) -> tuple[int, int]:
    pixels = np.asarray(picture)
    return perceptual_hash(pixels), perceptual_hash(np.ascontiguousarray(pixels[:, ::-1]))


def test_rescaled_brightened_and_mirrored_copies_are_duplicates_and_another_crop_is_not() -> None:
    portrait = Image.open(ASTRONAUT).convert("RGB")
    pictures = [
        portrait.resize((170, 200)),
        portrait,
        portrait.point(lambda value: min(255, int(value * 1.15))),
        portrait.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
        portrait.crop((60, 0, 300, 240)),
    ]
    repeats = mark_duplicates([_hashes(picture) for picture in pictures], [1, 5, 2, 3, 4])
    assert repeats == {0: 1, 2: 1, 3: 1}


def test_of_equals_the_first_is_kept() -> None:
    assert mark_duplicates([(7, 7), (7, 7)], [1, 1]) == {1: 0}


def test_seven_differing_bits_are_another_picture() -> None:
    far = (1 << 64) - 1
    assert mark_duplicates([(0, far), (0b111111, far), (0b1111111 << 20, far)], [3, 2, 1]) == {1: 0}
