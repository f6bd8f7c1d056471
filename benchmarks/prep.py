"""Compares `adatune prep` with a plain loop of MTCNN over the same photos, in the same run.

python benchmarks/prep.py PHOTOS
"""

import json
import os
import platform
import statistics
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from adatune import home
from adatune.prep.photos import UnreadablePhoto, read_photo
from adatune.prep.prepare import prep
from adatune.prep.sources import find_photos

REPEATS = 3


def plain_loop(folder: Path) -> float:
    """Seconds of one photo at a time: full size, landmarks, one process, torch's own number of threads."""
    from facenet_pytorch import MTCNN

    started = time.perf_counter()
    detector = MTCNN(keep_all=True)
    for path in find_photos(folder):
        try:
            pixels = read_photo(folder / path)
        except UnreadablePhoto:
            continue
        detector.detect(np.ascontiguousarray(pixels), landmarks=True)
    return time.perf_counter() - started


def whole_preparation(folder: Path) -> float:
    """Seconds of everything `adatune prep` does: reading, finding, refining, measuring, cropping, writing."""
    with tempfile.TemporaryDirectory() as place:
        os.environ["ADATUNE_HOME"] = place
        started = time.perf_counter()
        prep(folder, name="bench", keep_duplicates=True)
        return time.perf_counter() - started


def machine() -> dict[str, str | int]:
    """What the numbers were measured on."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    model = next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )
    names = ("torch", "facenet-pytorch", "numpy", "pillow")
    return {"cpu": model, "cores": os.cpu_count() or 0, "python": platform.python_version()} | {
        name: version(name) for name in names
    }


def main(folder: Path) -> None:
    """Measure in turns, so that both meet the same disturbances, and write benchmarks/results/prep.json."""
    loop, whole = [], []
    for _ in range(REPEATS):
        loop.append(plain_loop(folder))
        whole.append(whole_preparation(folder))
    ratio = statistics.median(loop) / statistics.median(whole)
    result = {
        "command": "python benchmarks/prep.py PHOTOS",
        "photos": len(find_photos(folder)),
        "plain_loop_seconds": {
            "median": round(statistics.median(loop), 2),
            "all": [round(x, 2) for x in loop],
        },
        "adatune_prep_seconds": {
            "median": round(statistics.median(whole), 2),
            "all": [round(x, 2) for x in whole],
        },
        "times_as_fast": round(ratio, 2),
        "load_before_and_after": [round(LOAD, 1), round(os.getloadavg()[0], 1)],
        "torch_threads_of_the_loop": torch.get_num_threads(),
        "machine": machine(),
    }
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    home.write_text(Path(__file__).parent / "results" / "prep.json", text)


if __name__ == "__main__":
    LOAD = os.getloadavg()[0]
    main(Path(sys.argv[1]))
