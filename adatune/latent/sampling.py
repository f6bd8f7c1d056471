"""Pictures of seeds: latents in, pictures with their aspect undone out, the same whatever else is asked for.

The algorithm of a convolution, and with it the last bits of its result, follows the size of the batch: of the
1.8 million bytes of nine pictures at 256x256, 199 differed between batches of 1 and of 4 on a CPU. Within one
size they do not depend on the other pictures. So the size is fixed, and the last batch is filled up. On a
card it follows from the network and from the card's whole memory, never from what is free at the moment.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import torch
from PIL import Image
from torch import Tensor

from adatune import random
from adatune.checkpoints import LoadedNetworks, load
from adatune.device import card_memory
from adatune.errors import UnreadableNetwork, UsageError
from adatune.images import Pixels, to_pixels, undo_aspect
from adatune.latent.seeds import check_seed, latents_of_seeds
from adatune.networks import Generator, NetworkConfig
from adatune.networks.generator import Noise
from adatune.random import Purpose

Item = TypeVar("Item")

NOISES = ("const", "random", "none")
CPU_BATCH = 1  # pairs are no faster: 0.42 s a picture at 256x256 on one thread, against 0.38 s alone
MPS_BATCH = 4  # not measured
_MOST_ON_CARD = 16  # not measured; one picture alone costs as much as the whole batch
# A picture holds 4 float32 numbers at once for each feature of its highest resolution (counted); as much as
# 2 more is for the libraries, and three quarters of the card for weights and for other programs.
_BYTES_PER_FEATURE, _CARD_SHARE = 24, 0.25


@dataclass(frozen=True)
class SamplingConfig:
    """How pictures are drawn from a generator."""

    psi: float = 0.7  # truncation: 1 is all the variety, 0 the mean face
    noise: str = "const"  # fine detail: const (stored with the network), random, none
    noise_seed: int = 0  # of the random noise
    label: int | None = None  # class, for networks trained with labels
    is_square: bool = False  # keep the squashed pixels of a network trained on portraits
    layer_psi: tuple[float, ...] | None = None  # truncation of each w, in place of psi
    noise_resolutions: frozenset[int] | None = None  # the only ones that get noise; None: all

    def __post_init__(self) -> None:
        if not abs(self.psi) <= 100:  # nan too
            raise UsageError(
                f"--psi {self.psi} is not a number from -100 to 100. Use one from 0 to 1; the default is 0.7."
            )
        if self.noise not in NOISES:
            raise UsageError(f"--noise {self.noise} is unknown. Choose one of {', '.join(NOISES)}.")
        if not 0 <= self.noise_seed < 2**64:
            raise UsageError(f"--noise-seed {self.noise_seed} is out of range: it goes from 0 to 2^64 - 1.")


def generate(
    model: LoadedNetworks | str | Path,
    seeds: Sequence[int],
    psi: float = 0.7,
    noise: str = "const",
    noise_seed: int = 0,
    label: int | None = None,
    square: bool = False,
) -> list[Image.Image]:
    """Draw the pictures of SEEDS.

    Args:
        model: what `adatune.load` returns, or what it takes.
        seeds: 0..4294967295; seed s is the latent numpy.random.RandomState(s).randn(1, z_dim).
        psi: truncation towards the mean face; 1 is none.
        noise: "const" (stored with the network), "random" or "none".
        noise_seed: of the random noise, which also depends on the seed of the picture and on nothing else.
        label: class, where the network has classes.
        square: keep the squashed pixels of a network trained on portraits.

    Returns:
        one RGB picture per seed: [resolution * aspect, resolution].

    Raises:
        UsageError: a value is out of range, or a class is missing or superfluous.
        UnreadableNetwork: the file holds no averaged generator.
    """
    networks = model if isinstance(model, LoadedNetworks) else load(model)
    config = SamplingConfig(psi, noise, noise_seed, label, square)
    return [picture for _, picture in draw_pictures(networks, seeds, config)]


def draw_pictures(
    networks: LoadedNetworks, seeds: Sequence[int], config: SamplingConfig
) -> Iterator[tuple[int, Image.Image]]:
    """Each seed with its picture, as soon as it is drawn; the errors are those of `generate`."""
    generator = averaged_generator(networks)
    labels = one_hot(config.label, networks.config)
    for seed in seeds:
        check_seed(seed)
    aspect = 1.0 if config.is_square else networks.aspect
    return (
        (seed, undo_aspect(Image.fromarray(tile), aspect))
        for part in batches(seeds, batch_size(generator))
        for seed, tile in zip(
            part,
            synthesize(
                generator,
                map_latents(
                    generator,
                    latents_of_seeds(part, generator.z_dim),
                    labels,
                    config.psi if config.layer_psi is None else config.layer_psi,
                ),
                noise_of_seeds(generator, part, config),
            ),
            strict=True,
        )
    )


def batch_size(generator: Generator) -> int:
    """How many pictures GENERATOR draws at once, where it is."""
    device = next(generator.parameters()).device
    if device.type == "cuda":
        return batch_on_card(generator.config, card_memory(device))
    return CPU_BATCH if device.type == "cpu" else MPS_BATCH


def batch_on_card(config: NetworkConfig, memory: int) -> int:
    """How many pictures a network draws at once on a card with MEMORY bytes in all: a power of two."""
    features = config.feature_maps(config.resolution) * config.resolution**2
    fitting = int(memory * _CARD_SHARE / (features * _BYTES_PER_FEATURE))
    return 1 << (min(max(fitting, 1), _MOST_ON_CARD).bit_length() - 1)


def batches(items: Sequence[Item], size: int) -> Iterator[list[Item]]:
    """ITEMS in lists of SIZE; the last one may be shorter."""
    return (list(items[start : start + size]) for start in range(0, len(items), size))


def averaged_generator(networks: LoadedNetworks) -> Generator:
    """G_ema of NETWORKS.

    Raises:
        UnreadableNetwork: there is none.
    """
    if networks.G_ema is None:
        raise UnreadableNetwork(
            "The file holds no averaged generator (G_ema), so no pictures can be drawn from it."
        )
    return networks.G_ema


def one_hot(label: int | None, config: NetworkConfig) -> Tensor | None:
    """LABEL as [1, c_dim]; None for a network without classes.

    Raises:
        UsageError: a class is missing, superfluous or out of range.
    """
    if not config.c_dim:
        if label is not None:
            raise UsageError(f"--class {label}: this network was trained without classes. Leave --class out.")
        return None
    if label is None or not 0 <= label < config.c_dim:
        what = "has none" if label is None else f"{label} is not among them"
        raise UsageError(
            f"This network has {config.c_dim} classes and --class {what}. Choose 0 to {config.c_dim - 1}."
        )
    return torch.nn.functional.one_hot(torch.tensor([label]), config.c_dim).float()


def noise_planes(generator: Generator, seeds: Sequence[int], noise_seed: int) -> list[Tensor]:
    """Noise for each layer, [len(seeds), 1, height, width] on the CPU.

    Each plane is a function of NOISE_SEED, its seed and its layer alone.
    """
    samples = torch.tensor(list(seeds), dtype=torch.int64)
    return [
        random.normal(noise_seed, index, Purpose.LAYER_NOISE, samples, layer.resolution**2).reshape(
            len(seeds), 1, layer.resolution, layer.resolution
        )
        for index, layer in enumerate(generator.synthesis.layers)
    ]


def noise_of_seeds(generator: Generator, seeds: Sequence[int], config: SamplingConfig) -> Noise:
    """The noise that CONFIG asks for, where it is drawn one plane a layer for each of SEEDS."""
    if config.noise == "none" or (config.noise == "const" and config.noise_resolutions is None):
        return config.noise
    layers = generator.synthesis.layers
    if config.noise == "random":
        planes = noise_planes(generator, seeds, config.noise_seed)
    else:
        planes = [layer.noise_const[None, None] for layer in layers]
    wanted = config.noise_resolutions
    if wanted is None:
        return planes
    return [
        plane if layer.resolution in wanted else torch.zeros_like(plane)
        for plane, layer in zip(planes, layers, strict=True)
    ]


@torch.no_grad()
def map_latents(
    generator: Generator, latents: Tensor, label: Tensor | None, psi: float | Sequence[float]
) -> Tensor:
    """What the mapping makes of each latent, whichever others are asked for at the same time.

    Args:
        generator: maps, and stays where it is.
        latents: z, [count, z_dim], on any device.
        label: [1, c_dim] for all of them; None where the network has no classes.
        psi: truncation, the same for all w or one of each.

    Returns:
        [count, num_ws, w_dim] on the generator's device.
    """
    device, size = next(generator.parameters()).device, batch_size(generator)
    whole = psi if isinstance(psi, int | float) else 1.0
    label = None if label is None else label.expand(size, -1).to(device)
    with _repeatable():
        parts = [
            generator.mapping(_filled_up(part, size).to(device), label, whole)[: len(part)]
            for part in latents.split(size)
        ]
    ws = torch.cat(parts)
    if isinstance(psi, int | float):
        return ws
    return generator.mapping.w_avg.lerp(ws, torch.tensor(list(psi), device=device)[:, None])


@torch.no_grad()
def synthesize(generator: Generator, ws: Tensor, noise: Noise) -> Pixels:
    """Draw at most `batch_size` pictures, each the same whichever others are drawn with it.

    Args:
        generator: draws, and stays where it is.
        ws: [count, num_ws, w_dim], on any device.
        noise: "const", "none", or one plane [count or 1, 1, height, width] per layer.

    Returns:
        [count, resolution, resolution, 3] uint8 RGB.
    """
    device, size = next(generator.parameters()).device, batch_size(generator)
    if not isinstance(noise, str):
        noise = [(plane if len(plane) == 1 else _filled_up(plane, size)).to(device) for plane in noise]
    with _repeatable():
        return to_pixels(generator.synthesis(_filled_up(ws, size).to(device), noise))[: len(ws)]


def _filled_up(rows: Tensor, size: int) -> Tensor:
    """ROWS in memory of their own, the last one repeated until there are SIZE."""
    return torch.cat([rows, rows[-1:].expand(size - len(rows), *rows.shape[1:])])


def _repeatable() -> AbstractContextManager[None]:
    """The same bits each time on one card: no trial of algorithms, additions in one order, no TF32."""
    return torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False)
