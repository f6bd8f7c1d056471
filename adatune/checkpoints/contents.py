"""What a network file holds, whatever its format, and the step from there to networks that are whole.

A network is first built without memory (on torch's meta device) and compared with the file, name by name and
shape by shape. A file that does not fit is refused; one that lies about its size costs nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, fields
from typing import Any

import torch
from torch import Tensor, nn

from adatune.errors import UnreadableNetwork
from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.networks.layers import FILTER_TAPS
from adatune.ops.upfirdn2d import resampling_filter

Weights = dict[str, Tensor]

# Far beyond any published network; a file that asks for more wants to exhaust the machine.
_LIMITS = {
    "channels": 64,
    "z_dim": 16384,
    "w_dim": 16384,
    "c_dim": 1_000_000,
    "mapping_layers": 64,
    "d_mapping_layers": 64,
    "channel_base": 2**24,
    "channel_max": 16384,
    "num_fp16_res": 16,
    "mbstd_group": 65536,
}


@dataclass(frozen=True)
class Contents:
    """Everything read from a network file, not yet built."""

    config: NetworkConfig
    G: Weights | None
    D: Weights | None
    G_ema: Weights | None
    augment_p: float | None = None  # the augmentation strength that the file was saved with
    aspect: float = 1.0  # height over width of the crops that were squashed to squares
    metadata: dict[str, Any] = field(default_factory=dict[str, Any])


@dataclass
class LoadedNetworks:
    """Networks out of a file, in evaluation mode and without gradients."""

    config: NetworkConfig
    G: Generator | None  # as trained
    D: Discriminator | None
    G_ema: Generator | None  # the average over training that pictures are made with
    augment_p: (
        float | None
    )  # strength of the augmentation when it was saved; None where the file does not say
    aspect: float  # height over width of the crops that were squashed to squares
    metadata: dict[str, Any]  # what else the file says about itself


def checked_config(values: dict[str, Any]) -> NetworkConfig:
    """The NetworkConfig of VALUES, which come from a file and are not to be trusted.

    Raises:
        UnreadableNetwork: a value has the wrong type, is out of range, or is of no known field.
    """
    unknown = values.keys() - {f.name for f in fields(NetworkConfig)}
    if unknown:
        raise UnreadableNetwork(
            f"describes its networks with {_listed(unknown)}, which this version does not know. Upgrade "
            "adatune."
        )
    for name, value in values.items():
        limit = _LIMITS.get(name)
        if limit is None or (name == "mbstd_group" and value is None):
            continue
        if type(value) is not int or not 0 <= value <= limit:
            raise UnreadableNetwork(f"describes networks that cannot be: {name} must be from 0 to {limit:,}.")
    for name in ("conv_clamp", "mapping_lr_mul", "d_mapping_lr_mul"):
        value: Any = values.get(name, 1)
        if value is None and name == "conv_clamp":
            continue
        if not isinstance(value, int | float) or isinstance(value, bool) or not 0 < value < 1e9:
            raise UnreadableNetwork(f"describes networks that cannot be: {name} must be a positive number.")
    try:
        return NetworkConfig(**values)
    except (ValueError, TypeError) as error:
        raise UnreadableNetwork(f"describes networks that cannot be built: {error}.") from error


def build_networks(contents: Contents, device: torch.device) -> LoadedNetworks:
    """The networks of CONTENTS on DEVICE, in fp32, each exactly as in the file.

    Raises:
        UnreadableNetwork: the weights are not those of the architecture that the file declares.
    """

    def build(kind: type[Generator] | type[Discriminator], name: str, weights: Weights | None) -> Any:
        return None if weights is None else _build(kind, name, weights, contents.config).to(device)

    return LoadedNetworks(
        contents.config,
        G=build(Generator, "G", contents.G),
        D=build(Discriminator, "D", contents.D),
        G_ema=build(Generator, "G_ema", contents.G_ema),
        augment_p=contents.augment_p,
        aspect=contents.aspect,
        metadata=contents.metadata,
    )


def _build(kind: type[nn.Module], name: str, weights: Weights, config: NetworkConfig) -> nn.Module:
    with torch.device("meta"):
        network = kind(config)  # pyright: ignore[reportCallIssue]
    expected = network.state_dict()
    # TensorFlow files do not store the filter: it is the same in every network.
    filters = {
        n: resampling_filter(FILTER_TAPS)
        for n in expected
        if n.endswith("resample_filter") and n not in weights
    }
    weights = weights | filters
    _compare(name, weights, expected)
    network.load_state_dict({n: w.to(torch.float32) for n, w in weights.items()}, assign=True)
    return network.eval().requires_grad_(False)


def _compare(name: str, weights: Weights, expected: Weights) -> None:
    missing, extra = expected.keys() - weights.keys(), weights.keys() - expected.keys()
    if missing or extra:
        lacks = f" It lacks {_listed(missing)}." if missing else ""
        has = f" It has {_listed(extra)}." if extra else ""
        raise UnreadableNetwork(
            f"holds a network {name} that does not fit its own description.{lacks}{has} "
            "It is damaged or of another kind than StyleGAN2; nothing was loaded."
        )
    for key, tensor in expected.items():
        if weights[key].shape != tensor.shape:
            raise UnreadableNetwork(
                f"holds a network {name} that does not fit its own description: {key} is "
                f"{list(weights[key].shape)} "
                f"and should be {list(tensor.shape)}. Nothing was loaded."
            )


def _listed(names: Iterable[str]) -> str:
    listed = sorted(names)
    return ", ".join(name[:60] for name in listed[:3]) + (
        f" and {len(listed) - 3} more" if len(listed) > 3 else ""
    )
