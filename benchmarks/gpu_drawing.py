"""For gpu_minutes.py: `generate` against the bare synthesis loop, and how long `project` takes.

Never run on a card so far.
"""

import time
from typing import Any, NamedTuple

import torch
from generate import compare

from adatune.checkpoints import LoadedNetworks
from adatune.kernels import ops_mode
from adatune.latent.project_photos import Projected, project_photos, step_count
from adatune.latent.projection import config_of_length
from adatune.latent.refinding import generated_targets
from adatune.metrics.features import discriminator_features
from adatune.networks import Discriminator, Generator, NetworkConfig


class Drawing(NamedTuple):
    """One way to draw."""

    resolution: int
    channel_base: int
    pictures: int  # for generate
    photos: int  # that are projected at once
    steps: int  # in W; half as many follow in W+
    ops: Any  # torch, auto


DRAWN = {
    "512 fused": Drawing(512, 32768, 64, 1, 1000, "auto"),
    "512 plain": Drawing(512, 32768, 64, 1, 200, "torch"),
    "256 fused": Drawing(256, 16384, 64, 4, 200, "auto"),
}


def generation(drawing: Drawing, device: torch.device, rounds: int) -> dict[str, Any]:
    """Seconds of `generate`, files and all, and of the bare loop, in turns; and their ratio."""
    with ops_mode(drawing.ops):
        return compare(drawing.resolution, drawing.channel_base, drawing.pictures, rounds, device)


def projection(drawing: Drawing, device: torch.device) -> dict[str, Any]:
    """Seconds of a projection into W and W+ of a random network, compared by its discriminator; memory."""
    torch.manual_seed(0)
    config = NetworkConfig(resolution=drawing.resolution, channel_base=drawing.channel_base)
    G, D = (
        network.eval().requires_grad_(False).to(device)
        for network in (Generator(config), Discriminator(config))
    )
    networks, features = LoadedNetworks(config, None, D, G, None, 1.0, {}), discriminator_features(D)
    targets = generated_targets(networks, drawing.photos)

    def project(steps: int) -> float:
        found: list[Projected] = []
        search = config_of_length(steps, "w+", 0)
        started = time.perf_counter()
        for _ in project_photos(networks, features, targets, search, drawing.photos, found.append):
            pass
        return time.perf_counter() - started  # results have been read: the card is done

    with ops_mode(drawing.ops):
        project(2)  # compiles the kernels
        seconds = project(drawing.steps)
    steps = step_count(drawing.photos, config_of_length(drawing.steps, "w+", 0), drawing.photos)
    memory = torch.cuda.max_memory_reserved(device) if device.type == "cuda" else 0
    return {
        **drawing._asdict(),
        "seconds": seconds,
        "ms_a_step": 1000 * seconds / steps,
        "memory_gb": memory / 2**30,
    }
