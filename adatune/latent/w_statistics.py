"""What the mapping makes of many latents: the cloud of w, and how wide it is along a direction."""

import numpy as np
import torch
from torch import Tensor

from adatune.networks import Generator

SEED = 123  # of the latents that statistics are taken of, as in the published projector
SPREAD_COUNT = 10_000  # w that measure how wide the cloud is
_BATCH = 1000


@torch.no_grad()
def draw_ws(generator: Generator, count: int, label: Tensor | None, seed: int = SEED) -> Tensor:
    """The w of COUNT random latents, untruncated.

    Args:
        generator: maps, and stays where it is.
        count: how many.
        label: [1, c_dim] for all of them; None where the network has no classes.
        seed: of numpy's RandomState.

    Returns:
        [count, w_dim], float32, on the CPU; the first ones do not depend on COUNT.
    """
    device, random = next(generator.parameters()).device, np.random.RandomState(seed)
    label = None if label is None else label.expand(_BATCH, -1).to(device)
    parts: list[Tensor] = []
    for _ in range(0, count, _BATCH):  # whole batches, or the last bits would follow COUNT
        latents = torch.from_numpy(random.randn(_BATCH, generator.z_dim)).float().to(device)
        parts.append(generator.mapping(latents, label)[:, 0].cpu())
    return torch.cat(parts)[:count]


def deviations_along(ws: Tensor, vectors: Tensor) -> Tensor:
    """Standard deviations [count] of WS [n, w_dim] along the unit VECTORS [count, w_dim], float64."""
    centred = ws.double() - ws.double().mean(dim=0)
    return (centred @ vectors.double().T).std(dim=0)
