"""The settings of `adatune prep`, checked once."""

import math
import re
from dataclasses import dataclass

from adatune.errors import UsageError
from adatune.home import check_name

ALIGNMENTS = ("portrait54", "ffhq", "none")
FACES = ("largest", "all", "single")
PORTRAIT_ASPECT = 1.25  # five high, four wide
_SIDES = tuple(2**power for power in range(4, 11))


@dataclass(frozen=True)
class PrepConfig:
    """What a dataset of photos shall be."""

    name: str | None = None  # of the dataset; None: the photo folder's
    size: int = 512  # side of the prepared images, pixels; a power of two
    align: str = "portrait54"  # 5:4 around the levelled face; 'ffhq': FFHQ's square; 'none': the middle
    ratio: str | None = None  # 'W:H' of the crops before they are squashed; None: as `align` has it
    faces: str = "largest"  # of several in a photo: the largest, all, or only photos with a single one
    every: int | None = None  # of a film, one frame in this many; None: one a second
    linear_light: bool = False  # average pixels as light, not as their sRGB values
    mirror: bool = True  # recorded for training; mirrored copies are never stored
    labels: str | None = None  # 'folders', or a CSV file of sources and labels
    validation: float = 0.0  # share of the photos put aside in a dataset of their own
    keep_duplicates: bool = False  # keep photos that are nearly the same picture
    min_face_score: float = 0.9  # the detector's confidence in a face, 0 to 1
    max_upscale: float = 3.0  # output pixels per photo pixel; more invents detail
    warn_upscale: float = 1.5  # the same, from where a photo is kept with a warning
    max_yaw: float = 35.0  # degrees the head may be turned to either side
    max_pitch: float = 30.0  # degrees the head may be raised or lowered
    max_blur: float = 2.5  # standard deviation of the blur of the sharpest edges, output pixels
    max_exposure: float = 0.5  # 0 (well exposed) to 1 (nothing to be seen)
    max_occlusion: float = 0.6  # 0 (free face) to 1 (covered face)
    max_border: float = 0.5  # share of the crop outside the photo, which has to be invented
    max_cast: float = 4.0  # how far a photo's colours may lie from those of the rest, in their spread
    warn_eyes: float = 0.3  # 0 (closed) to 1 (open), from where a photo is kept with a warning
    workers: int | None = None  # processes; None: as many as cores and memory allow

    def __post_init__(self) -> None:
        if self.name is not None:
            check_name(self.name, "--name")
        if self.size not in _SIDES:
            raise UsageError(
                f"--size {self.size} is not one that networks have. Use 16, 32, 64, 128, 256, 512 or 1024."
            )
        _check_choice("--align", self.align, ALIGNMENTS)
        _check_choice("--faces", self.faces, FACES)
        _check_ratio(self.ratio)
        _check_count("--workers", self.workers)
        _check_count("--every", self.every)
        _check_range("--validation", self.validation, 0, 0.5)
        _check_range("--min-face-score", self.min_face_score, 0, 1)
        _check_range("--max-exposure", self.max_exposure, 0, 1)
        _check_range("--max-occlusion", self.max_occlusion, 0, 1)
        _check_range("--max-border", self.max_border, 0, 1)
        _check_range("--max-yaw", self.max_yaw, 0, 90)
        _check_range("--max-pitch", self.max_pitch, 0, 90)
        _check_range("--warn-upscale", self.warn_upscale, 0, math.inf)
        _check_range("--max-upscale", self.max_upscale, 0, math.inf)
        _check_range("--max-blur", self.max_blur, 0, math.inf)
        _check_range("--max-cast", self.max_cast, 0, math.inf)
        _check_range("--warn-eyes", self.warn_eyes, 0, 1)

    @property
    def aspect(self) -> float:
        """Height divided by width of the crops before they are squashed to squares."""
        sides = None if self.ratio is None else _sides(self.ratio)
        if sides is not None:
            return sides[1] / sides[0]
        return PORTRAIT_ASPECT if self.align == "portrait54" else 1.0


def _sides(ratio: str) -> tuple[int, int] | None:
    found = re.fullmatch(r"([1-9]\d{0,3}):([1-9]\d{0,3})", ratio)
    return (int(found[1]), int(found[2])) if found else None


def _check_ratio(ratio: str | None) -> None:
    if ratio is None:
        return
    sides = _sides(ratio)
    if sides is None or not 1 / 3 <= sides[0] / sides[1] <= 3:
        raise UsageError(
            f"--ratio {ratio} is not a ratio of width to height that can be squashed to a square. "
            "Use W:H between 1:3 and 3:1, such as 4:5."
        )


def _check_choice(option: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{option} {value!r} is not known. Use one of: {', '.join(known)}.")


def _check_count(option: str, value: int | None) -> None:
    if value is not None and value < 1:
        raise UsageError(f"{option} {value} is too few. Use 1 or more, or leave it out.")


def _check_range(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also catches nan
        raise UsageError(f"{option} {value} is out of range. Use a number from {low} to {high}.")
