"""Moving along directions in w, and sheets that show what they do.

Strength 1 is one standard deviation of w along the direction, so that numbers mean the same for all of them.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from math import isfinite
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.images import save_picture, undo_aspect
from adatune.latent.direction_files import Directions
from adatune.latent.kinship import are_kin, content_hash, kinship, weight_sketch
from adatune.latent.labelled_sheet import check_side, labelled_sheet
from adatune.latent.sampling import (
    SamplingConfig,
    averaged_generator,
    batch_size,
    batches,
    map_latents,
    noise_of_seeds,
    one_hot,
    synthesize,
)
from adatune.latent.seeds import latents_of_seeds
from adatune.networks import NetworkConfig

Move = tuple[int, int, float]  # a seed, the number of a direction, a strength


def check_fits(directions: Directions, config: NetworkConfig) -> None:
    """Refuse DIRECTIONS that a network of CONFIG has no place for.

    Raises:
        UsageError: it has another number of layers, or another width of w.
    """
    for what, own, other in (
        ("layers of w", directions.num_ws, config.num_ws),
        ("numbers in each w", directions.w_dim, config.w_dim),
    ):
        if own != other:
            raise UsageError(
                f"{directions.name} is for networks with {own} {what}, this one has {other}: it was found in "
                f"{directions.network}. Use it with that network or one fine-tuned from it, or find "
                "directions in this one with 'adatune directions find'."
            )


def warn_of_stranger(directions: Directions, networks: LoadedNetworks) -> str | None:
    """What to tell people when DIRECTIONS come from a network that NETWORKS have nothing in common with."""
    generator = averaged_generator(networks)
    likeness = kinship(directions.sketch, weight_sketch(generator))
    if are_kin(likeness, directions.sketch) or directions.network_hash == content_hash(generator):
        return None
    return (
        f"{directions.name} was found in {directions.network}, which this network has nothing in common with "
        f"(correlation of their weights {likeness:.2f}). The direction will mean something else here, if "
        "anything."
    )


def direction_number(directions: Directions, number: int) -> int:
    """NUMBER, if there is such a direction.

    Raises:
        UsageError: there is none.
    """
    if not 0 <= number < len(directions.vectors):
        raise UsageError(
            f"--number {number}: {directions.name} has {len(directions.vectors)} directions, 0 to "
            f"{len(directions.vectors) - 1}. Choose one of them."
        )
    return number


def parse_strengths(text: str, steps: int) -> list[float]:
    """STEPS strengths, evenly from the first to the last number of TEXT, such as "-3:3".

    Raises:
        UsageError: it is not two numbers, or there are too few steps.
    """
    match = re.fullmatch(r"\s*([^:]+):([^:]+)", text)
    try:
        low, high = (float(match[1]), float(match[2])) if match else (float("nan"), 0.0)
    except ValueError:
        low = high = float("nan")
    if not (isfinite(low) and isfinite(high)):
        raise UsageError(f"--strength {text!r} is no range. Write two numbers, such as -3:3.")
    if not 2 <= steps <= 1000:
        raise UsageError(f"--steps {steps} is out of range: from 2 to 1000.")
    # Rounded, so that the middle of -3:3 is 0 and nothing else, which leaves pictures as they are.
    return [round(low + (high - low) * step / (steps - 1), 9) for step in range(steps)]


def move(ws: Tensor, directions: Directions, number: int, strength: float) -> Tensor:
    """WS [..., num_ws, w_dim] moved along one of DIRECTIONS, in its layers alone.

    Truncated w are moved as far as others: strength counts standard deviations of untruncated w.
    """
    moved = ws.clone()
    step = strength * directions.deviations[number] * directions.vectors[number]
    moved[..., directions.layers, :] += step.to(ws)
    return moved


def draw_moves(
    networks: LoadedNetworks,
    directions: Directions,
    moves: Sequence[Move],
    config: SamplingConfig,
) -> Iterator[Image.Image]:
    """A picture for each of MOVES, as soon as it is drawn.

    At strength 0 it is the picture of `generate` bit for bit.

    Raises:
        UsageError: the directions do not fit, a seed is out of range, a class is missing or superfluous.
        UnreadableNetwork: there is no averaged generator.
    """
    generator = averaged_generator(networks)
    check_fits(directions, networks.config)
    label = one_hot(config.label, networks.config)
    seeds = list(dict.fromkeys(seed for seed, _, _ in moves))
    ws = map_latents(generator, latents_of_seeds(seeds, generator.z_dim), label, config.psi)
    style = dict(zip(seeds, ws, strict=True))
    aspect = 1.0 if config.is_square else networks.aspect
    return (
        undo_aspect(Image.fromarray(tile), aspect)
        for part in batches(moves, batch_size(generator))
        for tile in synthesize(
            generator,
            torch.stack([move(style[seed], directions, number, strength) for seed, number, strength in part]),
            noise_of_seeds(generator, [seed for seed, _, _ in part], config),
        )
    )


def save_strength_sheet(
    pictures: Iterable[Image.Image], rows: Sequence[str], strengths: Sequence[float], caption: str, path: Path
) -> None:
    """Write the PICTURES of `draw_moves`, in the order of the sheet, to PATH: a strength a column.

    Args:
        pictures: row by row.
        rows: what is written left of each row.
        strengths: of each row's pictures.
        caption: stands below.
        path: of the file to make.

    Raises:
        UsageError: the sheet would be larger than a picture file can be.
    """
    drawn = iter(pictures)
    first = next(drawn)
    check_side((first.width * len(strengths), first.height * len(rows)), "Ask for fewer --steps or rows.")
    places = [first, *drawn]
    lines = [places[start : start + len(strengths)] for start in range(0, len(places), len(strengths))]
    labels = [f"{strength:+.3g}" if strength else "0" for strength in strengths]
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(labelled_sheet(lines, rows, labels, caption), path)


def row_labels(directions: Directions, numbers: Sequence[int]) -> list[str]:
    """The NUMBERS of DIRECTIONS, with the share that each explains where there is such a thing."""
    shares = [float(directions.shares[number]) for number in numbers]
    return [
        f"{number} ({share:.1%})" if share == share else str(number)
        for number, share in zip(numbers, shares, strict=True)
    ]
