import io
import os
import shlex
import struct
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from adatune.prep.photos import OpenPhoto, UnreadablePhoto, open_photo, read_photo
from adatune.prep.sources import Source, find_sources

DATA = Path(__file__).parents[1] / "data"
RAMP = np.linspace(0, 255, 24 * 16 * 3).reshape(24, 16, 3).astype(np.uint8)
UNDO = {
    1: None,
    2: 0,
    3: 3,
    4: 1,
    5: 5,
    6: 2,
    7: 6,
    8: 4,
}  # EXIF orientation -> PIL transposition


def smooth(height: int, width: int) -> np.ndarray:
    """A picture that every coding keeps nearly as it is: red grows to the right, green downwards."""
    y, x = np.mgrid[0:height, 0:width]
    picture = np.stack([x * 255 / (width - 1), y * 255 / (height - 1), np.full_like(x, 64)], axis=-1)
    return picture.round().astype(np.uint8)


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


@contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Without the rights of root, who may read anything; no change for anybody else."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


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


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.webp", "a.avif", "a.jp2", "a.tiff", "a.bmp", "a.ppm"])
def test_every_format_shows_the_same_picture_whatever_its_name(tmp_path: Path, name: str) -> None:
    picture = smooth(96, 160)
    Image.fromarray(picture).save(tmp_path / name)
    (tmp_path / name).rename(tmp_path / "photo.dat")
    photo = open_photo(Source("photo.dat", tmp_path / "photo.dat"))
    assert (photo.width, photo.height) == (160, 96)
    assert np.abs(photo.read().astype(int) - picture).mean() < 4


def test_heic_is_read_and_turned(tmp_path: Path) -> None:
    photo = open_photo(Source("ramp.heic", DATA / "ramp.heic"))
    assert (photo.width, photo.height) == (96, 160)
    assert np.abs(photo.read().astype(int) - np.rot90(smooth(96, 160), -1)).mean() < 3
    (tmp_path / "phone.jpg").write_bytes((DATA / "ramp.heic").read_bytes())
    assert np.array_equal(read_photo(tmp_path / "phone.jpg"), photo.read())


def test_heic_without_its_package_names_the_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pi_heif", None)
    with pytest.raises(UnreadablePhoto, match="pip install pi-heif"):
        open_photo(Source("ramp.heic", DATA / "ramp.heic"))


def test_sixteen_bit_white_is_exactly_255(tmp_path: Path) -> None:
    Image.fromarray(np.array([[0, 257, 65535]], np.uint16)).save(tmp_path / "grey.png")
    assert read_photo(tmp_path / "grey.png")[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize("name", ["deep.png", "deep.tiff"])
@pytest.mark.parametrize("channels", [3, 4])
def test_sixteen_bit_colours_are_kept(tmp_path: Path, name: str, channels: int) -> None:
    picture = smooth(32, 48)
    wide = np.full((32, 48, channels), 65535, np.uint16)
    wide[:, :, :3] = picture[:, :, ::-1].astype(np.uint16) * 257  # OpenCV writes blue first
    assert cv2.imwrite(str(tmp_path / name), wide)
    assert np.abs(read_photo(tmp_path / name).astype(int) - picture).max() <= 1


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_each_exif_orientation_shows_the_same_picture(tmp_path: Path, kind: str, orientation: int) -> None:
    picture = smooth(96, 64)
    undo = UNDO[orientation]
    stored = Image.fromarray(picture)
    stored = stored if undo is None else stored.transpose(Image.Transpose(undo))
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored.save(tmp_path / "turned", kind, exif=exif, quality=95)
    photo = open_photo(Source("turned", tmp_path / "turned"))
    assert (photo.width, photo.height) == (64, 96)
    assert np.abs(photo.read().astype(int) - picture).max() <= (0 if kind == "PNG" else 12)
    assert open_photo(Source("turned", tmp_path / "turned")).read(0.5).shape == (48, 32, 3)


def test_exif_behind_the_pixels_of_a_png_is_heeded(tmp_path: Path) -> None:
    data = encoded(smooth(64, 96), "PNG")
    exif = Image.Exif()
    exif[0x0112] = 6
    tag = b"eXIf" + exif.tobytes().removeprefix(b"Exif\0\0")
    chunk = struct.pack(">I", len(tag) - 4) + tag + struct.pack(">I", zlib.crc32(tag))
    (tmp_path / "late.png").write_bytes(data[:-12] + chunk + data[-12:])
    photo = open_photo(Source("late.png", tmp_path / "late.png"))
    assert np.array_equal(photo.read(), np.rot90(smooth(64, 96), -1))
    assert (photo.width, photo.height) == (64, 96)


@pytest.mark.parametrize(("scale", "reduction"), [(1, 1), (0.6, 1), (0.5, 2), (0.3, 2), (0.25, 4), (0.02, 8)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG"])
def test_a_photo_is_read_reduced_but_never_below_what_was_asked(
    tmp_path: Path, kind: str, scale: float, reduction: int
) -> None:
    picture = smooth(203, 301)
    (tmp_path / "a").write_bytes(encoded(picture, kind, quality=95))
    area = np.asarray(Image.fromarray(picture).reduce(reduction)).astype(int)
    for whole_before in (False, True):
        photo = open_photo(Source("a", tmp_path / "a"))
        if whole_before:
            photo.read()
        pixels = photo.read(scale)
        assert (photo.width, photo.height) == (301, 203)
        assert pixels.shape == (-(-203 // reduction), -(-301 // reduction), 3)
        assert np.abs(pixels.astype(int) - area)[:-1, :-1].max() <= 6


@pytest.mark.parametrize(("decodes_reduced", "expected"), [(True, [4, 1]), (False, [1])])
def test_nothing_is_decoded_twice_at_one_size(decodes_reduced: bool, expected: list[int]) -> None:
    asked: list[int] = []

    def decode(reduction: int) -> np.ndarray:
        asked.append(reduction)
        return np.zeros((64 // reduction, 64 // reduction, 3), np.uint8)

    photo = OpenPhoto(64, 64, decode, decodes_reduced)
    sizes = [len(photo.read(scale)) for scale in (0.2, 0.25, 1, 1, 0.5, 0.1)]
    assert sizes == [16, 16, 64, 64, 32, 8]
    assert asked == expected


def test_tiny_jpegs_are_read_at_any_scale(tmp_path: Path) -> None:
    for size in ((1, 1), (1, 300), (300, 1), (3, 5)):
        (tmp_path / "a.jpg").write_bytes(encoded(np.zeros((*size, 3), np.uint8), "JPEG"))
        assert min(open_photo(Source("a.jpg", tmp_path / "a.jpg")).read(0.01).shape) >= 1


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_become_white(tmp_path: Path, mode: str) -> None:
    picture = Image.new("RGBA", (8, 4), (200, 0, 0, 0))
    picture.paste((200, 200, 200, 255), (4, 0, 8, 4))
    picture.convert(mode).save(tmp_path / "clear.png")
    pixels = read_photo(tmp_path / "clear.png")
    assert (pixels[:, :4] == 255).all()
    assert np.abs(pixels[:, 4:].astype(int) - 200).max() <= 3


def test_a_transparent_colour_of_an_rgb_png_becomes_white(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4), (9, 8, 7)).save(tmp_path / "key.png", transparency=(9, 8, 7))
    assert (read_photo(tmp_path / "key.png") == 255).all()


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "TIFF", "AVIF"])
def test_the_first_frame_of_an_animation_is_taken(tmp_path: Path, kind: str) -> None:
    frames = [Image.new("RGB", (32, 32), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "moving", kind, save_all=True, append_images=frames[1:])
    assert np.abs(read_photo(tmp_path / "moving")[16, 16].astype(int) - [255, 0, 0]).max() < 8


def test_of_two_pictures_in_one_jpeg_the_first_is_taken(tmp_path: Path) -> None:
    """What phones write with a depth picture or a brighter copy."""
    frames = [Image.new("RGB", (64, 32), colour) for colour in ("red", "blue")]
    frames[0].save(tmp_path / "two.mpo", save_all=True, append_images=frames[1:])
    photo = open_photo(Source("two.jpg", tmp_path / "two.mpo"))
    assert photo.read(0.25).shape == (8, 16, 3)
    assert np.abs(photo.read()[16, 16].astype(int) - [255, 0, 0]).max() < 8


def test_printers_colours_come_out_right_with_adobes_mark(tmp_path: Path) -> None:
    picture = Image.new("RGB", (32, 32), (250, 128, 10)).convert("CMYK")
    picture.save(tmp_path / "print.jpg", quality=95)
    assert b"Adobe" in (tmp_path / "print.jpg").read_bytes()
    assert np.abs(read_photo(tmp_path / "print.jpg")[16, 16].astype(int) - [250, 128, 10]).max() < 8


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


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_damaged_exif_leaves_the_picture_as_it_is_stored(tmp_path: Path, kind: str) -> None:
    picture = smooth(32, 48)
    for damage in (
        b"nonsense",
        b"MM\0*\0\0\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff\x12\x01",
    ):
        (tmp_path / "odd").write_bytes(encoded(picture, kind, exif=b"Exif\0\0" + damage, quality=95))
        assert np.abs(read_photo(tmp_path / "odd").astype(int) - picture).mean() < 6


def huge_png() -> bytes:
    data = bytearray(encoded(np.zeros((1, 1), np.uint8), "PNG"))
    data[16:24] = struct.pack(">II", 50_000, 50_000)
    data[29:33] = struct.pack(">I", zlib.crc32(bytes(data[12:29])))
    return bytes(data)


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("empty", "empty file"),
        ("text", "not a picture"),
        ("page", "not a picture"),
        ("bomb", "179 megapixels"),
        ("truncated", "truncated"),
        ("pipe", "not a regular file"),
        ("folder", "a folder"),
        ("dangling", "a link to a file that is not there"),
        ("gone", "not a regular file"),
    ],
)
def test_a_file_that_is_no_picture_is_unreadable_with_a_reason(tmp_path: Path, kind: str, words: str) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    contents = {
        "empty": b"",
        "text": b"hello",
        "truncated": encoded(noise, "JPEG")[:-600],
        "bomb": huge_png(),
        "page": b"<!doctype html><title>404</title>",
    }
    path = tmp_path / "photo.jpg"
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "dangling":
        path.symlink_to(tmp_path / "gone")
    with pytest.raises(UnreadablePhoto, match=words):
        read_photo(path)


def test_a_cut_off_jpeg_is_unreadable_at_every_scale(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (256, 256, 3), np.uint8)
    (tmp_path / "cut.jpg").write_bytes(encoded(noise, "JPEG")[:-9000])
    for scale in (1, 0.5, 0.25, 0.125):
        photo = open_photo(Source("cut.jpg", tmp_path / "cut.jpg"))
        with pytest.raises(UnreadablePhoto, match="truncated"):
            photo.read(scale)


def test_a_photo_that_may_not_be_read_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine.jpg").write_bytes(encoded(RAMP, "JPEG"))
    (tmp_path / "mine.jpg").chmod(0)
    tmp_path.chmod(0o755)
    monkeypatch.chdir(tmp_path)  # the folders above are root's alone
    with an_ordinary_user(), pytest.raises(UnreadablePhoto, match="no permission"):
        read_photo(Path("mine.jpg"))


@pytest.mark.parametrize(("name", "options"), [("a.zip", ""), ("a b.MOV", " --every 30")])
def test_a_zip_or_a_video_among_photos_says_what_to_type(tmp_path: Path, name: str, options: str) -> None:
    (tmp_path / name).write_bytes(b"PK\x03\x04 whatever it holds")
    with pytest.raises(UnreadablePhoto) as error:
        read_photo(tmp_path / name)
    words = shlex.split(str(error.value).partition(": ")[2])
    assert words == ["adatune", "prep", str(tmp_path / name), *options.split()]


def zipped(path: Path, **options: object) -> Path:
    """A zip of three pictures, the second of which a test may damage."""
    with zipfile.ZipFile(path, "w", **options) as archive:
        for number in range(3):
            archive.writestr(f"deep/{number}.png", encoded(smooth(40, 60 + number), "PNG"))
    return path


def test_a_picture_is_read_out_of_a_zip(tmp_path: Path) -> None:
    for compression in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA):
        sources = find_sources(zipped(tmp_path / "a.zip", compression=compression))
        for number, source in enumerate(sources):
            assert np.array_equal(open_photo(source).read(), smooth(40, 60 + number))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("encrypted", "encrypted"),
        ("damaged", "damaged in the zip"),
        ("huge", "4.3 GB"),
        ("odd", "in the zip"),
    ],
)
def test_one_bad_member_of_a_zip_costs_itself_alone(tmp_path: Path, kind: str, words: str) -> None:
    path = zipped(tmp_path / "a.zip")
    data = bytearray(path.read_bytes())
    entry = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 1)  # the second of the list
    local = struct.unpack_from("<I", data, entry + 42)[0]
    if kind == "encrypted":
        data[local + 6] |= 1
        data[entry + 8] |= 1
    elif kind == "damaged":
        data[local + 80] ^= 255
    elif kind == "huge":
        struct.pack_into("<I", data, entry + 24, 0xFFFFFFF0)
    else:
        struct.pack_into("<H", data, local + 8, 97)  # a way of packing that nobody knows
        struct.pack_into("<H", data, entry + 10, 97)
    path.write_bytes(data)
    first, second, third = find_sources(path)
    with pytest.raises(UnreadablePhoto, match=words):
        open_photo(second).read()
    assert open_photo(first).read().shape == (40, 60, 3)
    assert open_photo(third).read().shape == (40, 62, 3)


def test_zips_and_videos_in_a_zip_say_what_to_type(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("clip.mp4", b"\0\0\0\x20ftypisom")
        archive.writestr("inner.zip", b"PK\x03\x04")
    for source in find_sources(tmp_path / "a.zip"):
        with pytest.raises(UnreadablePhoto, match="in a zip: unpack it"):
            open_photo(source)


def test_a_frame_of_a_video_is_a_photo(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), 25, (64, 48))
    for number in range(30):
        writer.write(np.full((48, 64, 3), 8 * number, np.uint8))
    writer.release()
    photo = open_photo(find_sources(path, every=20)[1])
    assert (photo.width, photo.height) == (64, 48)
    assert abs(photo.read(0.5).mean() - 160) < 4
    with pytest.raises(UnreadablePhoto, match="ends before"):
        open_photo(Source("clip.mp4#000030", path, frame=30))
