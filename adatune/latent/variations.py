"""Sheets of one thing varied: the same seeds under several settings, which are the columns or the rows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.images import save_picture
from adatune.latent.labelled_sheet import check_side, labelled_sheet
from adatune.latent.noise_layers import parse_noise_layers
from adatune.latent.sampling import SamplingConfig, draw_pictures
from adatune.latent.seeds import parse_seeds
from adatune.latent.truncation import SWEEP, layer_psis
from adatune.networks import NetworkConfig

_BRIGHTEST = 240.0  # the level that the largest deviation is shown with


@dataclass(frozen=True)
class Variations:
    """The settings of a sheet."""

    kind: str  # for the file's name
    title: str  # for the caption
    configs: dict[str, SamplingConfig]  # by label
    is_down: bool = False  # they are the rows, seeds the columns; otherwise the reverse
    has_deviations: bool = False  # a last column shows how much the pictures of a seed differ
    fixes_psi: bool = True  # is the truncation of the caption that of all pictures?


def truncation_sweep(look: SamplingConfig, cutoff: int | None, config: NetworkConfig) -> Variations:
    """Psi from -1, the opposite face, over 0, the mean, to 1; of the first CUTOFF w, None of all."""
    configs = {
        f"psi {psi:g}": replace(look, psi=psi, layer_psi=layer_psis(psi, cutoff, None, config))
        for psi in SWEEP
    }
    first = "" if cutoff is None else f" of the first {cutoff} layers"
    return Variations("truncation", f"truncation from -1 to 1{first}", configs, fixes_psi=False)


def noise_seed_sheet(look: SamplingConfig, text: str) -> Variations:
    """The same pictures under each of the noise seeds that TEXT lists, and where they differ.

    Raises:
        UsageError: TEXT is no list of seeds.
    """
    seeds = parse_seeds(text, "--noise-seed")
    configs = {f"noise {seed}": replace(look, noise="random", noise_seed=seed) for seed in seeds}
    return Variations("noise-seeds", f"noise drawn {len(seeds)} times", configs, has_deviations=True)


def noise_layer_sheet(look: SamplingConfig, text: str, config: NetworkConfig) -> Variations:
    """The same pictures with noise in each of the ranges of resolutions that TEXT lists.

    Raises:
        UsageError: TEXT is no such list.
    """
    ranges = parse_noise_layers(text, config)
    configs = {f"noise {name}": replace(look, noise_resolutions=found) for name, found in ranges.items()}
    return Variations("noise-layers", "which resolutions get noise", configs)


def class_sheet(look: SamplingConfig, labels: Sequence[int]) -> Variations:
    """The same seeds in each of the classes LABELS, a row each."""
    configs = {f"class {label}": replace(look, label=label) for label in labels}
    return Variations("classes", "the same seeds in each class", configs, is_down=True)


def parse_classes(text: str | None, config: NetworkConfig) -> list[int]:
    """The classes that TEXT names: "2", "0-3", "all"; none where it is None.

    Raises:
        UsageError: it is no such list, or the network has no classes.
    """
    if text is None:
        return []
    if text.strip() != "all":
        return parse_seeds(text, "--class")
    if not config.c_dim:
        raise UsageError("--class all: this network was trained without classes. Leave --class out.")
    return list(range(config.c_dim))


def draw_variations(
    networks: LoadedNetworks, seeds: Sequence[int], variations: Variations
) -> Iterator[Image.Image]:
    """The pictures of SEEDS under each setting, setting by setting; the errors are those of `generate`."""
    for config in variations.configs.values():
        yield from (picture for _, picture in draw_pictures(networks, seeds, config))


def save_variation_sheet(
    pictures: Iterable[Image.Image], seeds: Sequence[int], variations: Variations, caption: str, path: Path
) -> None:
    """Write the PICTURES of `draw_variations` to PATH, labelled.

    Raises:
        UsageError: the sheet would be larger than a picture file can be.
    """
    drawn = iter(pictures)
    first, names = next(drawn), list(variations.configs)
    shape = (len(seeds), len(names)) if variations.is_down else (len(names) + 1, len(seeds))
    check_side((first.width * shape[0], first.height * shape[1]), "Use fewer --seeds.")
    places = [first, *drawn]
    settings = [places[start : start + len(seeds)] for start in range(0, len(places), len(seeds))]
    words = f"{caption} · {variations.title}"
    path.parent.mkdir(parents=True, exist_ok=True)
    if variations.is_down:
        sheet = labelled_sheet(settings, names, [str(seed) for seed in seeds], words)
    else:
        rows = [list(row) for row in zip(*settings, strict=True)]
        if variations.has_deviations:
            columns, gain = deviations(rows)
            words += f"; last column: standard deviation x {gain:.3g}"
            names, rows = (
                [*names, "deviation"],
                [[*row, last] for row, last in zip(rows, columns, strict=True)],
            )
        sheet = labelled_sheet(rows, [str(seed) for seed in seeds], names, words)
    save_picture(sheet, path)


def deviations(rows: Sequence[Sequence[Image.Image]]) -> tuple[list[Image.Image], float]:
    """Where the pictures of each of ROWS differ: standard deviations of the pixels' mean levels, as grey.

    Returns:
        a picture a row, and what the deviations were multiplied by to be seen: one number for all rows, by
        which the largest has a level of 240; 1 where nothing differs.

    Source: Karras et al. 2019, arXiv:1812.04948, figure 4.
    """
    found = [
        np.stack([np.asarray(picture.convert("RGB"), np.float32).mean(axis=2) for picture in row]).std(axis=0)
        for row in rows
    ]
    largest = max(float(deviation.max()) for deviation in found)
    gain = _BRIGHTEST / largest if largest else 1.0
    greys = [(deviation * gain).round().astype(np.uint8) for deviation in found]
    return [Image.fromarray(grey).convert("RGB") for grey in greys], gain
