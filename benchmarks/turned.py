"""Which way up photos are found to be, turned by each quarter, and what is found where there is no face.

python benchmarks/turned.py PHOTOS FACES [FACELESS]      200 of FACES; each photo counts as upright as it lies
"""

import json
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from prep import machine  # benchmarks/prep.py, beside this file

from adatune import home
from adatune.prep.faces import FaceFinder
from adatune.prep.photos import UnreadablePhoto, read_photo
from adatune.prep.second_opinion import find_model

FACES_MEASURED = 200
MIN_SCORE = 0.9  # the default of --min-face-score
TURNS = (0, 90, 180, 270)  # degrees clockwise that a copy is turned; turning it back is what is to be found


def pictures(folder: Path, count: int = 100_000) -> list[np.ndarray]:
    """The photos of a folder, without those below it, the same each time."""
    paths = sorted(path for path in folder.iterdir() if path.is_file())
    found = []
    for number in np.random.default_rng(0).permutation(len(paths)):
        try:
            found.append(read_photo(paths[number]))
        except UnreadablePhoto:
            continue
    return found[:count]


def ways_up(finder: FaceFinder, photos: list[np.ndarray]) -> dict[str, object]:
    """How often each way up was found: by the turn of the copy, and 'none' without a face."""
    told: dict[int, Counter[str]] = {turn: Counter() for turn in TURNS}
    seconds: dict[int, list[float]] = {turn: [] for turn in TURNS}
    for photo in photos:
        for turn in TURNS:
            copy = np.ascontiguousarray(np.rot90(photo, -turn // 90))
            started = time.process_time()
            faces = finder.find(copy, MIN_SCORE)
            seconds[turn].append(time.process_time() - started)
            told[turn][str(faces[0].turn) if faces else "none"] += 1
    turned = [(turn, found, n) for turn in TURNS for found, n in told[turn].items()]
    right = sum(n for turn, found, n in turned if turn and found == str(turn))
    called = sum(n for _, found, n in turned if found not in {"0", "none"})
    return {
        "photos": len(photos),
        "found_by_turn": {str(turn): dict(sorted(told[turn].items())) for turn in TURNS},
        "turned_recall": round(right / (len(photos) * 3), 4),
        "turned_precision": round(right / max(1, called), 4),
        "upright_taken_for_turned": sum(n for found, n in told[0].items() if found not in {"0", "none"}),
        "find_cpu_milliseconds": {
            str(turn): round(1000 * float(np.median(seconds[turn])), 1) for turn in TURNS
        },
    }


def main(photos: Path, faces: Path, faceless: Path | None) -> None:
    """Count, and write benchmarks/results/turned.json."""
    torch.set_num_threads(1)
    finder = FaceFinder()
    sets = {
        "portraits": ways_up(finder, pictures(photos)),
        "masked": ways_up(finder, pictures(photos / "masked")),
        "faces": ways_up(finder, pictures(faces, FACES_MEASURED)),
    }
    figures: dict[str, object] = {
        "command": "python benchmarks/turned.py PHOTOS FACES" + (" FACELESS" if faceless else ""),
        "machine": machine(),
        "second_opinion": find_model() is not None,
        **sets,
    }
    if faceless:
        empty = pictures(faceless)
        false = sum(bool(finder.find(picture, MIN_SCORE)) for picture in empty)
        figures["faceless"] = {"pictures": len(empty), "with_a_face_found": false}
    text = json.dumps(figures, indent=2) + "\n"
    print(text, end="")
    home.write_text(Path(__file__).parent / "results" / "turned.json", text)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]) if len(sys.argv) > 3 else None)
