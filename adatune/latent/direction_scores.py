"""Which seeds have a trait that can be scored: the pictures are ranked, and both ends of the order are taken.

Source: Shen et al. 2020, arXiv:1907.10786 (InterFaceGAN), section 3.1, which takes the 2% at either end of
500,000 pictures; of a few hundred it takes more of them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from PIL import Image

from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent.sampling import SamplingConfig, batches, draw_pictures

# Pictures, upright, to one number each: the higher, the more of the trait.
Scorer = Callable[[Sequence[Image.Image]], Sequence[float]]
_AT_ONCE = 16  # pictures that are scored
_FEWEST = 5  # seeds at each end, so that the direction can be tested


def score_seeds(
    networks: LoadedNetworks, seeds: Sequence[int], score: Scorer, label: int | None = None
) -> Iterator[tuple[int, float]]:
    """Each of SEEDS with the SCORE of its picture, drawn as `generate` does without options.

    Truncation moves w along a line from the mean, so a direction of truncated w is one of the others too.

    Raises:
        UsageError: a seed is out of range, a class is missing or superfluous.
        UnreadableNetwork: there is no averaged generator.
    """
    pictures = draw_pictures(networks, seeds, SamplingConfig(label=label))
    for part in batches(seeds, _AT_ONCE):
        drawn = [picture for _, (_, picture) in zip(part, pictures, strict=False)]
        yield from zip(part, score(drawn), strict=True)


def check_ends(count: int, share: float) -> int:
    """How many seeds the SHARE at one end of COUNT is.

    Raises:
        UsageError: they are too few, or both ends overlap.
    """
    if not 0 < share <= 0.5:
        raise UsageError(f"--share {share:g} is out of range: above 0, and 0.5 at most.")
    each = int(count * share)
    if each < _FEWEST:
        raise UsageError(
            f"--share {share:g} of {count} seeds is {each} at each end. Score more --seeds: {_FEWEST} at "
            "each end are needed, and 50 or more are better."
        )
    return each


def both_ends(scores: Mapping[int, float], each: int) -> tuple[list[int], list[int]]:
    """The EACH seeds with the highest of SCORES, and those with the lowest; best first.

    Raises:
        UsageError: the two have the same scores.
    """
    order = sorted(scores, key=lambda seed: (-scores[seed], seed))
    highest, lowest = order[:each], order[-each:]
    if not scores[highest[-1]] > scores[lowest[0]]:
        raise UsageError("The pictures score the same at both ends. Score more --seeds, or say it otherwise.")
    return highest, lowest
