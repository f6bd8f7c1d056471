"""A network as a table: what each layer has to learn, what it stores, and what comes out of it.

The networks are built and run on torch's meta device, which computes shapes and nothing else: a table of the
1024x1024 network takes a fraction of a second and no memory.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from adatune.networks.config import NetworkConfig
from adatune.networks.discriminator import Discriminator
from adatune.networks.generator import Generator, SynthesisLayer, ToRGBLayer
from adatune.networks.layers import Conv2dLayer, FullyConnectedLayer

_LAYERS = (SynthesisLayer, ToRGBLayer, Conv2dLayer, FullyConnectedLayer)
Shape = tuple[int, ...]


@dataclass(frozen=True)
class LayerRow:
    """One line of the table. A block's own line counts what belongs to none of its layers."""

    name: str
    parameters: int  # numbers to learn
    buffers: int  # numbers that are stored but not learnt
    output_shape: Shape  # for one image
    weight_shape: Shape | None
    dtype: str  # float32 or float16: what it runs in on a GPU


@dataclass(frozen=True)
class NetworkSummary:
    """All rows of a network, in the order in which it runs, and their sums."""

    rows: list[LayerRow]
    parameters: int
    buffers: int


def summarize_generator(config: NetworkConfig) -> NetworkSummary:
    """The table of the generator of CONFIG, for a batch of one."""
    with torch.device("meta"):
        inputs = (torch.empty(1, config.z_dim), torch.empty(1, config.c_dim))
        return _summarize(Generator(config), inputs, config)


def summarize_discriminator(config: NetworkConfig) -> NetworkSummary:
    """The table of the discriminator of CONFIG, for a batch of one."""
    with torch.device("meta"):
        inputs = (
            torch.empty(1, config.channels, config.resolution, config.resolution),
            torch.empty(1, config.c_dim),
        )
        return _summarize(Discriminator(config), inputs, config)


def _summarize(network: nn.Module, inputs: tuple[Tensor, Tensor], config: NetworkConfig) -> NetworkSummary:
    rows: list[LayerRow] = []

    def record(name: str, is_layer: bool) -> Any:
        def hook(module: nn.Module, _inputs: Any, outputs: Any) -> None:
            rows.append(_row(name, module, is_layer, _first_shape(outputs), config))

        return hook

    hooks = [
        module.register_forward_hook(record(name, is_layer)) for name, module, is_layer in _lines(network)
    ]
    with torch.no_grad():
        network(*inputs)
    for hook in hooks:
        hook.remove()
    return NetworkSummary(rows, sum(row.parameters for row in rows), sum(row.buffers for row in rows))


def _lines(network: nn.Module) -> list[tuple[str, nn.Module, bool]]:
    """The modules that get a line: layers with all that is in them, and others with a tensor of their own."""
    lines: list[tuple[str, nn.Module, bool]] = []
    inside = ""
    for name, module in network.named_modules():
        if inside and name.startswith(inside):
            continue
        if isinstance(module, _LAYERS):
            lines.append((name, module, True))
            inside = f"{name}."
        elif _own(module):
            lines.append((name, module, False))
    return lines


def _own(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(recurse=False), *module.buffers(recurse=False)]


def _row(name: str, module: nn.Module, is_layer: bool, shape: Shape, config: NetworkConfig) -> LayerRow:
    weight = getattr(module, "weight" if is_layer else "const", None)
    return LayerRow(
        name=name,
        parameters=_count(module.parameters(recurse=is_layer)),
        buffers=_count(module.buffers(recurse=is_layer)),
        output_shape=shape,
        weight_shape=tuple(weight.shape) if isinstance(weight, Tensor) else None,
        dtype=_dtype(name, shape, config),
    )


def _count(tensors: Iterable[Tensor]) -> int:
    return sum(tensor.numel() for tensor in tensors)


def _first_shape(outputs: Any) -> Shape:
    """The shape of an output; of a pair (features, picture) that of the features, if there are any."""
    candidates: tuple[Any, ...] = outputs if isinstance(outputs, tuple) else (outputs,)
    return next((tuple(value.shape) for value in candidates if isinstance(value, Tensor)), ())


def _dtype(name: str, shape: Shape, config: NetworkConfig) -> str:
    """Half precision belongs to blocks; the mapping and the sum of the RGB images are fp32."""
    block = next((part for part in name.split(".") if part[:1] == "b" and part[1:].isdigit()), None)
    return "float16" if block and config.is_fp16(int(block[1:])) else "float32"
