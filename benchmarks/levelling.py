"""How level the prepared portraits are, re-measured on the output by plain MTCNN, aspect undone.

Each angle is the mean over eight shifted and mirrored detections; one detection alone has its own noise.

python benchmarks/levelling.py PHOTOS
"""

import json
import os
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image
from prep import machine  # benchmarks/prep.py, beside this file

from adatune import home
from adatune.prep.prepare import prep

SHIFTS = [(0, 0), (7, 3), (-5, 6), (4, -8)]  # pixels; each plain and mirrored


def eyes_of(detector: object, picture: Image.Image) -> np.ndarray | None:
    """Left and right eye [2, 2] of the largest face as one plain pass of MTCNN sees it."""
    _, _, points = detector.detect(np.asarray(picture), landmarks=True)
    return None if points is None else np.asarray(points[0], np.float64)[:2]


def measure(detector: object, picture: Image.Image) -> list[np.ndarray]:
    """The eyes in each of eight shifted and mirrored copies, brought back to the picture."""
    found = []
    for x, y in SHIFTS:
        for mirrored in (False, True):
            moved = Image.new("RGB", picture.size, "grey")
            moved.paste(picture, (x, y))
            if mirrored:
                moved = moved.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
            eyes = eyes_of(detector, moved)
            if eyes is None:
                continue
            if mirrored:
                eyes = np.stack([picture.width - eyes[::-1, 0], eyes[::-1, 1]], axis=1)
            found.append(eyes - [x, y])
    return found


def tilt(eyes: np.ndarray) -> float:
    """Degrees of the eye line."""
    across = eyes[1] - eyes[0]
    return float(np.degrees(np.arctan2(across[1], across[0])))


def main(folder: Path) -> None:
    """Prepare the photos, measure each picture, write benchmarks/results/levelling.json."""
    from facenet_pytorch import MTCNN

    detector = MTCNN(keep_all=True, min_face_size=80)
    angles, single, offsets = [], [], []
    with tempfile.TemporaryDirectory() as place:
        os.environ["ADATUNE_HOME"] = place
        result = prep(folder, name="bench", size=512, workers=1)
        for path in sorted((result.dataset / "images").iterdir()):
            seen = measure(detector, Image.open(path).resize((512, 640), Image.Resampling.LANCZOS))
            if not seen:
                continue
            angles.append(abs(np.mean([tilt(eyes) for eyes in seen])))
            single.append(abs(tilt(seen[0])))
            target = np.array([[0.375 * 512, 0.47 * 640], [0.625 * 512, 0.47 * 640]])
            offsets.append(np.abs(np.mean(seen, axis=0) - target).max() / 512)
    figures = {
        "command": "python benchmarks/levelling.py PHOTOS",
        "machine": machine(),
        "files": result.found,
        "kept": result.kept,
        "rejected": result.reasons,
        "measured": len(angles),
        "tilt_degrees": _percentiles(angles),
        "tilt_degrees_of_a_single_detection": _percentiles(single),
        "eyes_from_their_places_in_sizes": _percentiles(offsets),
    }
    text = json.dumps(figures, indent=2) + "\n"
    print(text, end="")
    home.write_text(Path(__file__).parent / "results" / "levelling.json", text)


def _percentiles(values: list[float]) -> dict[str, float]:
    return {f"percentile_{p}": round(float(np.percentile(values, p)), 4) for p in (50, 90, 95, 100)}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
