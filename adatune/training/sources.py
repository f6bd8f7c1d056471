"""The networks that a run starts from: freshly drawn, or those of a source network."""

import copy
from dataclasses import replace

import torch

from adatune.checkpoints import load
from adatune.errors import RunError
from adatune.networks import Discriminator, Generator
from adatune.training.config import TrainConfig

Networks = tuple[Generator, Discriminator, Generator]  # G, D, G_ema


def starting_networks(config: TrainConfig) -> Networks:
    """G, D and G_ema on the CPU, as CONFIG says.

    Raises:
        RunError: the source has no discriminator, or is of another architecture than CONFIG.
        UnreadableNetwork, DownloadFailed: the source cannot be read.
    """
    if not config.resume:
        return fresh_networks(config)
    source = load(config.resume)
    if source.D is None or source.G is None or source.G_ema is None:
        raise RunError(
            f"{config.resume} holds no discriminator, so nothing can be trained from it "
            "(was it saved with --light?). Use a file with both networks, or a name such as ffhq512."
        )
    training_choices = {"mbstd_group": config.mbstd_group, "num_fp16_res": config.num_fp16_res}
    if replace(source.config, **training_choices) != config.network:
        raise RunError(
            f"{config.resume} is not of the architecture that this run was planned for. "
            "Start a new run with 'adatune train --resume', which reads the architecture from the file."
        )
    G, D, G_ema = fresh_networks(config)
    for network, trained in ((G, source.G), (D, source.D), (G_ema, source.G_ema)):
        network.load_state_dict(trained.state_dict())
    return G, D, G_ema


def fresh_networks(config: TrainConfig) -> Networks:
    """Newly drawn networks, the same on every device for the same seed; G_ema is a copy of G."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        G, D = Generator(config.network), Discriminator(config.network)
    return G, D, copy.deepcopy(G)
