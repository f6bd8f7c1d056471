"""Layer swapping: the low resolutions of one network, which give structure, under the high ones of another,
which give texture.

Works between networks that were fine-tuned from the same one; others have nothing in common to join at.
Source: Pinkney and Adler 2020, arXiv:2010.05334.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from math import exp, isfinite, log2
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from adatune.checkpoints import LoadedNetworks, save_network
from adatune.errors import UsageError
from adatune.home import home
from adatune.images import save_picture
from adatune.latent.kinship import are_kin, content_hash, kinship, weight_sketch
from adatune.latent.labelled_sheet import check_side, labelled_sheet
from adatune.latent.sampling import SamplingConfig, averaged_generator, draw_pictures
from adatune.networks import Generator, NetworkConfig

MAPPINGS = ("low", "high")
_SHAPES = ("resolution", "channels", "z_dim", "w_dim", "c_dim", "mapping_layers", "g_architecture")
Names = tuple[str, str]  # of the low network and of the high one, as people call them


@dataclass(frozen=True)
class Blend:
    """Which network gives what."""

    at: int  # the low network gives the blocks up to and including this resolution; 0: none of them
    smooth: float = 0.0  # width of the transition in layers, of which a resolution has two; 0 swaps at once
    mapping: str = "low"  # which network maps z to w: low or high

    def __post_init__(self) -> None:
        if not (isfinite(self.smooth) and self.smooth >= 0):
            raise UsageError(f"--smooth {self.smooth} is out of range: it is a number of layers from 0 up.")
        if self.mapping not in MAPPINGS:
            raise UsageError(f"--mapping {self.mapping} is unknown. Choose low or high.")


def blend(low: LoadedNetworks, high: LoadedNetworks, how: Blend, names: Names) -> LoadedNetworks:
    """A generator with the low resolutions of LOW and the high ones of HIGH; no discriminator.

    Noise planes come from the network with the larger share in their layer and are never averaged, which
    would weaken them. Aspect and clamps are those of LOW.

    Args:
        low: gives structure.
        high: of the same shapes and on the same device, gives texture.
        how: where they meet.
        names: of both, for the metadata.

    Raises:
        UsageError: the networks differ in shape, or have no block of the resolution `how.at`.
        UnreadableNetwork: one has no averaged generator.
    """
    below, above = averaged_generator(low), averaged_generator(high)
    check_shapes(low.config, high.config)
    check_swap(how.at, low.config)
    mapping = below if how.mapping == "low" else above
    config = replace(low.config, mapping_lr_mul=mapping.config.mapping_lr_mul)
    with torch.device("meta"):
        blended = Generator(config)
    learnt, upper = {name for name, _ in blended.named_parameters()}, above.state_dict()
    weights: dict[str, Tensor] = {}
    for name, lower in below.state_dict().items():
        share = share_of_high(name, how)
        share = share if name in learnt else round(share)
        weights[name] = torch.lerp(lower, upper[name], share)
    blended.load_state_dict(weights, assign=True)
    blended.eval().requires_grad_(requires_grad=False)
    for block, lower in zip(blended.synthesis.blocks, below.synthesis.blocks, strict=True):
        block.precision = lower.precision
    metadata = _metadata((below, above), how, names)
    return LoadedNetworks(config, None, None, blended, None, low.aspect, metadata)


def share_of_high(name: str, how: Blend) -> float:
    """How much of the weight NAME comes from the high network, 0 to 1.

    Layers are counted from the image's coarse end, two a resolution: first the convolution that goes up, then
    the other one with its colours. The transition's middle lies between the last layer of `how.at` and the
    first of the next resolution.
    """
    if name.startswith("mapping."):
        return float(how.mapping == "high")
    _, block, layer = name.split(".", 2)
    is_first = layer.startswith(("const", "conv0", "skip"))
    position = 2 * log2(int(block[1:]) / 4) + (0 if is_first else 1)
    beyond = position - (2 * log2(max(how.at, 2) / 4) + 1.5)
    if how.smooth == 0:
        return float(beyond > 0)
    return 1 / (1 + exp(min(-beyond / how.smooth, 700)))


def check_shapes(low: NetworkConfig, high: NetworkConfig) -> None:
    """Refuse to join networks of other shapes.

    Raises:
        UsageError: says what differs.
    """
    differences = [
        f"{name} is {getattr(low, name)} in the low network and {getattr(high, name)} in the high one"
        for name in _SHAPES
        if getattr(low, name) != getattr(high, name)
    ]
    if not differences:
        differences = [
            f"at {r}x{r} the low network has {low.feature_maps(r)} feature maps and the high one "
            f"{high.feature_maps(r)}"
            for r in low.resolutions
            if low.feature_maps(r) != high.feature_maps(r)
        ]
    if differences:
        more = f" (and {len(differences) - 1} more differences)" if len(differences) > 1 else ""
        raise UsageError(
            f"These networks cannot be joined: {differences[0]}{more}. Blend a network with one fine-tuned "
            "from it, or two that were fine-tuned from the same one."
        )


def check_swap(at: int, config: NetworkConfig) -> None:
    """Refuse to swap AT a resolution that networks of CONFIG have no block of.

    Raises:
        UsageError: says which ones there are.
    """
    if at not in (0, *config.resolutions):
        there = ", ".join(map(str, config.resolutions))
        raise UsageError(f"--at {at} is no resolution of these networks. Choose one of 0, {there}.")


def check_parents(low: LoadedNetworks, high: LoadedNetworks, how: Blend, names: Names) -> str | None:
    """What to tell people when LOW and HIGH share their shapes and nothing else; None where they are related.

    Raises:
        UsageError: they cannot be joined as HOW says.
        UnreadableNetwork: one has no averaged generator.
    """
    check_shapes(low.config, high.config)
    check_swap(how.at, low.config)
    sketches = [weight_sketch(averaged_generator(networks)) for networks in (low, high)]
    likeness = kinship(sketches[0], sketches[1])
    if are_kin(likeness, sketches[0]):
        return None
    return (
        f"{names[0]} and {names[1]} have nothing in common (correlation of their weights {likeness:.2f}): "
        "neither was fine-tuned from the other, nor both from a third. What comes out will hardly be a "
        "picture."
    )


def blend_path(names: Names, how: Blend, out: Path | None, may_replace: bool) -> Path:
    """The file to write a blend to: OUT, or one that says what it is in `blends/`.

    Raises:
        UsageError: OUT is not called .safetensors, or there is such a file and it is not to be replaced.
    """
    path = home() / "blends" / f"{_stem(names, how)}-{how.at}.safetensors" if out is None else out
    if path.suffix != ".safetensors":
        raise UsageError(f"--out {path} would not be found to be a network. Let it end in .safetensors.")
    if path.exists() and not may_replace:
        raise UsageError(f"{path} exists. Choose another --out, or write over it with --replace.")
    return path


def sheet_path(names: Names, how: Blend) -> Path:
    """The file to write a comparison to."""
    return home() / "blends" / f"{_stem(names, how)}-sheet.png"


def save_blend(blended: LoadedNetworks, path: Path) -> None:
    """Write what `blend` made to PATH as a network file of G_ema alone, with its parents in the metadata."""
    path.parent.mkdir(parents=True, exist_ok=True)
    metadata = {**blended.metadata, "aspect": blended.aspect}
    save_network(path, averaged_generator(blended), metadata=metadata)


def swap_points(config: NetworkConfig) -> list[int]:
    """The resolutions at which a swap takes something from each of two networks of CONFIG."""
    return config.resolutions[:-1]


def draw_comparison(
    low: LoadedNetworks,
    high: LoadedNetworks,
    how: Blend,
    points: Sequence[int],
    seeds: Sequence[int],
    config: SamplingConfig,
) -> Iterator[Image.Image]:
    """The pictures of SEEDS by HIGH, by the blends at each of POINTS, and by LOW: network by network.

    Raises: what `blend` and `generate` do, when the first picture is asked for.
    """
    for point in (None, *points):
        networks = high if point is None else blend(low, high, replace(how, at=point), ("low", "high"))
        yield from (picture for _, picture in draw_pictures(networks, seeds, config))
    yield from (picture for _, picture in draw_pictures(low, seeds, config))


def save_comparison(
    pictures: Iterable[Image.Image],
    points: Sequence[int],
    seeds: Sequence[int],
    names: Names,
    how: Blend,
    path: Path,
) -> None:
    """Write the PICTURES of `draw_comparison` to PATH: a column a network, a row a seed.

    Raises:
        UsageError: the sheet would be larger than a picture file can be.
    """
    columns, drawn = ["high", *(f"at {point}" for point in points), "low"], iter(pictures)
    first = next(drawn)
    check_side((first.width * len(columns), first.height * len(seeds)), "Ask for fewer --seeds.")
    places = [first, *drawn]
    lines = [places[row :: len(seeds)] for row in range(len(seeds))]
    caption = f"up to that resolution {names[0]} (low), above it {names[1]} (high) · mapping {how.mapping}"
    caption += f" · smooth {how.smooth:g}" if how.smooth else ""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(labelled_sheet(lines, [str(seed) for seed in seeds], columns, caption), path)


def _metadata(parents: tuple[Generator, Generator], how: Blend, names: Names) -> dict[str, Any]:
    low, high = (
        {"network": name, "sha256": content_hash(parent)} for name, parent in zip(names, parents, strict=True)
    )
    settings = {"at": how.at, "smooth": how.smooth, "mapping": how.mapping}
    return {"blend": {"low": low, "high": high, **settings}}


def _stem(names: Names, how: Blend) -> str:
    low, high = (name.replace("/", "-") for name in names)
    return (
        f"{low}+{high}"
        + (f"-smooth{how.smooth:g}" if how.smooth else "")
        + ("-mapping-high" if how.mapping == "high" else "")
    )
