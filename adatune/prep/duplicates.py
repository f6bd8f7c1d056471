"""Recognises photos that are the same picture again: rescaled, recompressed, trimmed, recoloured or mirrored.

Judged on the whole photo and never on the aligned crop: pictures of one person align to similar crops.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from adatune.images import Pixels
from adatune.prep.opencv import cv2

# Trimming 8% a side leaves the same picture at 0.97 or more. Of the million pairs among 1,476 portraits 112
# reach 0.96, looked at: 111 show the same picture, the other is two rendered heads on black.
MIN_LIKENESS = 0.96
_SIDE = 32  # of a fingerprint, cells
_RIM = 2  # cells not compared: what another copy may have trimmed, framed or signed
_COARSE = 16  # side of the copy in which likely pairs are looked for
_MIN_COARSE = 0.88  # share of a copy's variance that another explains; of true pairs, 99% are above 0.93
_LOOKS = 8  # at most, at likely pairs of one photo: keeps a film of a thousand like frames fast
_STEPS = (cv2.TERM_CRITERIA_COUNT | cv2.TERM_CRITERIA_EPS, 20, 1e-4)

Grey = NDArray[np.float32]


def fingerprint(pixels: Pixels) -> str:
    """What has to be kept of a photo to compare it: 32x32 grey values, row by row, in hexadecimal.

    Args:
        pixels: the whole photo, upright, at any size from about 32 pixels on.
    """
    grey = Image.fromarray(pixels).convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX)
    return grey.tobytes().hex()


def likeness(one: str, other: str) -> float:
    """How much two fingerprints show the same picture, plain or mirrored; 1 for a copy, at most 1."""
    first, second = _grey(one), _grey(other)
    return max(_likeness(first, second), _likeness(first, _mirrored(second)))


def find_duplicates(fingerprints: Sequence[str], detail: Sequence[float]) -> dict[int, int]:
    """Which photos repeat a better one.

    Photos are taken from the most detailed down; one that is like a photo already taken, plain or mirrored,
    repeats it. Only photos that were taken are compared with, so a chain of small changes does not reach far.

    Args:
        fingerprints: of each photo.
        detail: how much each photo resolves; of equals, the earlier wins.
    Returns: index of each repeated photo -> index of the photo that stands for it.
    """
    if not fingerprints:
        return {}
    order = sorted(range(len(fingerprints)), key=lambda i: (-detail[i], i))
    grey = np.stack([_grey(fingerprints[index]) for index in order])
    is_taken = np.ones(len(order), dtype=bool)
    repeats: dict[int, int] = {}
    for place, (plain, mirrored) in enumerate(_explained(grey)):
        better = _first_like(grey, place, plain * is_taken[:place], mirrored * is_taken[:place])
        if better is not None:
            is_taken[place] = False
            repeats[order[place]] = order[better]
    return repeats


def _first_like(grey: Grey, place: int, plain: Grey, mirrored: Grey) -> int | None:
    """The earlier photo that the one at PLACE repeats, the likeliest tried first."""
    best = np.maximum(plain, mirrored)
    likely = np.flatnonzero(best > _MIN_COARSE)
    for other in likely[np.argsort(-best[likely], kind="stable")][:_LOOKS]:
        is_mirrored = mirrored[other] > plain[other]
        second = _mirrored(grey[place]) if is_mirrored else grey[place]
        if _likeness(grey[other], second) >= MIN_LIKENESS:
            return int(other)
    return None


def _explained(grey: Grey) -> Iterator[tuple[Grey, Grey]]:
    """For each photo, how much of each earlier one it explains when slightly moved, plain and mirrored.

    Least squares on a picture and its derivatives by shift, scale, turn and shear: the first step of a
    registration, for all pairs at once. Source: Baker and Matthews 2004, "Lucas-Kanade 20 years on".
    """
    cells = _SIDE // _COARSE
    small = grey.reshape(-1, _COARSE, cells, _COARSE, cells).mean(axis=(2, 4))
    small = np.stack([np.asarray(cv2.GaussianBlur(each, (0, 0), 0.8), np.float32) for each in small])
    plain, mirrored = _normed(small), _normed(small[:, :, ::-1])
    bases = _bases(small)
    block = 64
    for start in range(0, len(grey), block):
        basis = bases[start : start + block]
        until = start + len(basis)
        shares = [
            np.square(basis.reshape(-1, basis.shape[2]) @ targets[:until].T)
            .reshape(len(basis), -1, until)
            .sum(axis=1)
            for targets in (plain, mirrored)
        ]
        for row in range(len(basis)):
            yield shares[0][row, : start + row], shares[1][row, : start + row]


def _bases(small: Grey) -> Grey:
    """Orthonormal, [photos, 7, cells]: each picture, and how it changes under small affine movements."""
    across, down = np.gradient(small, axis=2), np.gradient(small, axis=1)
    y, x = np.mgrid[-1 : 1 : _COARSE * 1j, -1 : 1 : _COARSE * 1j].astype(np.float32)
    ways = np.stack([small, across, down, x * across, y * across, x * down, y * down], axis=1)
    inner = ways[:, :, 1:-1, 1:-1].reshape(*ways.shape[:2], -1)
    inner = inner - inner.mean(axis=2, keepdims=True)
    return np.ascontiguousarray(np.linalg.qr(inner.transpose(0, 2, 1))[0].transpose(0, 2, 1), np.float32)


def _normed(small: Grey) -> Grey:
    """Without rim, mean and contrast: [photos, cells]."""
    inner = small[:, 1:-1, 1:-1].reshape(len(small), -1)
    inner = inner - inner.mean(axis=1, keepdims=True)
    return inner / (np.linalg.norm(inner, axis=1, keepdims=True) + 1e-3)


def _likeness(first: Grey, second: Grey) -> float:
    """Correlation of the details of two pictures, the second moved to where it fits the first best."""
    inside = slice(_RIM, _SIDE - _RIM)
    matrix = np.array([[1, 0, _RIM], [0, 1, _RIM]], np.float32)
    blurred = [np.asarray(cv2.GaussianBlur(each, (0, 0), 0.8), np.float32) for each in (first, second)]
    target = np.ascontiguousarray(blurred[0][inside, inside])
    try:
        found = cv2.findTransformECC(target, blurred[1], matrix, cv2.MOTION_AFFINE, _STEPS, np.array([]), 1)
    except cv2.error:  # nothing in common to hold on to, or nothing to be seen
        return float(np.array_equal(first, second))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    size = target.shape
    moved = np.asarray(
        cv2.warpAffine(second, found[1], size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.float32
    )
    seen = cv2.warpAffine(np.ones_like(second), found[1], size, flags=flags).ravel() > 0.99
    if seen.mean() < 0.7:
        return 0.0
    one, other = (_details(each).ravel()[seen] for each in (first[inside, inside], moved))
    one, other = one - one.mean(), other - other.mean()
    return float(one @ other / (np.sqrt((one @ one) * (other @ other)) + 1e-3))


def _details(grey: Grey) -> Grey:
    """What remains without slow changes of light: studio walls are alike, faces before them are not."""
    fine, coarse = (np.asarray(cv2.GaussianBlur(grey, (0, 0), sigma), np.float32) for sigma in (0.7, 3.0))
    return fine - coarse


def _grey(text: str) -> Grey:
    return np.frombuffer(bytes.fromhex(text), np.uint8).reshape(_SIDE, _SIDE).astype(np.float32)


def _mirrored(grey: Grey) -> Grey:
    return np.ascontiguousarray(grey[:, ::-1])
