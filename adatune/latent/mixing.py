"""Style mixing: each row's picture with the w of some layers taken from each column's.

Source: Karras et al. 2019, arXiv:1812.04948, section 3.1 and figure 3.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.images import save_picture, undo_aspect
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

RANGES = {"coarse": (4, 8), "middle": (16, 32), "fine": (64, 1024)}  # resolutions, both ends included
_ADVICE = "Use fewer --rows or --cols."


def resolution_of_layer(layer: int, config: NetworkConfig) -> int:
    """The resolution, pixels, of the convolution that the w of LAYER drives.

    The last w drives none, only the colours (toRGB) of the highest resolution; other colours are driven by
    the w of the convolution that comes after them.
    """
    return min(4 * 2 ** ((layer + 1) // 2), config.resolution)


def parse_layers(text: str, config: NetworkConfig, option: str = "--layers") -> list[int]:
    """The layers that TEXT means in a network of CONFIG, ascending.

    Args:
        text: numbers, ranges of them, and names of ranges of resolutions: "0-6", "0,4-7", "coarse", "0,fine".
        config: of the network.
        option: where TEXT comes from, for messages.

    Raises:
        UsageError: it is no such list, or the network has not all of these layers.
    """
    parts = [part.strip() for part in text.split(",")]
    return sorted(set().union(*(_layers_of_part(part, text, config, option) for part in parts)))


def mix_styles(own: Tensor, other: Tensor, layers: Sequence[int]) -> Tensor:
    """OWN with the w of LAYERS taken from OTHER; both and the result are [..., num_ws, w_dim]."""
    mixed = own.clone()
    mixed[..., list(layers), :] = other[..., list(layers), :]
    return mixed


def draw_mixes(
    networks: LoadedNetworks,
    rows: Sequence[int],
    columns: Sequence[int],
    layers: Sequence[int],
    config: SamplingConfig,
) -> Iterator[Image.Image]:
    """The pictures of a mixing sheet, row by row, each as soon as it is drawn.

    First come the columns' own pictures; each row begins with its own. A mix has the noise of its row. Where
    row and column are one seed, it is that seed's picture bit for bit.

    Raises:
        UsageError: a seed is out of range, or a class is missing or superfluous.
        UnreadableNetwork: there is no averaged generator.
    """
    generator = averaged_generator(networks)
    label = one_hot(config.label, networks.config)
    seeds = list(dict.fromkeys([*rows, *columns]))
    ws = map_latents(generator, latents_of_seeds(seeds, generator.z_dim), label, config.psi)
    style = dict(zip(seeds, ws, strict=True))
    aspect = 1.0 if config.is_square else networks.aspect
    return (
        undo_aspect(Image.fromarray(tile), aspect)
        for part in batches(_places(rows, columns), batch_size(generator))
        for tile in synthesize(
            generator,
            torch.stack([mix_styles(style[row], style[column], layers) for row, column in part]),
            noise_of_seeds(generator, [row for row, _ in part], config),
        )
    )


def save_mixing_sheet(
    pictures: Iterable[Image.Image], rows: Sequence[int], columns: Sequence[int], caption: str, path: Path
) -> None:
    """Write the PICTURES of `draw_mixes` to PATH as a sheet, the sources at its margins with their seeds.

    Raises:
        UsageError: it would be larger than a picture file can be.
    """
    drawn = iter(pictures)
    first = next(drawn)
    check_side((first.width * (len(columns) + 1), first.height * (len(rows) + 1)), _ADVICE)
    places = [None, first, *drawn]
    width = len(columns) + 1
    lines = [places[start : start + width] for start in range(0, len(places), width)]
    labels = ["", *map(str, rows)], ["", *map(str, columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(labelled_sheet(lines, *labels, caption, has_sources=True), path)


def save_each(
    pictures: Iterable[Image.Image], rows: Sequence[int], columns: Sequence[int], folder: Path
) -> Iterator[Image.Image]:
    """Pass the PICTURES of `draw_mixes` on, each written to FOLDER/ROW-COLUMN.png or, unmixed, SEED.png."""
    folder.mkdir(parents=True, exist_ok=True)
    for (row, column), picture in zip(_places(rows, columns), pictures, strict=True):
        save_picture(picture, folder / (f"{row:04d}.png" if row == column else f"{row:04d}-{column:04d}.png"))
        yield picture


def layers_in_words(layers: Sequence[int]) -> str:
    """LAYERS, ascending, with runs as ranges: "0-2,5"."""
    parts: list[list[int]] = []
    for layer in layers:
        if parts and layer == parts[-1][-1] + 1:
            parts[-1].append(layer)
        else:
            parts.append([layer])
    return ",".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in parts)


def _layers_of_part(part: str, text: str, config: NetworkConfig, option: str) -> set[int]:
    if part in RANGES:
        return _layers_of_range(part, config, option)
    match = re.fullmatch(r"(\d{1,6})\s*(?:-\s*(\d{1,6}))?", part)
    first, last = (-1, -2) if match is None else (int(match[1]), int(match[2] or match[1]))
    if first > last:
        raise UsageError(
            f"{option} {text!r} is no list of layers. Write numbers and ranges, such as 0-6 or 0,4-7, or "
            f"{', '.join(RANGES)}."
        )
    if last >= config.num_ws:
        raise UsageError(
            f"{option} {text}: this network has {config.num_ws} layers, 0 to {config.num_ws - 1}. Stay "
            "within them."
        )
    return set(range(first, last + 1))


def _layers_of_range(name: str, config: NetworkConfig, option: str) -> set[int]:
    low, high = RANGES[name]
    layers = {n for n in range(config.num_ws) if low <= resolution_of_layer(n, config) <= high}
    if not layers:
        there = [other for other, (first, _) in RANGES.items() if first <= config.resolution]
        raise UsageError(
            f"{option} {name} begins at {low}x{low}, and this network ends at {config.resolution}x"
            f"{config.resolution}. Use {' or '.join(there)}, or numbers from 0 to {config.num_ws - 1}."
        )
    return layers


def _places(rows: Sequence[int], columns: Sequence[int]) -> list[tuple[int, int]]:
    """The two seeds of each picture in order; those of a source are the same."""
    body = [(row, column) for row in rows for column in (row, *columns)]
    return [(column, column) for column in columns] + body
