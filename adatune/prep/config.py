"""The settings of `adatune prep`, checked once."""

import math
from dataclasses import dataclass

from adatune.errors import UsageError
from adatune.home import check_name

ALIGNMENTS = ("portrait54", "none")


@dataclass(frozen=True)
class PrepConfig:
    """What a dataset of photos shall be."""

    name: str | None = None  # of the dataset; None: the photo folder's
    size: int = 512  # side of the prepared images, pixels; a power of two
    align: str = (
        "portrait54"  # 'portrait54': 5:4 around the levelled face; 'none': the centred square of any photo
    )
    mirror: bool = True  # recorded for training; mirrored copies are never stored
    keep_duplicates: bool = False  # keep photos that are nearly the same picture
    min_face_score: float = 0.9  # the detector's confidence in a face, 0 to 1
    max_upscale: float = 3.0  # output pixels per photo pixel; more invents detail
    warn_upscale: float = 1.5  # the same, from where a photo is kept with a warning
    max_yaw: float = 35.0  # degrees the head may be turned to either side
    max_pitch: float = 30.0  # degrees the head may be raised or lowered
    max_blur: float = 4.0  # standard deviation of the blur of the sharpest edges, output pixels
    max_occlusion: float = 0.7  # 0 (free face) to 1 (covered face)
    max_border: float = 0.5  # share of the crop outside the photo, which has to be reflected
    workers: int | None = None  # processes; None: as many as cores and memory allow

    def __post_init__(self) -> None:
        if self.name is not None:
            check_name(self.name, "--name")
        if self.size not in {2**power for power in range(4, 11)}:
            raise UsageError(
                f"--size {self.size} is not one that networks have. Use 16, 32, 64, 128, 256, 512 or 1024."
            )
        if self.align not in ALIGNMENTS:
            raise UsageError(f"--align {self.align!r} is not known. Use one of: {', '.join(ALIGNMENTS)}.")
        if self.workers is not None and self.workers < 1:
            raise UsageError(f"--workers {self.workers} is too few. Use 1 or more, or leave it out.")
        _check_range("--min-face-score", self.min_face_score, 0, 1)
        _check_range("--max-occlusion", self.max_occlusion, 0, 1)
        _check_range("--max-border", self.max_border, 0, 1)
        _check_range("--max-yaw", self.max_yaw, 0, 90)
        _check_range("--max-pitch", self.max_pitch, 0, 90)
        _check_range("--warn-upscale", self.warn_upscale, 0, math.inf)
        _check_range("--max-upscale", self.max_upscale, 0, math.inf)
        _check_range("--max-blur", self.max_blur, 0, math.inf)


def _check_range(option: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:  # also catches nan
        raise UsageError(f"{option} {value} is out of range. Use a number from {low} to {high}.")
