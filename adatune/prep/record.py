"""What is measured about one face of one photo; slow to measure, so it is kept, and knows no thresholds."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Record:
    """Everything measured about one face. Lengths are in pixels of the upright photo, angles in degrees."""

    source: str  # as the manifest calls the photo: its path below the folder, with forward slashes
    problem: str = ""  # 'unreadable' or 'no-face' when there is nothing to judge
    detail: str = ""  # the problem in words
    face: int = 0  # number of the face within its photo, the largest first
    width: int = 0
    height: int = 0
    faces: int = 0  # in the photo
    score: float = 0.0  # the detector's confidence in this face, 0 to 1
    second: float | None = None  # that of the second detector, where there is one
    turn: int = 0  # counter-clockwise, to find the face upright: 0, 90, 180 or 270
    yaw: float = 0.0
    pitch: float = 0.0
    roll: float = 0.0
    eye_px: float = 0.0  # between the eyes
    upscale: float = 0.0  # output pixels per photo pixel, across
    blur: float = 0.0  # standard deviation, output pixels
    exposure: float = 0.0  # 0 (good) to 1
    exposure_detail: str = ""  # 'too dark', 'burnt out' or 'flat'
    occlusion: float = 0.0  # 0 (free) to 1 (covered)
    eyes: float = 1.0  # 0 (closed) to 1 (open)
    colour: tuple[float, float, float] = (0.0, 0.0, 0.0)  # chroma and the mean a and b, CIE Lab
    invented: float = 0.0  # share of the crop that lies outside the photo
    box_by_hand: bool = False  # the crop is the user's own
    corners: tuple[tuple[float, float], ...] = ()  # of the crop: upper left, then clockwise
    fingerprint: str = ""  # of the whole photo, to find it again (`duplicates.fingerprint`)
    photo_thumbnail: str = ""  # WebP in base64
    crop_thumbnail: str = ""

    @property
    def has_crop(self) -> bool:
        """Whether there is a picture that could be kept."""
        return not self.problem

    @property
    def detail_resolved(self) -> float:
        """How fine the photo resolves the face, to tell the best of several duplicates."""
        pixel = self.upscale / 2  # a photo pixel cannot resolve better than half of itself
        return 1 / max(1e-6, float(np.hypot(self.blur, pixel)))
