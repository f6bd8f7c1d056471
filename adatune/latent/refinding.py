"""The test of a projection on itself: pictures of the network are looked for, whose w are known."""

from torch import Tensor

from adatune.checkpoints import LoadedNetworks
from adatune.latent.projection import in_spreads, spread_of_w
from adatune.latent.sampling import (
    averaged_generator,
    batch_size,
    map_latents,
    one_hot,
    synthesize,
)
from adatune.latent.seeds import latents_of_seeds
from adatune.latent.targets import Target

PSI = 0.7  # truncation of the pictures, as `generate` draws them


def generated_targets(networks: LoadedNetworks, count: int, label: int | None = None) -> list[Target]:
    """The pictures of seeds 0 to COUNT - 1 as targets, with the network's own noise.

    Raises:
        UsageError: a class is missing or superfluous.
        UnreadableNetwork: there is no averaged generator.
    """
    generator = averaged_generator(networks)
    ws = _true_ws(networks, count, label)
    parts = ws.split(batch_size(generator))
    tiles = [tile for part in parts for tile in synthesize(generator, part, "const")]
    return [Target(f"seed{seed:04d}", f"seed {seed}", tile) for seed, tile in enumerate(tiles)]


def w_distances(
    networks: LoadedNetworks, found: Tensor, label: int | None = None
) -> list[tuple[float, float]]:
    """How far w that were found for `generated_targets` lie from those that drew them, in spreads of w.

    Args:
        networks: as there.
        found: [count, num_ws, w_dim], in the order of the targets.
        label: as there.

    Returns: for each, the distance and what it was at the start, from the mean w.
    """
    generator = averaged_generator(networks)
    spread = spread_of_w(generator, label)
    true = _true_ws(networks, len(found), label).to(found)
    mean = spread.mean.to(found)
    return list(zip(in_spreads(found - true, spread), in_spreads(mean - true, spread), strict=True))


def _true_ws(networks: LoadedNetworks, count: int, label: int | None) -> Tensor:
    generator = averaged_generator(networks)
    latents = latents_of_seeds(range(count), generator.z_dim)
    return map_latents(generator, latents, one_hot(label, networks.config), PSI)
