"""How fast `adatune prep` takes 12-megapixel photos, and how much memory it holds as their number grows.

The photos are re-encoded at 12 megapixels and linked under as many names as asked for; duplicates are kept.

python benchmarks/prep_megapixels.py PHOTOS --count 2000
"""

import argparse
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from PIL import Image
from prep import machine  # benchmarks/prep.py, beside this file

from adatune import home
from adatune.prep.photos import UnreadablePhoto, open_photo
from adatune.prep.prepare import PrepProgress, prep
from adatune.prep.sources import find_sources

MEGAPIXELS = 12
DISTINCT = 24  # different pictures among the copies, at most
WORKERS = 2


def enlarge(folder: Path, target: Path, count: int) -> None:
    """COUNT photos of 12 megapixels in TARGET, made from the first few in FOLDER."""
    made: list[Path] = []
    for source in find_sources(folder):
        try:
            picture = Image.fromarray(open_photo(source).read())
        except UnreadablePhoto:
            continue
        scale = (MEGAPIXELS * 1e6 / (picture.width * picture.height)) ** 0.5
        size = (round(picture.width * scale), round(picture.height * scale))
        made.append(target / f"{len(made):05d}.jpg")
        picture.resize(size, Image.Resampling.LANCZOS).save(made[-1], quality=92)
        if len(made) == min(DISTINCT, count):
            break
    for number in range(len(made), count):
        os.link(made[number % len(made)], target / f"{number:05d}.jpg")


def family(pid: int) -> dict[int, float]:
    """A process and all that descend from it, with the CPU seconds that each has used."""
    parents: dict[int, list[int]] = {}
    seconds: dict[int, float] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended just now
            continue
        child = int(path.parent.name)
        parents.setdefault(int(fields[1]), []).append(child)
        seconds[child] = (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    found: list[int] = []
    waiting = [pid]
    while waiting:
        found.append(waiting.pop())
        waiting += parents.get(found[-1], [])
    return {pid: seconds.get(pid, 0.0) for pid in found}


def memory_mb(pids: Iterable[int]) -> tuple[float, float]:
    """Memory of the processes: each with all that it maps (RSS), and with shared pages shared out (PSS)."""
    total = {"Rss:": 0, "Pss:": 0}
    for pid in pids:
        try:
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        for line in lines:
            name, *rest = line.split()
            if name in total:
                total[name] += int(rest[0])
    return total["Rss:"] / 1024, total["Pss:"] / 1024


class Observer:
    """Samples the memory while photos are being done."""

    def __init__(self) -> None:
        self.samples: list[tuple[int, float, float]] = []  # photos done, RSS and PSS in MB
        self.cpu_seconds: dict[int, float] = {}  # of each process
        self.done: list[float] = []  # when each photo was finished, seconds
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def progress(self, report: PrepProgress) -> None:
        """Called by `prep` before the work and after each photo."""
        if not report.done:
            self._thread.start()
        self.done.append(time.perf_counter())

    def stop(self) -> None:
        """End the sampling."""
        self._ended.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._ended.wait(0.5):
            processes = family(os.getpid())
            self.cpu_seconds |= processes
            self.samples.append((len(self.done) - 1, *memory_mb(processes)))


def by_tenths(samples: list[tuple[int, float, float]], count: int) -> list[dict[str, int]]:
    """The highest memory in each tenth of the photos."""
    rows = []
    for tenth in range(10):
        low, high = tenth * count / 10, (tenth + 1) * count / 10
        here = [sample for sample in samples if low <= sample[0] < high]
        if here:
            rss, pss = (round(max(sample[column] for sample in here)) for column in (1, 2))
            rows.append({"photos_done": round(high), "peak_rss_mb": rss, "peak_pss_mb": pss})
    return rows


def main(folder: Path, count: int) -> None:
    """Prepare COUNT photos once and write benchmarks/results/prep_megapixels.json."""
    load = os.getloadavg()[0]
    observer = Observer()
    with tempfile.TemporaryDirectory() as place:
        photos = Path(place) / "photos"
        photos.mkdir()
        enlarge(folder, photos, count)
        os.environ["ADATUNE_HOME"] = place
        before = sum(family(os.getpid()).values())
        started = time.perf_counter()
        outcome = prep(
            photos, name="bench", keep_duplicates=True, workers=WORKERS, progress=observer.progress
        )
        seconds = time.perf_counter() - started
        observer.stop()
    gaps = [later - earlier for earlier, later in zip(observer.done, observer.done[1:], strict=False)]
    result = {
        "command": f"python benchmarks/prep_megapixels.py PHOTOS --count {count}",
        "photos": count,
        "megapixels": MEGAPIXELS,
        "workers": WORKERS,
        "kept": outcome.kept,
        "seconds": round(seconds, 1),
        "seconds_until_the_first_photo": round(gaps[0], 1),
        "photos_per_second": round(count / seconds, 2),
        "photos_per_second_once_started": round((count - 1) / sum(gaps[1:]), 2),
        "median_seconds_between_photos": round(statistics.median(gaps[1:]), 3),
        "cpu_seconds_per_photo": round((sum(observer.cpu_seconds.values()) - before) / count, 3),
        "memory": by_tenths(observer.samples, count),
        "load_before_and_after": [round(load, 1), round(os.getloadavg()[0], 1)],
        "machine": machine(),
    }
    text = json.dumps(result, indent=2) + "\n"
    print(text, end="")
    home.write_text(Path(__file__).parent / "results" / "prep_megapixels.json", text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("photos", type=Path, help="a folder of portraits")
    parser.add_argument("--count", type=int, default=2000, help="how many photos to prepare")
    options = parser.parse_args()
    main(options.photos, options.count)
