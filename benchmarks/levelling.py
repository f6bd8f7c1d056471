"""How level the prepared portraits are, and how well two looks at one face agree.

Levelling is re-measured on the output by plain MTCNN, aspect undone: each angle is the mean over eight
shifted and mirrored detections; one detection alone has its own noise, which is told next to ours.

python benchmarks/levelling.py PHOTOS [FACES]      FACES: small pictures, of which 150 are prepared at 128
"""

import json
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from prep import machine  # benchmarks/prep.py, beside this file

from adatune import home
from adatune.prep.faces import FaceFinder
from adatune.prep.landmarks import look, spread_looks
from adatune.prep.prepare import prep

SHIFTS = [(0, 0), (7, 3), (-5, 6), (4, -8)]  # pixels; each plain and mirrored
PLACES = np.array([[0.375, 0.47], [0.625, 0.47]])  # of the eyes, in widths and heights
WIDTH, HEIGHT = 512, 640  # of the pictures that are measured
FACES_MEASURED, FACES_SIZE = 150, 128
LONG_SIDE = 1024  # of the copy in which the agreement of two looks is measured


def moved(picture: Image.Image, x: int, y: int, mirrored: bool) -> Image.Image:
    """The picture shifted on grey, then mirrored."""
    copy = Image.new("RGB", picture.size, "grey")
    copy.paste(picture, (x, y))
    return copy.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if mirrored else copy


def moved_back(eyes: np.ndarray, width: int, x: int, y: int, mirrored: bool) -> np.ndarray:
    """Eyes seen in `moved`, to where they are in the picture itself."""
    if mirrored:
        eyes = np.stack([width - eyes[::-1, 0], eyes[::-1, 1]], axis=1)
    return eyes - [x, y]


def plain_eyes(detector: object, picture: Image.Image, near: np.ndarray) -> np.ndarray | None:
    """Left and right eye [2, 2], as one plain pass of MTCNN sees them, of the face nearest to NEAR."""
    try:
        _, _, points = detector.detect(np.asarray(picture), landmarks=True)
    except (RuntimeError, IndexError, ValueError):  # MTCNN joins an empty list
        return None
    if points is None:
        return None
    eyes = np.stack([np.asarray(five, np.float64)[:2] for five in points])
    return eyes[np.hypot(*(eyes.mean(axis=1) - near).T).argmin()]


def measure(detector: object, picture: Image.Image) -> list[np.ndarray]:
    """The eyes in each of eight shifted and mirrored copies, brought back to the picture."""
    found = []
    for x, y in SHIFTS:
        for mirrored in (False, True):
            near = PLACES.mean(axis=0) * picture.size
            eyes = plain_eyes(detector, moved(picture, x, y, mirrored), near)
            if eyes is not None:
                found.append(moved_back(eyes, picture.width, x, y, mirrored))
    return found


def tilt(eyes: np.ndarray) -> float:
    """Degrees of the eye line."""
    across = eyes[1] - eyes[0]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def levelling(detector: object, folder: Path, size: int) -> dict[str, object]:
    """Prepare a folder; how tilted the eyes of the result are, and how far from their places."""
    angles, single, offsets = [], [], []
    result = prep(folder, name=f"bench{size}", size=size)
    for path in sorted((result.dataset / "images").rglob("*.png")):
        picture = Image.open(path).convert("RGB").resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
        seen = measure(detector, picture)
        if not seen:
            continue
        angles.append(abs(np.mean([tilt(eyes) for eyes in seen])))
        single += [abs(tilt(eyes) - np.mean([tilt(eyes) for eyes in seen])) for eyes in seen]
        offsets.append(np.abs(np.mean(seen, axis=0) - PLACES * [WIDTH, HEIGHT]).max() / WIDTH)
    return {
        "size": size,
        "files": result.found,
        "kept": result.kept,
        "rejected": result.reasons,
        "measured": len(angles),
        "share_within_1.5_degrees": round(float(np.mean(np.array(angles) <= 1.5)), 3),
        "share_of_eyes_within_2_percent": round(float(np.mean(np.array(offsets) <= 0.02)), 3),
        "tilt_degrees": _percentiles(angles),
        "eyes_from_their_places_in_sizes": _percentiles(offsets),
        "single_detection_from_the_mean_degrees": _percentiles(single),
    }


def agreement(detector: object, paths: list[Path]) -> dict[str, object]:
    """How far apart the tilts are that are seen in a photo and in its shifted mirror image, in degrees."""
    finder = FaceFinder()
    plain, ours, windows, seconds = [], [], [], []
    for path in paths:
        picture = Image.open(path).convert("RGB")
        picture.thumbnail((LONG_SIDE, LONG_SIDE))
        faces = finder.find(np.asarray(picture), 0.9)
        if not faces:
            continue
        near = faces[0].landmarks[:2].mean(axis=0)
        other = moved(picture, 7, 3, True)
        near_other = np.array([picture.width - near[0] - 7, near[1] + 3])
        pair = plain_eyes(detector, picture, near), plain_eyes(detector, other, near_other)
        again = finder.find(np.asarray(other), 0.9)
        if pair[0] is None or pair[1] is None or not again:
            continue
        started = time.process_time()
        first = finder.refine(np.asarray(picture), faces[0].landmarks).landmarks
        seconds.append(time.process_time() - started)
        start = min(again, key=lambda face: np.hypot(*(face.landmarks[:2].mean(axis=0) - near_other)))
        second = finder.refine(np.asarray(other), start.landmarks).landmarks
        ours.append(abs(tilt(first[:2]) - tilt(moved_back(second[:2], picture.width, 7, 3, True))))
        plain.append(abs(tilt(pair[0]) - tilt(moved_back(pair[1], picture.width, 7, 3, True))))
        sets = [spread_looks(16, start=number) for number in (1, 17)]
        network = finder._networks.onet
        halves = [look(network, np.asarray(picture), first, looks).landmarks for looks in sets]
        windows.append(abs(tilt(halves[0]) - tilt(halves[1])))
    return {
        "photos": len(plain),
        "photo_and_mirror_by_one_plain_pass": _percentiles(plain),
        "photo_and_mirror_by_refine": _percentiles(ours),
        "two_sets_of_windows_without_a_common_one": _percentiles(windows),
        "refine_cpu_milliseconds": _percentiles([1000 * value for value in seconds]),
    }


def _percentiles(values: list[float]) -> dict[str, float]:
    return {f"percentile_{p}": round(float(np.percentile(values, p)), 4) for p in (50, 90, 95, 100)}


def _some(folder: Path, count: int, to: Path) -> list[Path]:
    """COUNT files of a folder, the same each time, copied TO a folder."""
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    chosen = np.random.default_rng(0).permutation(len(paths))[:count]
    to.mkdir()
    return [Path(shutil.copy(paths[number], to)) for number in sorted(chosen)]


def main(photos: Path, faces: Path | None) -> None:
    """Prepare, measure, write benchmarks/results/levelling.json."""
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=True, min_face_size=80)
    figures: dict[str, object] = {
        "command": "python benchmarks/levelling.py PHOTOS" + (" FACES" if faces else ""),
        "machine": machine(),
    }
    with tempfile.TemporaryDirectory() as place:
        os.environ["ADATUNE_HOME"] = place
        portraits = _some(photos, 10_000, Path(place) / "portraits")
        figures["photos"] = levelling(detector, portraits[0].parent, 512)
        figures["photos_agreement"] = agreement(detector, portraits)
        if faces:
            small = _some(faces, FACES_MEASURED, Path(place) / "small")
            figures["faces"] = levelling(detector, small[0].parent, FACES_SIZE)
            figures["faces_agreement"] = agreement(MTCNN(keep_all=True, min_face_size=40), small)
    text = json.dumps(figures, indent=2) + "\n"
    print(text, end="")
    home.write_text(Path(__file__).parent / "results" / "levelling.json", text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
