"""Which photos are kept apart for validation: pictures that training never sees, to measure against.

A photo's own name decides, so adding or dropping others never moves it from one side to the other: what a
network was trained on yesterday is not what it is measured against today.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable

from adatune.errors import UsageError

# Frames of a video lie on one side for whole stretches: neighbours are nearly the same picture. One stretch
# in each period is for validation; at a share of 0.1 and 25 frames a second it lasts four seconds.
_PERIOD = 1000  # frames
_FRAME = re.compile(r"(.*)#(\d+)", re.DOTALL)


def choose_validation(sources: Iterable[str], share: float) -> set[str]:
    """Those of SOURCES that are kept apart, about SHARE of them.

    A larger share keeps what a smaller one chose. Of n photos some n * share are chosen, give or take
    sqrt(n * share * (1 - share)) two times in three; of a video, exactly that share of each 1000 frames.
    All faces of a photo share its name and so its side.

    Args:
        sources: as the manifest names them; 'clip.mp4#000120' is frame 120 of clip.mp4.
        share: 0 (none) to below 1.
    Raises:
        UsageError: a share that leaves nothing to train on, or is no share.
    """
    if not 0 <= share < 1:
        raise UsageError(
            f"--validation {share:g} is no share of the photos. Use a number from 0 to below 1, such as 0.1."
        )
    return {source for source in sources if _position(source) < share}


def validation_name(name: str) -> str:
    """The name of the dataset that holds what dataset NAME keeps apart."""
    return f"{name}-validation"


def _position(source: str) -> float:
    """Where a photo stands between 0 and 1: at random by its name, and as time goes within a video."""
    frame = _FRAME.fullmatch(source)
    if frame is None:
        return _hash(source)
    return (_hash(frame[1]) + int(frame[2]) % _PERIOD / _PERIOD) % 1


def _hash(name: str) -> float:
    """A number from 0 to below 1 that looks random and is the same on every system."""
    plain = unicodedata.normalize("NFC", name).encode("utf-8", "surrogateescape")
    # Version 1 of the rule; another salt would move photos between the sides.
    word = hashlib.sha256(b"adatune validation 1\0" + plain).digest()[:6]
    return int.from_bytes(word, "big") / 2**48
