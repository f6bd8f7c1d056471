"""Which resolutions of a network get noise: the fine detail of each is another kind.

Source: Karras et al. 2019, arXiv:1812.04948, figure 5.
"""

import re

from adatune.errors import UsageError
from adatune.networks import NetworkConfig

SHEET = "sheet"  # the four columns of the paper's figure


def parse_noise_layers(text: str, config: NetworkConfig) -> dict[str, frozenset[int]]:
    """What TEXT asks for, such as "64-" or "all,none,4-32": the resolutions that get noise, by name.

    A part is `all`, `none`, one resolution, or a range of them with both ends included, of which the last or
    the first may be left out. `sheet` is all, none, the finer half and the coarser half.

    Raises:
        UsageError: a part is none of these, or the network has no such resolution.
    """
    return {part: _resolutions(part, text, config) for part in _parts(text, config)}


def _parts(text: str, config: NetworkConfig) -> list[str]:
    if text.strip() != SHEET:
        return [part.strip() for part in text.split(",")]
    sides = config.resolutions
    half = len(sides) // 2
    finer, coarser = (
        "-".join(map(str, sorted({part[0], part[-1]}))) for part in (sides[half:], sides[:half] or sides)
    )
    return ["all", "none", finer, coarser]


def _resolutions(part: str, text: str, config: NetworkConfig) -> frozenset[int]:
    if part in ("all", "none"):
        return frozenset(config.resolutions if part == "all" else ())
    match = re.fullmatch(r"(\d{0,5})(-?)(\d{0,5})", part)
    if match is None or not (match[1] or match[3]):
        raise UsageError(
            f"--noise-layers {text!r}: {part!r} is no range of resolutions. Write all, none, 64-, 4-32, or "
            "several with commas between them for a sheet."
        )
    first = int(match[1] or 0)
    last = int(match[3] or config.resolution) if match[2] else first
    found = frozenset(r for r in config.resolutions if first <= r <= last)
    if not found:
        raise UsageError(
            f"--noise-layers {part}: this network has no such resolution. It has "
            f"{', '.join(map(str, config.resolutions))}."
        )
    return found
