"""Tells whether something covers a face: a mask, a hand, sunglasses, a bar."""

from adatune.images import Pixels
from adatune.prep.faces import Refined


def measure_occlusion(view: Pixels, refined: Refined) -> tuple[float, dict[str, float]]:
    """How likely a face is covered, 0 to 1, and the parts that say so.

    Args:
        view: the levelled face, [quality.VIEW_HEIGHT, quality.VIEW_WIDTH, 3] uint8.
        refined: landmarks with the disagreement of the looks behind them.
    """
    parts = {"spread": refined.spread, "mirror_gap": refined.mirror_gap, "doubt": 1 - refined.confidence}
    return min(1.0, 2 * parts["doubt"]), parts
