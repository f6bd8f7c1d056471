import io
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from adatune.prep.duplicates import MIN_LIKENESS, find_duplicates, fingerprint, likeness

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"
EDITS = {
    "a quarter as large": lambda photo: photo.resize((photo.width // 4, photo.height // 4)),
    "twice as large": lambda photo: photo.resize((photo.width * 2, photo.height * 2)),
    "as a bad JPEG": lambda photo: _reopened(photo, "JPEG", quality=30),
    "as WebP": lambda photo: _reopened(photo, "WEBP", quality=60),
    "brightened": lambda photo: photo.point(lambda value: min(255, int(value * 1.15))),
    "darkened": lambda photo: photo.point(lambda value: int(value * 0.7)),
    "yellowed": lambda photo: Image.fromarray((np.asarray(photo) * [1, 0.95, 0.7]).astype(np.uint8)),
    "grey": lambda photo: photo.convert("L").convert("RGB"),
    "mirrored": lambda photo: photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "trimmed": lambda photo: photo.crop((0, 0, round(photo.width * 0.96), round(photo.height * 0.95))),
    "trimmed on all sides": lambda photo: _trimmed(photo, 0.04),
    "mirrored and trimmed": lambda photo: _trimmed(photo.transpose(Image.Transpose.FLIP_LEFT_RIGHT), 0.03),
    "turned by a degree": lambda photo: photo.rotate(1, Image.Resampling.BICUBIC),
    "framed": lambda photo: _framed(photo, 6),
}


def _reopened(photo: Image.Image, kind: str, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    photo.save(buffer, kind, quality=quality)
    return Image.open(buffer).convert("RGB")


def _trimmed(photo: Image.Image, share: float) -> Image.Image:
    x, y = round(photo.width * share), round(photo.height * share)
    return photo.crop((x, y, photo.width - x, photo.height - y))


def _framed(photo: Image.Image, width: int) -> Image.Image:
    frame = Image.new("RGB", (photo.width + 2 * width, photo.height + 2 * width), "white")
    frame.paste(photo, (width, width))
    return frame


def _portrait() -> Image.Image:
    return Image.open(ASTRONAUT).convert("RGB")


def _print(picture: Image.Image) -> str:
    return fingerprint(np.asarray(picture))


def _head_moved(pixels: NDArray[np.uint8], shift: int) -> Image.Image:
    """The middle of the picture shifted sideways, as when a head moves between two frames of a film."""
    moved = pixels.copy()
    height, width = pixels.shape[:2]
    rows, columns = slice(0, height // 2), slice(width // 4, 3 * width // 4)
    moved[rows, columns] = np.roll(pixels, shift, axis=1)[rows, columns]
    return Image.fromarray(moved)


@pytest.mark.parametrize("edit", EDITS)
def test_an_edited_copy_is_a_duplicate(edit: str) -> None:
    portrait = _portrait()
    copy = EDITS[edit](portrait)
    assert find_duplicates([_print(portrait), _print(copy)], [2, 1]) == {1: 0}
    assert find_duplicates([_print(portrait), _print(copy)], [1, 2]) == {0: 1}


def test_another_part_of_a_photo_or_a_moved_head_is_no_duplicate() -> None:
    portrait = _portrait()
    others = [portrait.crop((60, 0, 300, 240)), _head_moved(np.asarray(portrait), portrait.width // 12)]
    assert find_duplicates([_print(each) for each in (portrait, *others)], [3, 2, 1]) == {}


def test_a_chain_of_moving_heads_does_not_end_in_one_picture() -> None:
    pixels = np.asarray(_portrait())
    chain = [_print(_head_moved(pixels, shift)) for shift in range(0, 100, 4)]
    repeats = find_duplicates(chain, [1] * len(chain))
    assert all(likeness(chain[better], chain[worse]) >= MIN_LIKENESS for worse, better in repeats.items())
    assert len(chain) - len(repeats) > 2


def test_plain_surfaces_have_nothing_to_recognise_them_by() -> None:
    prints = [_print(Image.new("RGB", (60, 40), colour)) for colour in ("black", "white")]
    assert find_duplicates([*prints, _print(_portrait())], [3, 2, 1]) == {}
    assert likeness(*prints) == 0


def test_of_equals_the_first_is_kept_and_nothing_has_no_duplicates() -> None:
    one = _print(_portrait())
    assert find_duplicates([one, one, one], [1, 1, 1]) == {1: 0, 2: 0}
    assert find_duplicates([], []) == {}
