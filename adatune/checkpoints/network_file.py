"""adatune's own network files: safetensors with one metadata key, the same bytes for the same network.

They hold weights and a description and nothing else: no code, no time, no path, no host name.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from adatune.checkpoints.contents import Contents, Weights, checked_config
from adatune.errors import UnreadableNetwork
from adatune.home import write_atomically
from adatune.networks import Discriminator, Generator, NetworkConfig

FORMAT = 1
_KEY = "adatune"  # one key: safetensors writes several in random order
_NETWORKS = ("G_ema", "D", "G")


def save_network(
    path: Path | str,
    G_ema: Generator,
    D: Discriminator | None = None,
    G: Generator | None = None,
    config: NetworkConfig | None = None,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write networks to PATH (.safetensors), whole or not at all.

    Args:
        path: the file to make or replace.
        G_ema: the averaged generator.
        D: the discriminator; without it the file cannot start another run.
        G: the generator as trained, where it matters; readers take a copy of G_ema in its place.
        config: of the networks; default: that of G_ema.
        metadata: plain values for JSON. `aspect` (height over width of the crops) and `augment_p` come back
            as attributes of what `load` returns; anything else in its `metadata`.

    Raises:
        ValueError: the metadata holds NaN or infinity.
    """
    networks = {"G_ema": G_ema, "D": D, "G": G}
    weights = {name: network.state_dict() for name, network in networks.items() if network is not None}
    save_weights(path, weights, G_ema.config if config is None else config, metadata)


def save_weights(
    path: Path | str,
    networks: Mapping[str, Mapping[str, Tensor]],
    config: NetworkConfig,
    metadata: dict[str, Any] | None = None,
) -> None:
    """Write the `state_dict` of each of NETWORKS (G_ema; D and G where wanted); otherwise as `save_network`.

    Raises:
        ValueError: the metadata holds NaN or infinity.
    """
    tensors = {
        f"{name}.{key}": _plain(networks[name][key])
        for name in _NETWORKS
        if name in networks
        for key in networks[name]
    }
    description = {**(metadata or {}), "config": config.to_dict(), "format": FORMAT}
    text = json.dumps(description, sort_keys=True, allow_nan=False, ensure_ascii=True)
    # Not save_file: it makes files that nobody else may read.
    write_atomically(Path(path), lambda temporary: temporary.write_bytes(save(tensors, {_KEY: text})))


def _plain(tensor: Tensor) -> Tensor:
    # Cloned: a file may not hold two names for one memory, and the layout must not depend on channels-last.
    return tensor.detach().to("cpu", torch.float32).contiguous().clone()


def read_network_file(path: Path) -> Contents:
    """The networks in a safetensors file written by `save_network`.

    A file without G gives a copy of G_ema in its place, so that training can start from it.

    Raises:
        UnreadableNetwork: it is damaged, by another program, or by a newer adatune.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            description = _description(file.metadata())
            # Cloned: the tensors are views of the file, which may be replaced while they are in use.
            tensors = {name: file.get_tensor(name).clone() for name in file.keys()}  # noqa: SIM118  # no dict
    except SafetensorError as error:
        raise UnreadableNetwork(
            f"is a damaged or cut-off safetensors file ({error}). Download or copy it again."
        ) from error
    weights = {name: _part(tensors, name) for name in _NETWORKS}
    if not weights["G_ema"] or sum(len(w) for w in weights.values()) != len(tensors):
        raise UnreadableNetwork(
            "has no averaged generator (G_ema), or tensors of another kind: it is damaged."
        )
    config = checked_config(description.pop("config"))
    return Contents(
        config,
        G=weights["G"] or {name: tensor.clone() for name, tensor in weights["G_ema"].items()},
        D=weights["D"] or None,
        G_ema=weights["G_ema"],
        augment_p=_number(description, "augment_p", None),
        aspect=_number(description, "aspect", 1.0),
        metadata=description,
    )


def _part(tensors: Weights, network: str) -> Weights:
    prefix = f"{network}."
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _description(metadata: dict[str, str] | None) -> dict[str, Any]:
    """The JSON in a file's metadata."""
    if not metadata or _KEY not in metadata:
        raise UnreadableNetwork(
            "is a safetensors file that adatune did not write, so it does not say what network its tensors "
            "are. "
            "Use the original .pkl, or a network-*.safetensors of a run."
        )
    try:
        description = json.loads(metadata[_KEY])
        written, config = description["format"], description["config"]
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise UnreadableNetwork(
            "has a description that cannot be read: it is damaged. Get the file again."
        ) from error
    if not isinstance(written, int) or written > FORMAT:
        raise UnreadableNetwork(
            f"was written by a newer adatune (format {written}; this one knows {FORMAT}). Upgrade adatune."
        )
    if not isinstance(config, dict):
        raise UnreadableNetwork("has a description that cannot be read: it is damaged. Get the file again.")
    return description


def _number(description: dict[str, Any], name: str, default: float | None) -> Any:
    value: Any = description.pop(name, default)
    if value is default:
        return value
    if type(value) not in (int, float) or not 0 <= value < 1000:
        raise UnreadableNetwork(
            f"has a description that makes no sense: {name} must be a number from 0 up. Get the file again."
        )
    return float(value)
