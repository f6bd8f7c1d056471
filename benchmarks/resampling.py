"""How exact, how fast and how large `adatune.prep.resample` is, on synthetic pictures.

Compared with Pillow's Lanczos (upright boxes), with area averaging (what aliases), and with the method of
before: cubic samples at a whole multiple of the output, no coarser than the photo, reduced by Lanczos.
Milliseconds are CPU time of one thread, medians, the methods in turns.

python benchmarks/resampling.py
"""

import json
import math
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image
from prep import machine  # benchmarks/prep.py, beside this file

from adatune import home
from adatune.prep.crop import box_corners, box_size, centre_corners
from adatune.prep.opencv import cv2
from adatune.prep.resample import cut, warp

SIZE = 512
TILT = 7.0  # degrees
REPEATS = 7
LANCZOS = Image.Resampling.LANCZOS


def natural(width: int, height: int, seed: int = 0) -> np.ndarray:
    """A picture with the spectrum of photos: amplitude falls with frequency, down to single pixels."""
    generator = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(generator.normal(size=(height, width, 3)), axes=(0, 1))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    spectrum *= (1 / np.maximum(frequency, 1 / max(width, height)))[..., None]
    values = np.fft.irfft2(spectrum, (height, width), axes=(0, 1))
    return np.clip(127.5 + 45 * values / values.std(), 0, 255).round().astype(np.uint8)


def rings(side: int) -> np.ndarray:
    """A quarter of a zone plate: r / (2 SIDE) cycles a pixel at distance r from the upper left corner."""
    radius_squared = ((np.mgrid[:side, :side] + 0.5) ** 2).sum(axis=0)
    values = 127.5 + 127.5 * np.cos(np.pi * radius_squared / (2 * side))
    return np.repeat(values[..., None], 3, -1).round().astype(np.uint8)


def by_whole_multiples(pixels: np.ndarray, corners: np.ndarray, width: int, height: int) -> np.ndarray:
    """The method of before."""
    across, down = box_size(corners)
    columns, rows = width * math.ceil(across / width), height * math.ceil(down / height)
    x, y = (corners[1] - corners[0]) / columns, (corners[3] - corners[0]) / rows
    matrix = np.stack([x, y, corners[0] + (x + y) / 2 - 0.5], axis=1)
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    samples = cv2.warpAffine(pixels, matrix, (columns, rows), flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(Image.fromarray(samples).resize((width, height), LANCZOS))


def milliseconds(methods: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median CPU time of each method, in turns."""
    spent: dict[str, list[float]] = {name: [] for name in methods}
    for _ in range(REPEATS + 1):
        for name, method in methods.items():
            started = time.process_time()
            method()
            spent[name].append(time.process_time() - started)
    return {name: round(1000 * statistics.median(times[1:]), 1) for name, times in spent.items()}


def decibels(seen: np.ndarray, expected: np.ndarray) -> float:
    """PSNR."""
    error = ((seen.astype(float) - expected) ** 2).mean()
    return round(float(10 * np.log10(255**2 / max(1e-9, error))), 1)


def speed(photo: np.ndarray) -> list[dict[str, object]]:
    """Boxes of four sizes in a 12-megapixel photo."""
    return [speed_of_box(photo, *box) for box in ((3000, 3750), (1500, 1875), (600, 750), (300, 375))]


def speed_of_box(photo: np.ndarray, width: int, height: int) -> dict[str, object]:
    """CPU time of each method; Pillow's box is upright."""
    left, top = 1500 - width / 2, 2000 - height / 2
    corners = box_corners(left, top, width, height, TILT, height / width)
    upright = (left, top, left + width, top + height)
    picture = Image.fromarray(photo)
    spent = milliseconds(
        {
            "now": lambda: warp(photo, corners, SIZE, SIZE),
            "before": lambda: by_whole_multiples(photo, corners, SIZE, SIZE),
            "pillow_lanczos_upright": lambda: picture.resize((SIZE, SIZE), LANCZOS, upright),
            "now_in_linear_light": lambda: warp(photo, corners, SIZE, SIZE, linear_light=True),
        }
    )
    faster = round(spent["before"] / spent["now"], 2)
    return {"box": f"{width}x{height}", "milliseconds": spent, "times_as_fast_as_before": faster}


def exactness() -> list[dict[str, float]]:
    """Upright boxes against Pillow's Lanczos, from enlarging to shrinking."""
    pixels = natural(1536, 1536)
    results = []
    for shrinking in (0.4, 0.8, 1.3, 1.9, 2.5, 3.7, 5.0, 5.9, 8.3, 12.0):
        size = min(256, int(1500 / shrinking))
        left, top, side = 20.3, 11.8, size * shrinking
        inside = (left, top, left + side, top + side)
        expected = np.asarray(Image.fromarray(pixels).resize((size, size), LANCZOS, inside))
        corners = box_corners(left, top, side, side, 0, 1)
        seen = warp(pixels, corners, size, size)
        row = {"photo_pixels_per_output_pixel": shrinking, "psnr_to_pillow_lanczos": decibels(seen, expected)}
        if shrinking > 1:  # linear light changes nothing where a box grows
            light = warp(pixels, corners, size, size, linear_light=True)
            row["psnr_of_linear_light_to_plain"] = decibels(light, seen)
            row["linear_light_brighter_by"] = round(float(light.mean() - seen.mean()), 2)
        results.append(row)
    return results


def aliasing() -> list[dict[str, float]]:
    """What is left of rings 1.5 times too fine for the output: standard deviation, of 90 in the photo."""
    side = 2048
    plate = rings(side)
    results = []
    for shrinking in (2.0, 2.9, 4.0, 5.0, 5.9, 8.0):
        size = int(side / shrinking)
        span = size * shrinking
        far = np.hypot(*(np.mgrid[:size, :size] + 0.5)) * shrinking
        hidden = (far > 1.5 * side / shrinking) & (far < side)
        box = (0, 0, span, span)
        pictures = {
            "now": warp(plate, box_corners(0, 0, span, span, 0, 1), size, size),
            "pillow_lanczos": np.asarray(Image.fromarray(plate).resize((size, size), LANCZOS, box)),
            "area": np.asarray(Image.fromarray(plate).resize((size, size), Image.Resampling.BOX, box)),
        }
        left = {name: round(float(picture[hidden].std()), 2) for name, picture in pictures.items()}
        results.append({"photo_pixels_per_output_pixel": shrinking} | left)
    return results


def border(photo: np.ndarray) -> dict[str, object]:
    """CPU time of softening a quarter of the picture."""
    corners = box_corners(-250, -300, 1000, 1250, TILT, 1.25)
    return milliseconds(
        {"warp": lambda: warp(photo, corners, SIZE, SIZE), "cut": lambda: cut(photo, corners, SIZE)}
    )


def memory_of_fifty_megapixels() -> dict[str, float]:
    """Peak memory that cutting a whole 50-megapixel photo adds to the photo itself, in megabytes."""
    return {
        name: float(
            subprocess.run(
                [sys.executable, __file__, "--memory", name], capture_output=True, text=True, check=True
            ).stdout
        )
        for name in ("plain", "linear_light")
    }


def memory(linear_light: bool) -> float:
    """In a process of its own, whose peak is its own."""
    cut(np.full((64, 64, 3), 7, np.uint8), centre_corners(64, 64, 1.0), 16)
    photo = np.full((7072, 7072, 3), 7, np.uint8)
    before = peak_memory()
    cut(photo, centre_corners(7072, 7072, 1.0), SIZE, linear_light=linear_light)
    return round(peak_memory() - before, 1)


def peak_memory() -> float:
    """Megabytes this process ever held; Linux only (what `resource` tells may be the parent's)."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def main() -> None:
    """Measure, print, write benchmarks/results/resampling.json."""
    cv2.setNumThreads(1)
    photo = natural(3000, 4000)
    figures = {
        "command": "python benchmarks/resampling.py",
        "machine": machine() | {"opencv": cv2.__version__},
        "output_pixels": SIZE,
        "tilt_degrees": TILT,
        "speed_12_megapixels": speed(photo),
        "exactness": exactness(),
        "too_fine_rings_left": aliasing(),
        "border_milliseconds": border(photo),
        "memory_added_to_150_megabytes": memory_of_fifty_megapixels(),
    }
    text = json.dumps(figures, indent=2) + "\n"
    print(text, end="")
    home.write_text(Path(__file__).parent / "results" / "resampling.json", text)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--memory"]:
        print(memory(sys.argv[2] == "linear_light"))
    else:
        main()
