"""Looks at one photo: finds its faces, measures and crops them; slow, so the result is kept.

A photo is decoded only as far as needed: small to find faces in, then as fine as the crop asks for.
"""

import base64
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from adatune.images import Pixels
from adatune.prep.colour import measure_colour
from adatune.prep.config import PrepConfig
from adatune.prep.crop import (
    Points,
    box_corners,
    box_size,
    centre_corners,
    face_corners,
    invented_share,
    portrait_corners,
)
from adatune.prep.duplicates import fingerprint
from adatune.prep.exposure import measure_exposure
from adatune.prep.eyes import eyes_open
from adatune.prep.faces import Face, FaceFinder
from adatune.prep.occlusion import measure_occlusion
from adatune.prep.photos import OpenPhoto, UnreadablePhoto
from adatune.prep.pose import estimate_pose
from adatune.prep.record import Record
from adatune.prep.resample import cut, warp
from adatune.prep.review import Box
from adatune.prep.sharpness import edge_blur
from adatune.prep.sources import Source
from adatune.prep.view import VIEW_HEIGHT, VIEW_WIDTH

_SEARCHED_SIDE = 1600  # least long side of the copy in which faces are searched, pixels
_THUMBNAIL = 240  # long side of the photo on the contact sheet, pixels
_CROP_THUMBNAIL = 144  # width of the result on the contact sheet, pixels

Examined = tuple[Record, Pixels | None]  # a face and its crop [size, size, 3], or None where there is none
Boxes = Mapping[int, Box]  # hand-made crops, by the number of the face


@dataclass(frozen=True)
class Task:
    """A photo to be examined."""

    key: str  # of its results in the store
    source: Source
    boxes: Boxes  # crops to take instead of those that the faces suggest, by the number of the face


def examine(
    name: str,
    opened: Callable[[], OpenPhoto],
    config: PrepConfig,
    finder: FaceFinder,
    boxes: Boxes | None = None,
) -> list[Examined]:
    """Measure the faces of one photo and cut out their crops; a photo without any still gets a record.

    Args:
        name: of the photo in the manifest.
        opened: opens the photo; may raise UnreadablePhoto.
        config: settings; no threshold but that of the detector matters here.
        finder: the detector.
        boxes: crops to take instead of those that the faces suggest.
    """
    try:
        return _examine(Record(name), opened(), config, finder, boxes or {})
    except UnreadablePhoto as error:
        return [(Record(name, "unreadable", str(error)), None)]


def _examine(
    seen: Record, photo: OpenPhoto, config: PrepConfig, finder: FaceFinder, boxes: Boxes
) -> list[Examined]:
    preview = photo.read(min(1.0, _SEARCHED_SIDE / max(photo.width, photo.height)))
    seen = replace(
        seen,
        width=photo.width,
        height=photo.height,
        fingerprint=fingerprint(preview),
        photo_thumbnail=_thumbnail(preview, _THUMBNAIL),
    )
    by_hand = {number: _by_box(photo, seen, box, number, config) for number, box in boxes.items()}
    if config.align == "none":
        return list((by_hand or {0: _by_centre(photo, seen, config)}).values())
    faces = finder.find(preview, config.min_face_score)
    seen = replace(seen, faces=len(faces))
    wanted = faces if config.faces == "all" else faces[:1]
    found = {
        number: _by_face(photo, preview, replace(seen, face=number), face, config, finder)
        for number, face in enumerate(wanted)
        if number not in by_hand
    }
    everything = dict(sorted((by_hand | found).items()))
    return list(everything.values()) or [(replace(seen, problem="no-face", detail="no face found"), None)]


def _by_centre(photo: OpenPhoto, seen: Record, config: PrepConfig) -> Examined:
    corners = centre_corners(photo.width, photo.height, config.aspect)
    return _cut_out(photo, seen, corners, config)


def _by_box(photo: OpenPhoto, seen: Record, box: Box, number: int, config: PrepConfig) -> Examined:
    corners = box_corners(box.x, box.y, box.width, box.height, box.angle, config.aspect)
    return _cut_out(photo, replace(seen, face=number, box_by_hand=True), corners, config)


def _by_face(
    photo: OpenPhoto,
    preview: Pixels,
    seen: Record,
    face: Face,
    config: PrepConfig,
    finder: FaceFinder,
) -> Examined:
    """Look again, as fine as the crop asks for, at a face that was found in the PREVIEW."""
    reduced = _reduction(photo, preview)
    rough = face_corners(face.landmarks * reduced, config.align, config.aspect)
    pixels, factor = _read(photo, rough, max(config.size, VIEW_WIDTH))
    refined = finder.refine(pixels, face.landmarks * reduced / factor)
    landmarks = refined.landmarks * factor
    pose = estimate_pose(landmarks, face, preview)
    eye_distance = float(np.hypot(*(landmarks[1] - landmarks[0])))
    view = warp(pixels, portrait_corners(refined.landmarks), VIEW_WIDTH, VIEW_HEIGHT)
    exposure, colour = measure_exposure(view), measure_colour(view)
    corners = face_corners(landmarks, config.align, config.aspect)
    record = replace(
        seen,
        score=face.score,
        second=face.second,
        turn=face.turn,
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
        eye_px=eye_distance,
        blur=edge_blur(view) * eye_distance * config.size / max(1e-6, box_size(corners)[0]),
        exposure=exposure.score,
        exposure_detail=exposure.words,
        eyes=eyes_open(view),
        colour=(colour.chroma, colour.a, colour.b),
        occlusion=measure_occlusion(view, refined),
    )
    return _cut_out(photo, record, corners, config)


def _cut_out(photo: OpenPhoto, record: Record, corners: Points, config: PrepConfig) -> Examined:
    pixels, factor = _read(photo, corners, config.size)
    crop = cut(pixels, corners / factor, config.size, linear_light=config.linear_light)
    tall = (_CROP_THUMBNAIL, round(_CROP_THUMBNAIL * config.aspect))
    record = replace(
        record,
        upscale=config.size / max(1e-6, box_size(corners)[0]),
        invented=invented_share(corners, photo.width, photo.height),
        corners=tuple((round(float(x), 2), round(float(y), 2)) for x, y in corners),
        crop_thumbnail=_webp(Image.fromarray(crop).resize(tall, Image.Resampling.LANCZOS), 6_000),
    )
    return record, crop


def _read(photo: OpenPhoto, corners: Points, side: int) -> tuple[Pixels, int]:
    """The photo, reduced while it is decoded but still twice as fine as a box of SIDE pixels across needs.

    Returns: the pixels, and how many of the photo's each of them stands for, across and down.
    """
    pixels = photo.read(min(1.0, 2 * side / max(1.0, box_size(corners)[0])))
    return pixels, _reduction(photo, pixels)


def _reduction(photo: OpenPhoto, pixels: Pixels) -> int:
    return max(1, round(photo.width / pixels.shape[1]))  # 1, 2, 4 or 8; the last column may stand for fewer


def _thumbnail(pixels: Pixels, long_side: int) -> str:
    picture = Image.fromarray(pixels)
    scale = min(1.0, long_side / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return _webp(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0), 12_000)


def _webp(picture: Image.Image, most: int) -> str:
    """Base64 of at most MOST characters where quality can give that: 2,000 photos share 40 MB."""
    text = ""
    for quality in (72, 55, 40, 25, 10):
        buffer = io.BytesIO()
        picture.save(buffer, "WEBP", quality=quality)
        text = base64.b64encode(buffer.getvalue()).decode("ascii")
        if len(text) <= most:
            break
    return text
