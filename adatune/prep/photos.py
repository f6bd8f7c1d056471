"""Reads any photo as upright sRGB pixels, decoded only as far as it is needed: web photos come in every form.

Whatever is wrong with a file ends in one `UnreadablePhoto` with a reason in words, never in a crash.
"""

import functools
import io
import shlex
import warnings
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import ExifTags, Image, ImageCms, UnidentifiedImageError

from adatune.errors import PhotosError
from adatune.images import Pixels
from adatune.prep.frames import VIDEO_SUFFIXES, read_frames
from adatune.prep.sources import ZIP_SUFFIXES, Source

_HEIC_BRANDS = {b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"}
# Formats that hold photos, those without a mark of their own last. Left out: those that Pillow has read by
# another program (EPS runs Ghostscript).
_FORMATS = (
    *("JPEG", "PNG", "WEBP", "GIF", "AVIF", "HEIF", "TIFF", "BMP", "DIB", "JPEG2000", "MPO", "PPM", "PSD"),
    *("ICO", "ICNS", "QOI", "DDS", "SGI", "PCX", "TGA"),
)
_REDUCTIONS = (8, 4, 2, 1)  # by which a photo can be read reduced
_LARGE_PIXELS = 50_000_000
_STRIPE_BYTES = 1 << 20  # small enough that memory just freed is used again
_MAX_MEMBER_BYTES = 1_500_000_000  # of a file in a zip; the largest photo that is read takes less, unpacked
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


class OpenPhoto:
    """A photo whose size is known and whose pixels are decoded when they are asked for."""

    def __init__(
        self, width: int, height: int, decode: Callable[[int], Pixels], decodes_reduced: bool = False
    ) -> None:
        """A photo of WIDTH x HEIGHT upright pixels.

        Args:
            width: pixels.
            height: pixels.
            decode: gives the pixels reduced by 1, 2, 4 or 8.
            decodes_reduced: whether `decode` can do more than 1.
        """
        self.width = width
        self.height = height
        self._decode = decode
        self._decodes_reduced = decodes_reduced
        self._decoded: dict[int, Pixels] = {}  # by how much they are reduced

    def read(self, scale: float = 1.0) -> Pixels:
        """Upright sRGB pixels at 1, 1/2, 1/4 or 1/8 of the full size, at least SCALE times it.

        A JPEG is reduced while it is decoded, at a fraction of the work; anything else, and what has been
        decoded finer before, by taking means. Nothing is decoded twice at one size.

        Returns: [height, width, 3] uint8; sides are rounded up, so that the last row and column may stand for
            fewer pixels of the photo than the others.
        Raises:
            UnreadablePhoto: damaged, cut off, or too large for the memory.
        """
        short = min(self.width, self.height)
        wanted = max((r for r in _REDUCTIONS if r * scale <= 1 and r <= short), default=1)
        finer = max((r for r in self._decoded if r <= wanted), default=0)
        with _in_words():
            if not finer:
                finer = wanted if self._decodes_reduced else 1
                self._decoded[finer] = self._decode(finer)
            if finer == 1:  # icons and late EXIF tags may tell of another size than the header
                self.height, self.width = self._decoded[1].shape[:2]
            if finer < wanted:
                self._decoded[wanted] = np.array(
                    Image.fromarray(self._decoded[finer]).reduce(wanted // finer)
                )
        return self._decoded[wanted]


def read_photo(path: Path) -> Pixels:
    """The first picture of a file as it is meant to be seen, [height, width, 3] uint8 RGB.

    Raises:
        UnreadablePhoto: as `open_photo` and `OpenPhoto.read`.
    """
    return open_photo(Source(path.name, path)).read()


def open_photo(source: Source) -> OpenPhoto:
    """The first picture of a file, a zip member or a video frame, as it is meant to be seen.

    Turned upright by its EXIF tag, converted to sRGB by its ICC profile, transparent parts over white, 16-bit
    values divided by 257. Only the header is read here.

    Raises:
        UnreadablePhoto: empty, no picture, encrypted, or larger than Pillow's limit (179 megapixels).
    """
    if source.frame >= 0:
        return open_frame(_frame(source))
    with _in_words(source):
        file: Path | bytes = _member(source) if source.member else source.path
        if isinstance(file, Path):
            _check_file(file)
        with _opened(file) as image:
            width, height = image.size
            if min(width, height) < 1:
                raise UnreadablePhoto("no pixels")
            # Not its own getexif(), with which a PNG decodes all its pixels to see what comes after them.
            if _orientation(Image.Image.getexif, image) >= 5:
                width, height = height, width
            decodes_reduced = image.format in {"JPEG", "MPO"}
        return OpenPhoto(width, height, functools.partial(_decode, file), decodes_reduced)


def may_end_its_process(source: Source) -> bool:
    """Whether reading a photo may end the process: HEIC, whose reader can crash, or more than 50 megapixels.

    pi-heif 1.4 crashes on one in about 600 damaged files; Pillow's own decoders did on none of 5,000.
    """
    if source.frame >= 0:
        return False
    try:
        if _is_heic(_first_bytes(source)):
            return True
        photo = open_photo(source)
    except (UnreadablePhoto, OSError):  # it will get its reason when it is read
        return False
    return photo.width * photo.height > _LARGE_PIXELS


def open_frame(pixels: Pixels) -> OpenPhoto:
    """A frame of a video that is decoded already, [height, width, 3] uint8 RGB."""
    return OpenPhoto(pixels.shape[1], pixels.shape[0], lambda _: pixels)


def _frame(source: Source) -> Pixels:
    """One frame by itself: all frames before it are decoded, so ask `read_frames` for many."""
    try:
        for _, pixels in read_frames(source.path, [source.frame]):
            return pixels
    except PhotosError as error:
        raise UnreadablePhoto("the video cannot be read") from error
    raise UnreadablePhoto("the video ends before this frame")


def _decode(file: Path | bytes, reduction: int) -> Pixels:
    with _opened(file) as image:
        if reduction > 1:
            image.draft(None, (max(1, image.width // reduction), max(1, image.height // reduction)))
        return _to_pixels(image)


@contextmanager
def _opened(file: Path | bytes) -> Iterator[Image.Image]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # half-damaged metadata and large pictures are no news here
        with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as stream:
            head = stream.read(64)
            stream.seek(0)
            if not head:
                raise UnreadablePhoto("empty file")
            if _is_heic(head):
                _register_heic()
            with Image.open(stream, formats=_known_formats()) as image:
                yield image


def _known_formats() -> list[str]:
    Image.init()
    return [name for name in _FORMATS if name in Image.OPEN]


def _first_bytes(source: Source) -> bytes:
    if source.member:
        return _member(source)[:64]
    _check_file(source.path)
    with source.path.open("rb") as file:
        return file.read(64)


def _is_heic(head: bytes) -> bool:
    """Whether a file says so itself: phones' photos also come under the names of other formats."""
    brands = {head[start : start + 4] for start in range(8, len(head), 4)}
    return head[4:8] == b"ftyp" and bool(brands & _HEIC_BRANDS) and b"avif" not in brands


@contextmanager
def _in_words(source: Source | None = None) -> Iterator[None]:
    """Whatever goes wrong inside becomes an `UnreadablePhoto`; the name of SOURCE tells zips and videos."""
    try:
        yield
    except UnreadablePhoto:
        raise
    except UnidentifiedImageError as error:
        raise UnreadablePhoto(_what_instead(source) if source else "not a picture") from error
    except Image.DecompressionBombError as error:
        raise UnreadablePhoto("declares more than 179 megapixels") from error
    except MemoryError as error:
        raise UnreadablePhoto("does not fit in memory") from error
    except PermissionError as error:
        raise UnreadablePhoto("no permission to read it") from error
    except Exception as error:  # decoders of damaged files raise anything: struct, zlib, Index, Syntax, ...
        words = " ".join(str(error).split()) or type(error).__name__
        raise UnreadablePhoto(words if len(words) <= 120 else words[:119] + "…") from error


def _what_instead(source: Source) -> str:
    suffix = Path(source.name).suffix.lower()
    kind = "zip" if suffix in ZIP_SUFFIXES else "video" if suffix in VIDEO_SUFFIXES else ""
    if not kind:
        return "not a picture that can be read"
    if source.member:
        return f"a {kind} in a zip: unpack it and name it itself"
    options = " --every 30" if kind == "video" else ""
    return f"a {kind}, to be named itself: adatune prep {shlex.quote(str(source.path))}{options}"


def _check_file(path: Path) -> None:
    if path.is_dir():
        raise UnreadablePhoto("a folder that cannot be opened")
    if not path.exists() and path.is_symlink():
        raise UnreadablePhoto("a link to a file that is not there")
    if not path.is_file():  # a pipe would wait for ever
        raise UnreadablePhoto("not a regular file")


def _member(source: Source) -> bytes:
    """The bytes of a file in a zip; nothing is written to disk."""
    status = source.path.stat()
    archive = _archive(source.path, status.st_size, status.st_mtime_ns)
    info = archive.getinfo(source.member)
    if info.flag_bits & 1:
        raise UnreadablePhoto("encrypted: unpack the zip with its password and name the folder")
    if info.file_size > _MAX_MEMBER_BYTES:
        raise UnreadablePhoto(f"declares {info.file_size / 1e9:.1f} GB unpacked, more than any photo needs")
    try:
        return archive.read(info)
    except MemoryError:
        raise
    except Exception as error:  # zlib, lzma, bz2, struct, BadZipFile, NotImplementedError: each its own
        raise UnreadablePhoto(
            "damaged in the zip, or packed in a way that cannot be unpacked here"
        ) from error


@functools.lru_cache(maxsize=1)  # one zip a run; its list of members is not read again for each of them
def _archive(path: Path, _size: int, _mtime: int) -> zipfile.ZipFile:
    return zipfile.ZipFile(path)


def _register_heic() -> None:
    try:
        from pi_heif import register_heif_opener  # pyright: ignore
    except ImportError as error:
        raise UnreadablePhoto("HEIC needs one more package: pip install pi-heif") from error
    cast(Callable[[], None], register_heif_opener)()


def _to_pixels(image: Image.Image) -> Pixels:
    turn = _UPRIGHT.get(_orientation(type(image).getexif, image))
    profile = image.info.get("icc_profile")
    image.load()  # raises on files that were cut off; verify() does not
    if min(image.size) < 1:
        raise UnreadablePhoto("no pixels")
    image = _to_rgb(image, profile if isinstance(profile, bytes) else None)
    if turn is not None:
        image = image.transpose(turn)
    return _to_array(image)


def _to_array(image: Image.Image) -> Pixels:
    """The pixels of an RGB picture, stripe by stripe: 18 ms for 12 megapixels where `np.array` takes 49."""
    width, height = image.size
    pixels = np.empty((height, width, 3), np.uint8)
    rows = max(1, _STRIPE_BYTES // (3 * width))
    for top in range(0, height, rows):
        bottom = min(height, top + rows)
        stripe = image.crop((0, top, width, bottom)).tobytes()
        pixels[top:bottom] = np.frombuffer(stripe, np.uint8).reshape(-1, width, 3)
    return pixels


def _orientation(getexif: Callable[[Any], Image.Exif], image: Image.Image) -> int:
    try:
        return int(getexif(image).get(ExifTags.Base.Orientation, 1))
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
