"""Finds photo files and reads any of them as upright sRGB pixels, because web photos come in every form.

Whatever is wrong with a file ends in one `UnreadablePhoto` with a reason in words, never in a crash.
"""

import io
import os
import warnings
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from adatune.errors import PhotosError
from adatune.images import Pixels

_NOT_PHOTOS = {"thumbs.db", "desktop.ini", "icon\r"}  # what file browsers leave in every folder
_HEIC_SUFFIXES = {".heic", ".heif", ".hif"}
_UPRIGHT: dict[int, Image.Transpose] = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


class UnreadablePhoto(PhotosError):
    """A file cannot be read as a picture; the message says why in a few words."""


def find_photos(folder: Path, outside: Sequence[Path] = ()) -> list[Path]:
    """Every file below FOLDER but hidden ones and those in the folders OUTSIDE, sorted by name.

    Links are followed; a folder reached twice (a link loop) is entered once. Files of any kind are listed:
    what is no picture gets its row with the reason `unreadable` rather than vanishing.

    Returns: paths relative to FOLDER, in an order that depends on nothing but the names.
    """
    excluded = {path.resolve() for path in outside}
    return sorted(
        (path.relative_to(folder) for path in _walk(folder, excluded)), key=lambda path: path.as_posix()
    )


def _walk(folder: Path, excluded: set[Path]) -> Iterator[Path]:
    entered: set[Path] = set()
    for root, folders, files in os.walk(folder, followlinks=True):
        here = Path(root).resolve()
        if here in entered or here in excluded:
            folders.clear()
            continue
        entered.add(here)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in files:
            if not name.startswith(".") and name.lower() not in _NOT_PHOTOS:
                yield Path(root) / name


def read_photo(path: Path) -> Pixels:
    """The first picture of a file as it is meant to be seen.

    Turned upright by its EXIF tag, converted to sRGB by its ICC profile, transparent parts over white, 16-bit
    values divided by 257.

    Returns: uint8 RGB pixels, [height, width, 3].
    Raises:
        UnreadablePhoto: empty, no picture, damaged, cut off, or larger than Pillow's limit (179 megapixels).
    """
    if path.suffix.lower() in _HEIC_SUFFIXES:
        _register_heic()
    try:
        _check_file(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # half-damaged metadata and large pictures are no news here
            with Image.open(path) as image:
                return _to_pixels(image)
    except UnreadablePhoto:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePhoto("not a picture that can be read") from error
    except Image.DecompressionBombError as error:
        raise UnreadablePhoto("declares more than 179 megapixels") from error
    except MemoryError as error:
        raise UnreadablePhoto("does not fit in memory") from error
    except Exception as error:  # decoders of damaged files raise anything: struct, zlib, Index, Syntax, ...
        raise UnreadablePhoto(_in_words(error)) from error


def _check_file(path: Path) -> None:
    if not path.is_file():  # a pipe would wait for ever; a dangling link has nothing to read
        raise UnreadablePhoto("not a regular file")
    if path.stat().st_size == 0:
        raise UnreadablePhoto("empty file")


def _in_words(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, PermissionError):
        return "no permission to read it"
    return words if len(words) <= 120 else words[:119] + "…"


def _register_heic() -> None:
    try:
        from pi_heif import register_heif_opener  # pyright: ignore
    except ImportError as error:
        raise UnreadablePhoto("HEIC needs one more package: pip install pi-heif") from error
    cast(Callable[[], None], register_heif_opener)()


def _to_pixels(image: Image.Image) -> Pixels:
    turn = _UPRIGHT.get(_orientation(image))
    profile = image.info.get("icc_profile")
    image.load()  # raises on files that were cut off; verify() does not
    if min(image.size) < 1:
        raise UnreadablePhoto("no pixels")
    image = _to_rgb(image, profile if isinstance(profile, bytes) else None)
    if turn is not None:
        image = image.transpose(turn)
    return np.array(image, dtype=np.uint8)


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ExifTags.Base.Orientation, 1))
    except Exception:  # damaged EXIF in a sound picture: take it as upright
        return 1


def _to_rgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_wide_to_grey(np.asarray(image))).convert("RGB")
    if image.mode in {"RGBA", "LA", "PA", "RGBa", "La"} or "transparency" in image.info:
        return _over_white(image, profile)
    if image.mode in {"P", "1"}:
        image = image.convert("RGB")
    return _to_srgb(image, profile)


def _wide_to_grey(values: "np.ndarray[Any, Any]") -> Pixels:
    """16-bit, 32-bit or floating-point grey to 8 bits; 65535 / 257 is 255 exactly."""
    wide = np.nan_to_num(values.astype(np.float64), posinf=0, neginf=0)
    if values.dtype.kind == "f":
        wide *= 257 * 255 if wide.max(initial=0) <= 1 else 257
    return np.clip(np.rint(wide / 257), 0, 255).astype(np.uint8)


def _over_white(image: Image.Image, profile: bytes | None) -> Image.Image:
    layered = image.convert("RGBA")
    colours = _to_srgb(layered.convert("RGB"), profile)
    white = Image.new("RGB", image.size, (255, 255, 255))
    white.paste(colours, mask=layered.getchannel("A"))
    return white


def _to_srgb(image: Image.Image, profile: bytes | None) -> Image.Image:
    """RGB pixels in sRGB; a profile that is damaged or of another colour model is ignored, as viewers do."""
    if image.mode == "LAB":
        profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            if image.mode == "RGB" and ImageCms.getProfileDescription(source).lower().startswith("srgb"):
                return image
            converted = ImageCms.profileToProfile(
                image, source, ImageCms.createProfile("sRGB"), outputMode="RGB"
            )
            if converted is not None:
                return converted
        except (ImageCms.PyCMSError, OSError, ValueError, TypeError):
            pass
    return image.convert("RGB")
