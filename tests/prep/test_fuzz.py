"""Damaged files: each of 500, made the same way every time, ends in pixels or in an `UnreadablePhoto`.

HEIC is not among them: pi-heif 1.4 itself crashes on one damaged file of 600, which test_workers.py is about.
"""

import io
import resource
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.prep.photos import UnreadablePhoto, open_photo
from adatune.prep.sources import Source

PER_FORMAT = 63  # damaged files; with eight formats 504
SECONDS = 10  # for any one of them: none may hang
GROWTH_BYTES = 1_500_000_000  # of this process's peak: headers may lie up to the 179 megapixels allowed

Damage = Callable[[np.ndarray, np.random.Generator], np.ndarray]


def flip_bits(data: np.ndarray, random: np.random.Generator) -> np.ndarray:
    where = random.integers(0, len(data), random.integers(1, 40))
    data[where] ^= (1 << random.integers(0, 8, len(where))).astype(np.uint8)
    return data


def cut_off(data: np.ndarray, random: np.random.Generator) -> np.ndarray:
    return data[: random.integers(0, len(data))]


def lose_a_piece(data: np.ndarray, random: np.random.Generator) -> np.ndarray:
    start, length = random.integers(0, len(data)), random.integers(1, 1 + len(data) // 4)
    return np.concatenate([data[:start], data[start + length :]])


def shuffle_blocks(data: np.ndarray, random: np.random.Generator) -> np.ndarray:
    size = int(random.choice([4, 16, 64, 256]))
    blocks = [data[start : start + size] for start in range(0, len(data), size)]
    first = int(random.integers(0, 2))  # half of them keep their beginning, and are still taken for pictures
    order = [*range(first), *(first + random.permutation(len(blocks) - first))]
    return np.concatenate([blocks[index] for index in order])


def zero_a_piece(data: np.ndarray, random: np.random.Generator) -> np.ndarray:
    start = random.integers(0, len(data))
    data[start : start + random.integers(1, 1 + len(data) // 3)] = random.choice([0, 255])
    return data


def lie_in_the_header(data: np.ndarray, random: np.random.Generator) -> np.ndarray:
    start = random.integers(0, min(200, len(data) - 4))
    number = random.choice([0, 1, 255, 0x7FFF, 0xFFFF, 50_000, 12_000, 0x7FFFFFFF, 0xFFFFFFFF])
    order = random.choice(["<u2", ">u2", "<u4", ">u4"])
    field = np.frombuffer(
        np.array(number & (0xFFFF if "2" in order else 0xFFFFFFFF), order).tobytes(), np.uint8
    )
    data[start : start + len(field)] = field
    return data


def repeat_a_piece(data: np.ndarray, random: np.random.Generator) -> np.ndarray:
    start, length = random.integers(0, len(data)), random.integers(1, 300)
    return np.concatenate([data[: start + length], data[start:]])


def mend_checksums(data: bytes) -> bytes:
    """A PNG whose chunks carry the sums that fit their damaged contents, so that these are looked at."""
    at, pieces = 8, [data[:8]]
    while at + 12 <= len(data):
        end = at + 8 + int.from_bytes(data[at : at + 4], "big")
        if end > len(data):
            break
        pieces += [data[at:end], zlib.crc32(data[at + 4 : end]).to_bytes(4, "big")]
        at = end + 4
    return b"".join(pieces) + data[at:]


DAMAGES: list[Damage] = [
    flip_bits,
    cut_off,
    lose_a_piece,
    shuffle_blocks,
    zero_a_piece,
    lie_in_the_header,
    repeat_a_piece,
]
FORMATS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 90},
    "PNG": {},
    "WEBP": {"quality": 80},
    "GIF": {},
    "TIFF": {"compression": "tiff_lzw"},
    "BMP": {},
    "AVIF": {"quality": 70},
    "JPEG2000": {},
}


def whole(kind: str) -> bytes:
    """A small photo-like picture with EXIF, where the format keeps it."""
    random = np.random.default_rng(7)
    coarse = Image.fromarray(random.integers(0, 255, (6, 8, 3), np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "a camera"
    buffer = io.BytesIO()
    options = dict(FORMATS[kind])
    if kind in {"JPEG", "PNG", "WEBP", "TIFF", "AVIF"}:
        options["exif"] = exif
    coarse.resize((96, 72), Image.Resampling.BICUBIC).save(buffer, kind, **options)
    return buffer.getvalue()


def damaged(kind: str, number: int) -> bytes:
    """The NUMBER-th damaged file of a format; every third is damaged twice, every second PNG summed anew."""
    random = np.random.default_rng([number, *kind.encode()])
    data = np.frombuffer(whole(kind), np.uint8).copy()
    for damage in (DAMAGES[number % len(DAMAGES)], *([DAMAGES[int(random.integers(7))]] * (number % 3 == 2))):
        if len(data) > 8:
            data = damage(data, random)
    return mend_checksums(data.tobytes()) if kind == "PNG" and number % 2 else data.tobytes()


def outcome(path: Path, scale: float) -> str:
    """'pixels', or the reason why there are none."""
    try:
        pixels = open_photo(Source(path.name, path)).read(scale)
    except UnreadablePhoto as error:
        return str(error)
    assert pixels.ndim == 3
    assert pixels.shape[2] == 3
    assert pixels.dtype == np.uint8
    return "pixels"


def peak_bytes() -> int:
    """The most memory that this process has held."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


@pytest.mark.parametrize("kind", FORMATS)
def test_a_damaged_file_ends_in_pixels_or_in_words(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"photo.{kind.lower()}"
    path.write_bytes(whole(kind))
    assert outcome(path, 1) == "pixels"
    before = peak_bytes()
    outcomes: list[str] = []
    for number in range(PER_FORMAT):
        path.write_bytes(damaged(kind, number))
        started = time.process_time()
        outcomes.append(outcome(path, [1, 0.5, 0.2][number % 3]))
        assert time.process_time() - started < SECONDS
    assert all(outcomes)
    assert {"pixels"} < set(outcomes)  # some damage is survived, some is not
    assert peak_bytes() - before < GROWTH_BYTES
