"""Turns what people type for --freezed, --freezeg and --freezem into counts of layers and blocks."""

import re

from adatune.errors import UsageError
from adatune.networks.config import NetworkConfig
from adatune.training.freeze import discriminator_layers

_BLOCK = re.compile(r"b(\d+)")


def count_freeze_d(text: str, network: NetworkConfig) -> int:
    """Discriminator layers held, from the image side: TEXT is their number, or 'b128' for through that block.

    Raises:
        UsageError: there is no such block, or there are not so many layers.
    """
    layers = discriminator_layers(network)
    block = _BLOCK.fullmatch(text)
    if block is None:
        return _count("--freezed", text, len(layers), "layers that can freeze", "b128")
    ends = [index for index, name in enumerate(layers) if name.startswith(f"{text}.")]
    if not ends:
        blocks = ", ".join(dict.fromkeys(name.split(".")[0] for name in layers))
        raise UsageError(
            f"--freezed {text} is no block of this discriminator that can freeze. Choose from {blocks}."
        )
    return ends[-1] + 1


def count_freeze_g(text: str, network: NetworkConfig) -> int:
    """Synthesis blocks held, from 4x4 up: TEXT is their number, or 'b16' for through that block.

    Raises:
        UsageError: there is no such block, or there are not so many.
    """
    block = _BLOCK.fullmatch(text)
    if block is None:
        return _count("--freezeg", text, len(network.resolutions), "synthesis blocks", "b16")
    if int(block[1]) not in network.resolutions:
        names = ", ".join(f"b{resolution}" for resolution in network.resolutions)
        raise UsageError(f"--freezeg {text} is no block of this generator. Choose from {names}.")
    return network.resolutions.index(int(block[1])) + 1


def count_freeze_m(text: str, network: NetworkConfig) -> int:
    """Mapping layers held, from the latent's side.

    Raises:
        UsageError: TEXT is no number, or there are not so many.
    """
    return _count("--freezem", text, network.mapping_layers, "mapping layers", "")


def _count(option: str, text: str, most: int, things: str, example: str) -> int:
    if not text.isdecimal():
        other = f", or a block such as {example}" if example else ""
        raise UsageError(f"{option} {text} is not understood. Give a number from 0 to {most}{other}.")
    if int(text) > most:
        raise UsageError(f"{option} {text} is too many: this network has {most} {things}.")
    return int(text)
