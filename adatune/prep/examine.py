"""Looks at one photo: reads it, finds the face, measures it, crops it; slow, so the result is kept."""

import base64
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from adatune.images import Pixels
from adatune.prep.config import PrepConfig
from adatune.prep.crop import (
    PORTRAIT_ASPECT,
    Points,
    box_size,
    centre_square_corners,
    invented_share,
    portrait_corners,
    warp,
)
from adatune.prep.duplicates import perceptual_hash
from adatune.prep.faces import FaceFinder
from adatune.prep.occlusion import measure_occlusion
from adatune.prep.photos import UnreadablePhoto, read_photo
from adatune.prep.pose import estimate_pose
from adatune.prep.record import Record
from adatune.prep.sharpness import VIEW_HEIGHT, VIEW_WIDTH, edge_blur

_THUMBNAIL = 240  # long side of the photo on the contact sheet, pixels
_CROP_THUMBNAIL = 144  # width of the result on the contact sheet, pixels


def examine(
    folder: Path, source: str, config: PrepConfig, finder: FaceFinder
) -> tuple[Record, Pixels | None]:
    """Measure one photo and cut out its crop; a photo that cannot be used still gets its record.

    Returns: the record, and the crop [size, size, 3], or None where there is none.
    """
    try:
        pixels = read_photo(folder / source)
    except UnreadablePhoto as error:
        return Record(source, "unreadable", str(error)), None
    seen = Record(source, width=pixels.shape[1], height=pixels.shape[0])
    if config.align == "none":
        return _examine_centre(pixels, seen, config)
    return _examine_face(pixels, seen, config, finder)


def _examine_centre(pixels: Pixels, seen: Record, config: PrepConfig) -> tuple[Record, Pixels]:
    corners = centre_square_corners(seen.width, seen.height)
    crop = warp(pixels, corners, config.size, config.size)
    pictures = _pictures(pixels, corners, crop, 1.0)
    return replace(seen, upscale=config.size / box_size(corners)[0], **pictures), crop


def _examine_face(
    pixels: Pixels, seen: Record, config: PrepConfig, finder: FaceFinder
) -> tuple[Record, Pixels | None]:
    faces = finder.find(pixels, config.min_face_score)
    if not faces:
        thumbnail = _thumbnail(pixels, _THUMBNAIL)
        return replace(seen, problem="no-face", detail="no face found", photo_thumbnail=thumbnail), None
    refined = finder.refine(pixels, faces[0].landmarks)
    corners = portrait_corners(refined.landmarks)
    pose = estimate_pose(refined.landmarks)
    eye_distance = float(np.hypot(*(refined.landmarks[1] - refined.landmarks[0])))
    view = warp(pixels, corners, VIEW_WIDTH, VIEW_HEIGHT)
    occlusion, parts = measure_occlusion(view, refined)
    crop = warp(pixels, corners, config.size, config.size)
    record = replace(
        seen,
        faces=len(faces),
        score=faces[0].score,
        yaw=pose.yaw,
        pitch=pose.pitch,
        roll=pose.roll,
        eye_px=eye_distance,
        upscale=config.size / max(1e-6, box_size(corners)[0]),
        blur=edge_blur(view) * config.size / 4,
        occlusion=occlusion,
        occlusion_parts=parts,
        invented=invented_share(corners, seen.width, seen.height),
        **_pictures(pixels, corners, crop, PORTRAIT_ASPECT),
    )
    return record, crop


def _pictures(pixels: Pixels, corners: Points, crop: Pixels, aspect: float) -> dict[str, Any]:
    tall = Image.fromarray(crop).resize(
        (_CROP_THUMBNAIL, round(_CROP_THUMBNAIL * aspect)), Image.Resampling.LANCZOS
    )
    return {
        "corners": tuple((round(float(x), 2), round(float(y), 2)) for x, y in corners),
        "hashes": (perceptual_hash(pixels), perceptual_hash(np.ascontiguousarray(pixels[:, ::-1]))),
        "photo_thumbnail": _thumbnail(pixels, _THUMBNAIL),
        "crop_thumbnail": _webp(tall),
    }


def _thumbnail(pixels: Pixels, long_side: int) -> str:
    picture = Image.fromarray(pixels)
    scale = min(1.0, long_side / max(picture.size))
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    return _webp(picture.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0))


def _webp(picture: Image.Image) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=72)
    return base64.b64encode(buffer.getvalue()).decode("ascii")
