"""Fits the scores of adatune/prep/occlusion.py on one half of the people and reports on the other.

Fitted to: real covers, cutouts (covers.py) and painted covers (painted.py) on faces of half 0. Reported on:
real covers and cutouts on faces of half 1, with other cutouts. Prints the weights to put into occlusion.py.

python benchmarks/occlusion.py PHOTOS [PHOTOS ...]
"""

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from covers import PLACES, Cutout, half_of, paste, read_cutouts
from painted import paint
from photo_sets import LABELS, hashed_files, read_labels
from recording import RESULTS, circumstances, write
from variants import Pixels, Portrait

from adatune.prep.config import PrepConfig
from adatune.prep.crop import portrait_corners
from adatune.prep.faces import FaceFinder
from adatune.prep.occlusion import EYES, LOWER, SIDE, occlusion_features, weighed
from adatune.prep.photos import read_photo
from adatune.prep.pose import estimate_pose
from adatune.prep.resample import warp
from adatune.prep.view import VIEW_HEIGHT, VIEW_WIDTH

PAINTED = 900  # covers painted on the free faces of half 0
CUTOUTS = 3  # things pasted on each free face
RIDGE = 1.7  # of the weights of standardised features
FREE_SHARE = 1.3  # weight of all free faces, to that of all covered ones
OPERATING = {"lower": 0.4, "eyes": 0.4, "side": 1.1}  # log odds of the fits that become 0, the threshold

# Which kinds each score is fitted to, and how much each kind counts together.
KINDS: dict[str, dict[str, float]] = {
    "lower": {
        "mask": 65,
        "hand mouth": 30,
        "mic mouth": 35,
        "cup mouth": 12,
        "object mouth": 12,
        "scarf lower": 15,
        "painted mouth": 60,
        "painted lower": 30,
    },
    "eyes": {"sunglasses eyes": 50, "hand eye": 20, "phone eye": 10, "painted lenses": 60, "painted eye": 25},
    "side": {"hand cheek": 25, "hand eye": 30, "painted side": 40, "painted eye": 40},
}
PARTLY = "hand cheek"  # covers too little for either verdict to be wrong
SCORES = {"lower": LOWER, "eyes": EYES, "side": SIDE}


@dataclass(frozen=True)
class Sample:
    """One face."""

    name: str  # of the photo
    kind: str  # 'free', 'glasses', or what covers it and where
    features: dict[str, float]

    @property
    def is_free(self) -> bool:
        """Whether nothing covers it; glasses cover nothing."""
        return self.kind in ("free", "glasses")


class Samples:
    """The labelled photos, and covers put on their free faces."""

    def __init__(self, files: dict[str, Path]) -> None:
        self._files = files
        self._finder = FaceFinder()
        self._labels = {name: label for name, label in read_labels().items() if name in files}
        self._free: list[Portrait] = []

    def real(self) -> Iterator[Sample]:
        """As the photos are; faces judged as partly covered, and turned away, count for neither side."""
        for name, label in self._labels.items():
            if label["faces"] == "0" or label["occlusion"] not in ("0", "2"):
                continue
            pixels = read_photo(self._files[name])
            faces = self._finder.find(pixels, 0.5)
            if not faces:
                continue
            refined = self._finder.refine(pixels, faces[0].landmarks)
            is_free = label["occlusion"] == "0"
            if is_free and abs(estimate_pose(refined.landmarks, faces[0], pixels).yaw) > PrepConfig().max_yaw:
                continue
            if is_free and label["cover"] == "none" and label["set"] != "masked" and faces[0].score > 0.95:
                self._free.append(Portrait(name, pixels, refined.landmarks))
            kind = ("free" if label["cover"] == "none" else "glasses") if is_free else label["cover"]
            yield self._sample(name, kind, pixels, refined.landmarks)

    def pasted(self, cutouts: Sequence[Cutout]) -> Iterator[Sample]:
        """Things cut from photos, on each free face several; the halves share no thing of a kind with two."""
        turn = 0
        for portrait in self._free:
            for _ in range(CUTOUTS):
                kind, place, width, occlusion = PLACES[turn % len(PLACES)]
                turn += 1
                things = sorted((thing for thing in cutouts if thing.kind == kind), key=lambda one: one.name)
                mine = things[half_of(portrait.name) :: 2] if len(things) > 1 else things
                thing = mine[turn // len(PLACES) % len(mine)]
                if thing.name == portrait.name:
                    continue
                picture = paste(portrait, thing, place, width)
                faces = self._finder.find(picture, 0.5)
                if faces:
                    what = "glasses" if occlusion == 0 else f"{kind} {place}"
                    yield self._sample(portrait.name, what, picture, faces[0].landmarks)

    def painted(self) -> Iterator[Sample]:
        """Painted covers on the free faces of half 0."""
        random = np.random.default_rng(5)
        portraits = [portrait for portrait in self._free if half_of(portrait.name) == 0]
        for number in range(PAINTED):
            portrait = portraits[number % len(portraits)]
            kind, picture = paint(portrait, portraits, random)
            yield self._sample(portrait.name, f"painted {kind}", picture, portrait.landmarks)

    def _sample(self, name: str, kind: str, pixels: Pixels, landmarks: np.ndarray) -> Sample:
        refined = self._finder.refine(pixels, landmarks)
        view = warp(pixels, portrait_corners(refined.landmarks), VIEW_WIDTH, VIEW_HEIGHT)
        return Sample(name, kind, occlusion_features(view, refined))


def fit(samples: Sequence[Sample], kinds: dict[str, float], names: Sequence[str]) -> dict[str, float]:
    """Logistic regression of covered against free faces, each kind by its weight; Newton's method."""
    used = [sample for sample in samples if sample.is_free or sample.kind in kinds]
    values = np.array([[sample.features[name] for name in names] for sample in used])
    covered = np.array([not sample.is_free for sample in used])
    counts = {kind: sum(sample.kind == kind for sample in used) for kind in kinds}
    weight = np.array(
        [min(1.5, kinds[one.kind] / counts[one.kind]) if one.kind in kinds else 0 for one in used]
    )
    weight[~covered] = FREE_SHARE * weight.sum() / (~covered).sum()
    mean, spread = values.mean(axis=0), values.std(axis=0) + 1e-9
    x = np.column_stack([(values - mean) / spread, np.ones(len(used))])
    ridge = np.diag([2 * RIDGE] * len(names) + [1e-6])
    found = np.zeros(x.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-x @ found))
        slope = x.T @ (weight * (chance - covered)) + ridge @ found
        curve = (x * (weight * chance * (1 - chance))[:, None]).T @ x + ridge
        found -= np.linalg.solve(curve, slope)
    weights = found[:-1] / spread
    return {**dict(zip(names, weights.tolist(), strict=True)), "constant": float(found[-1] - weights @ mean)}


def odds(sample: Sample, scores: dict[str, dict[str, float]]) -> float:
    """Log odds of a covered face: the largest of the scores."""
    return max(weighed(weights, sample.features) for weights in scores.values())


def report(samples: Sequence[Sample], scores: dict[str, dict[str, float]]) -> dict[str, Any]:
    """Confusion at log odds 0, and how many are called covered of how many of each kind."""
    everything = [(sample, odds(sample, scores) > 0) for sample in samples]
    called = [(sample, is_called) for sample, is_called in everything if sample.kind != PARTLY]
    hits = sum(is_called and not sample.is_free for sample, is_called in called)
    false = sum(is_called and sample.is_free for sample, is_called in called)
    covered = sum(not sample.is_free for sample, _ in called)
    by_kind = {
        kind: [is_called for sample, is_called in everything if sample.kind == kind]
        for kind in sorted({sample.kind for sample in samples})
    }
    return {
        "precision": hits / max(1, hits + false),
        "recall": hits / max(1, covered),
        "false_alarms": false / max(1, len(called) - covered),
        "called_covered": {kind: [sum(calls), len(calls)] for kind, calls in by_kind.items()},
    }


def main(folders: Sequence[Path]) -> None:
    """Collect, fit, report, write benchmarks/results/occlusion.json."""
    torch.set_num_threads(1)
    result = circumstances(torch.device("cpu"))
    result["command"] = "python benchmarks/occlusion.py " + " ".join("PHOTOS" for _ in folders)
    files = hashed_files(*folders)
    outlines = LABELS / "cutouts.csv"
    wanted = {line.split(",")[0] for line in outlines.read_text().splitlines()} & set(files)
    cutouts = read_cutouts(outlines, {name: read_photo(files[name]) for name in wanted})
    source = Samples(files)
    samples = [*source.real(), *source.pasted(cutouts)]
    halves = [[sample for sample in samples if half_of(sample.name) == half] for half in (0, 1)]
    seen = [*halves[0], *source.painted()]
    fitted = {}
    for name, weights in SCORES.items():
        fitted[name] = fit(seen, KINDS[name], [feature for feature in weights if feature != "constant"])
        fitted[name]["constant"] -= OPERATING[name]
    result |= {
        "fitted": fitted,
        "seen": report(seen, fitted),
        "held_out": report(halves[1], fitted),
    }
    write(RESULTS / "occlusion.json", result)
    for name, weights in fitted.items():
        print(name.upper(), {feature: float(f"{weight:.3g}") for feature, weight in weights.items()})
    for kind in ("seen", "held_out"):
        print(kind, result[kind])


if __name__ == "__main__":
    main([Path(argument) for argument in sys.argv[1:]])
