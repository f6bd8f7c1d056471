"""Portraits of nobody, drawn by our own code, so that the demo's network owes nothing to any real face.

A face is chosen (`face_traits`), built as a lit relief (`face_head`), and finished in layers (`face_scene`,
`face_hair`, `face_features`) in linear light at several times its size, then averaged down. It stands in its
frame as `prep` would crop it: a 5:4 portrait squashed to a square, the eyes at fixed places.
"""

import json
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from adatune.demo import face_features, face_hair, face_head, face_scene
from adatune.demo.face_canvas import Canvas
from adatune.demo.face_traits import FaceTraits, draw_traits, linear
from adatune.home import write_text
from adatune.images import Pixels, save_picture
from adatune.prep.opencv import cv2

ASPECT = 1.25  # height divided by width before squashing, as prep's crops
SMALLEST_CANVAS = 128  # pixels across; below that the soft edges eat the eyes


def draw_face(seed: int, size: int = 32) -> Pixels:
    """Face number SEED as uint8 RGB [size, size, 3]: the same seed is the same face at every size.

    About 20 ms a face at 32 pixels on one core.
    """
    width = max(size * 2, SMALLEST_CANVAS)
    light = paint_face(draw_traits(seed), width, round(width * ASPECT))
    small = cv2.resize(light, (size, size), interpolation=cv2.INTER_AREA)
    return (np.clip(small, 0, 1) ** (1 / 2.2) * 255 + 0.5).astype(np.uint8)


def paint_face(traits: FaceTraits, width: int, height: int) -> np.ndarray:
    """Paint one portrait, back to front. Returns linear light, float32 [height, width, 3]."""
    canvas = Canvas(traits, width, height)
    head = face_head.head_outline(canvas)
    outline = face_hair.hair_outline(canvas)
    hair = face_hair.hair_light(canvas, outline)
    front = face_hair.hair_front(canvas, outline)
    face_scene.paint_background(canvas)
    face_hair.paint_back_hair(canvas, outline, hair)
    face_head.paint_neck(canvas, head)
    face_scene.paint_shoulders(canvas)
    if traits.hair_style != "afro":
        face_head.paint_ears(canvas)
    relief = face_head.paint_skin(canvas, head, face_hair.hair_shadow(canvas, front))
    face_features.paint_beard(canvas, head, relief)
    face_features.paint_eyes(canvas)
    face_features.paint_brows(canvas)
    face_features.paint_nostrils(canvas)
    face_features.paint_mouth(canvas)
    face_hair.paint_front_hair(canvas, front, hair)
    face_hair.paint_hat(canvas, head)
    face_features.paint_glasses(canvas)
    return _develop(canvas)


def _develop(canvas: Canvas) -> np.ndarray:
    """Expose the picture and roll off its highlights, as film would."""
    light = np.maximum(canvas.image, 0) * np.float32(canvas.traits.exposure)
    light += np.float32(0.004) * linear(255, 255, 255)
    return np.where(light > 0.7, 0.7 + 0.3 * np.tanh((light - 0.7) / 0.3), light).astype(np.float32)


def draw_dataset(folder: Path, count: int, size: int = 32, processes: int | None = None) -> None:
    """Write faces 0..COUNT-1 as a dataset folder: images/, dataset.json and prep.json.

    Args:
        folder: made if missing; pictures already in it are replaced.
        processes: how many faces are drawn at once; None takes one per core.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with ProcessPoolExecutor(processes) as pool:
        for _ in pool.map(partial(_draw_file, folder / "images", size), range(count), chunksize=64):
            pass
    write_text(folder / "dataset.json", json.dumps({"labels": None}) + "\n")
    settings = {
        "source": "adatune.demo.drawn_faces",
        "size": size,
        "aspect": ASPECT,
        "mirror": True,
        "count": count,
    }
    write_text(folder / "prep.json", json.dumps(settings, indent=1, sort_keys=True) + "\n")


def _draw_file(folder: Path, size: int, seed: int) -> None:
    save_picture(Image.fromarray(draw_face(seed, size)), folder / f"{seed:08d}.png")
