"""Seeds and their latents, the same as in every StyleGAN2-ADA tool: old seed lists show the same faces."""

import re
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from adatune.errors import UsageError

MAX_SEED = 2**32 - 1
MAX_COUNT = (
    1_000_000  # seeds in one call: more is a slip of the keyboard, and would fill memory before the disk
)
_PART = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")


def parse_seeds(text: str, option: str = "--seeds") -> list[int]:
    """The seeds that TEXT, the value of OPTION, lists, such as "0-63,100": in that order, each once.

    Raises:
        UsageError: it is no such list, a range runs backwards, or a seed is above 4294967295.
    """
    seeds: dict[int, None] = {}
    for part in text.split(","):
        first, last = _range(part, text, option)
        if len(seeds) + last - first >= MAX_COUNT:
            raise UsageError(
                f"{option} {text} is more than {MAX_COUNT:,} pictures. Make them in several calls."
            )
        seeds.update(dict.fromkeys(range(first, last + 1)))
    return list(seeds)


def _range(part: str, text: str, option: str) -> tuple[int, int]:
    match = _PART.fullmatch(part)
    if match is None:
        what = f"{part.strip()!r} is neither a number nor a range" if part.strip() else "a number is missing"
        raise UsageError(f"{option} {text!r}: {what}. Write whole numbers and ranges, such as 0-63,100.")
    first, last = int(match[1]), int(match[2] or match[1])
    if first > last:
        raise UsageError(f"{option} {text}: the range {part.strip()} runs backwards. Write {last}-{first}.")
    check_seed(last)
    return first, last


def check_seed(seed: int) -> None:
    """Raise UsageError if SEED is below 0 or above 4294967295."""
    if not 0 <= seed <= MAX_SEED:
        raise UsageError(f"Seed {seed} is out of range: seeds go from 0 to {MAX_SEED}.")


def latents_of_seeds(seeds: Sequence[int], z_dim: int) -> Tensor:
    """The latents of SEEDS: [len(seeds), z_dim], float32, on the CPU.

    Raises:
        UsageError: a seed is below 0 or above 4294967295.
    """
    for seed in seeds:
        check_seed(seed)
    latents = [np.random.RandomState(seed).randn(1, z_dim) for seed in seeds]
    return torch.from_numpy(np.concatenate([np.empty((0, z_dim)), *latents])).float()
