import io
import os
import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms

from adatune.prep.photos import UnreadablePhoto, find_photos, read_photo

RAMP = np.linspace(0, 255, 24 * 16 * 3).reshape(24, 16, 3).astype(np.uint8)


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA", "LA", "CMYK", "YCbCr", "LAB", "I;16", "F"])
def test_every_mode_becomes_upright_rgb(tmp_path: Path, mode: str) -> None:
    picture = Image.fromarray(RAMP)
    if mode == "LAB":
        convert = ImageCms.buildTransform(
            ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB"
        )
        picture = ImageCms.applyTransform(picture, convert)
    elif mode == "I;16":
        picture = Image.fromarray(np.asarray(picture.convert("L")).astype(np.uint16) * 257)
    else:
        picture = picture.convert(mode)
    path = tmp_path / "photo.tiff"
    picture.save(path)
    pixels = read_photo(path)
    assert pixels.shape == (24, 16, 3)
    assert pixels.dtype == np.uint8
    grey = np.asarray(Image.fromarray(RAMP).convert("L")).astype(int)
    if mode not in {"1", "P"}:
        assert np.abs(pixels.mean(axis=2) - grey).mean() < 4


def test_sixteen_bit_white_is_exactly_255(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257, 65535]], np.uint16)).save(tmp_path / "grey.png")
    assert read_photo(tmp_path / "grey.png")[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_each_exif_orientation_shows_the_same_picture(tmp_path: Path, orientation: int) -> None:
    undo = {1: None, 2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}[orientation]  # numbers of PIL's transpositions
    stored = Image.fromarray(RAMP)
    stored = stored if undo is None else stored.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_photo(tmp_path / "turned.png"), RAMP)


def test_transparent_parts_become_white(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4), (200, 0, 0, 0)).save(tmp_path / "clear.png")
    assert (read_photo(tmp_path / "clear.png") == 255).all()


def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving.gif", save_all=True, append_images=frames[1:])
    assert read_photo(tmp_path / "moving.gif")[0, 0].tolist() == [255, 0, 0]


def test_a_colour_profile_is_applied(tmp_path: Path) -> None:
    """sRGB with its red and blue primaries exchanged: what is stored as red is to be seen as blue."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"tmp_", 1).replace(b"bXYZ", b"rXYZ", 1).replace(b"tmp_", b"bXYZ", 1)
    profile = profile.replace("sRGB".encode("utf-16-be"), "swap".encode("utf-16-be"))
    Image.new("RGB", (4, 4), (255, 0, 0)).save(tmp_path / "swapped.png", icc_profile=profile)
    assert np.abs(read_photo(tmp_path / "swapped.png").astype(int) - [0, 0, 255]).max() <= 2


def test_a_damaged_colour_profile_is_ignored(tmp_path: Path) -> None:
    Image.fromarray(RAMP).save(tmp_path / "odd.png", icc_profile=b"not a profile")
    assert np.array_equal(read_photo(tmp_path / "odd.png"), RAMP)


def _huge_png() -> bytes:
    buffer = io.BytesIO()
    Image.new("L", (1, 1)).save(buffer, "PNG")
    data = bytearray(buffer.getvalue())
    data[16:24] = struct.pack(">II", 50_000, 50_000)
    import zlib

    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.parametrize("kind", ["empty", "text", "truncated", "bomb", "page"])
def test_a_file_that_is_no_picture_is_unreadable_with_a_reason(tmp_path: Path, kind: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)).save(buffer, "JPEG")
    contents = {
        "empty": b"",
        "text": b"hello",
        "truncated": buffer.getvalue()[:-600],
        "bomb": _huge_png(),
        "page": b"<!doctype html><title>404</title>",
    }
    path = tmp_path / "photo.jpg"
    path.write_bytes(contents[kind])
    with pytest.raises(UnreadablePhoto, match=r"\w"):
        read_photo(path)


def test_damage_anywhere_never_raises_anything_else(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    path = tmp_path / "photo"
    for suffix in ("JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP"):
        buffer = io.BytesIO()
        Image.fromarray(RAMP).save(buffer, suffix)
        for _ in range(25):
            data = np.frombuffer(buffer.getvalue(), np.uint8).copy()
            data[random.integers(0, len(data), 6)] = random.integers(0, 255, 6)
            path.write_bytes(data[: random.integers(1, len(data) + 1)].tobytes())
            try:
                assert read_photo(path).ndim == 3
            except UnreadablePhoto:
                continue


def test_files_are_found_once_in_any_script_and_depth(tmp_path: Path) -> None:
    for name in ("b.jpg", "a\nb.jpg", "写真.jpg", "sub/deep/c.png", ".hidden.jpg", "Thumbs.db", "out/x.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    os.symlink(tmp_path, tmp_path / "sub" / "loop")
    found = [path.as_posix() for path in find_photos(tmp_path, [tmp_path / "out"])]
    assert found == ["a\nb.jpg", "b.jpg", "sub/deep/c.png", "写真.jpg"]


def test_a_dangling_link_is_listed_and_unreadable(tmp_path: Path) -> None:
    os.symlink(tmp_path / "gone", tmp_path / "link.jpg")
    assert find_photos(tmp_path) == [Path("link.jpg")]
    with pytest.raises(UnreadablePhoto):
        read_photo(tmp_path / "link.jpg")
