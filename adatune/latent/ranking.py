"""Which seeds to look at: by the discriminator's score, by likeness to photos, and a varied few of many.

Pictures are judged as they are saved, in whole levels of 255, and one at a time, so that what is said of one
does not depend on the others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from adatune.checkpoints import LoadedNetworks
from adatune.errors import UnreadableNetwork
from adatune.images import Pixels
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
from adatune.metrics.distances import map_distance
from adatune.metrics.features import Features
from adatune.networks import Discriminator

Numbers = NDArray[np.float64]

_CELLS = 4  # a side: coarse enough to compare a thousand pictures in memory, fine enough to see a pose


def draw_tiles(
    networks: LoadedNetworks, seeds: Sequence[int], config: SamplingConfig
) -> Iterator[tuple[int, Pixels]]:
    """Each seed with its square picture as the network makes it; the errors are those of `generate`."""
    generator = averaged_generator(networks)
    label = one_hot(config.label, networks.config)
    psi = config.psi if config.layer_psi is None else config.layer_psi
    for part in batches(seeds, batch_size(generator)):
        ws = map_latents(generator, latents_of_seeds(part, generator.z_dim), label, psi)
        yield from zip(part, synthesize(generator, ws, noise_of_seeds(generator, part, config)), strict=True)


def tile_to_image(tile: Pixels, channels: int, device: torch.device) -> Tensor:
    """TILE [side, side, 3], uint8, as networks see it: [1, channels, side, side] in [-1, 1]."""
    if channels == 1:
        tile = np.asarray(Image.fromarray(tile).convert("L"))[:, :, None]
    image = torch.from_numpy(np.array(tile)).to(device, torch.float32)
    return image.permute(2, 0, 1)[None] / 127.5 - 1


def discriminator_of(networks: LoadedNetworks) -> Discriminator:
    """D of NETWORKS.

    Raises:
        UnreadableNetwork: the file holds none.
    """
    if networks.D is None:
        raise UnreadableNetwork(
            "This file holds no discriminator to score pictures with. Name one that does: a run's own "
            "network-*.safetensors made without --light, or a published .pkl."
        )
    return networks.D


@torch.no_grad()
def discriminator_score(D: Discriminator, image: Tensor, label: Tensor | None) -> float:
    """The logit of IMAGE [1, channels, resolution, resolution]: the higher, the more like the training set.

    Alone in its batch, so its minibatch deviation is 0: scores are comparable with each other, not with those
    of training.

    Args:
        D: judges.
        image: in [-1, 1].
        label: [1, c_dim]; None where the network has no classes.
    """
    return float(D(image, None if label is None else label.to(image.device)))


@torch.no_grad()
def distances_to(
    features: Features, image: Tensor, photos: Sequence[tuple[Tensor, list[Tensor]]]
) -> list[float]:
    """Perceptual distance of IMAGE [1, channels, side, side] to each of PHOTOS, themselves and their maps.

    Features that hardly see the brightness say how much the pixels' mean squared difference counts as well.
    """
    maps = features.maps(image)
    return [
        float(map_distance(maps, wanted)) + features.pixel_weight * float((image - photo).square().mean())
        for photo, wanted in photos
    ]


def measure_in_words(features: Features) -> str:
    """What distances by FEATURES are made of."""
    return f"{features.name} and pixels" if features.pixel_weight else features.name


@torch.no_grad()
def coarse_vector(features: Features, image: Tensor) -> Tensor:
    """What FEATURES see in IMAGE [1, channels, side, side], averaged over a grid of 4 x 4: [dim], on the CPU.

    The squared distance of two such vectors is at most that of the pictures by `distances_to` (averages
    differ no more than what they are of), and it still tells where in the picture things are.
    """
    parts: list[Tensor] = []
    pixels = image * (features.pixel_weight / image[0].numel()) ** 0.5
    for x in [*features.maps(image), pixels]:
        cells = min(_CELLS, x.shape[2])
        scale = (x.shape[2] * x.shape[3]) ** 0.5 / cells
        parts.append((F.adaptive_avg_pool2d(x, cells) * scale).flatten())
    return torch.cat(parts).cpu()


def distance_matrix(vectors: Tensor) -> Numbers:
    """Distances between all pairs of VECTORS [count, dim]: [count, count], 0 on the diagonal."""
    found = torch.cdist(vectors.double(), vectors.double(), compute_mode="donot_use_mm_for_euclid_dist")
    return found.numpy()


def pick_varied(distances: Numbers, scores: Sequence[float] | None, count: int) -> list[int]:
    """The indices of COUNT pictures that differ from each other, better ones preferred.

    Greedy farthest points: begin with the best picture (without scores with the most typical one, of the
    least mean distance), then again and again take the one with the largest product of its distance to the
    nearest taken one and its weight. The weight is the square root of the share of pictures that score no
    better, so that the odd ones out are not taken because they are broken. The share itself costs spread:
    10 of 100 demo pictures came to 0.77 and not 0.83 (random picks 0.61, the best of 500 0.78; unweighted
    0.89).

    Args:
        distances: [n, n], symmetric.
        scores: [n], higher is better; None weighs all the same.
        count: how many; at most n are returned.

    Source: Gonzalez 1985, "Clustering to minimize the maximum intercluster distance".
    """
    n = len(distances)
    weights = np.ones(n) if scores is None else np.sqrt(quality_weights(scores))
    start = int(np.argmin(distances.mean(axis=0))) if scores is None else int(np.argmax(scores))
    taken, nearest = [start], distances[start].copy()
    while len(taken) < min(count, n):
        gains = nearest * weights
        gains[taken] = -1.0
        taken.append(int(np.argmax(gains)))
        nearest = np.minimum(nearest, distances[taken[-1]])
    return taken


def quality_weights(scores: Sequence[float]) -> Numbers:
    """For each of SCORES the share of them that are no higher: from 1/n for the worst to 1 for the best."""
    values = np.asarray(scores, np.float64)
    return np.searchsorted(np.sort(values), values, side="right") / len(values)


def smallest_distance(distances: Numbers, chosen: Sequence[int]) -> float:
    """The least distance between two of CHOSEN; 0 for fewer than two."""
    part = distances[np.ix_(list(chosen), list(chosen))]
    apart = part[~np.eye(len(chosen), dtype=bool)]
    return float(apart.min()) if apart.size else 0.0


def order_by(values: Sequence[float], is_descending: bool) -> list[int]:
    """The indices of VALUES from the best on; equal ones stay in their order.

    Args:
        values: what counts.
        is_descending: the highest is the best.
    """
    sign = -1 if is_descending else 1
    return sorted(range(len(values)), key=lambda index: sign * values[index])


def judge_all(
    tiles: Iterable[tuple[int, Pixels]], judge: Callable[[Pixels], float], keep: int, is_descending: bool
) -> tuple[list[float], dict[int, Pixels]]:
    """What JUDGE says of each of TILES, and the KEEP best of them by index: no more are ever in memory."""
    values: list[float] = []
    kept: dict[int, Pixels] = {}
    sign = -1 if is_descending else 1
    for index, (_, tile) in enumerate(tiles):
        values.append(judge(tile))
        kept[index] = tile
        if len(kept) > keep:
            del kept[max(kept, key=lambda other: (sign * values[other], other))]
    return values, kept
