"""Networks out of the pickles that the published PyTorch code writes.

Such a file holds a dictionary of persistent objects, each a module's `__dict__` beside its source text.
The text is never looked at: weights and buffers are collected by name, and the architecture is read from
the arguments that the networks were made with.
"""

import re
from typing import Any

from torch import Tensor

from adatune.checkpoints.contents import Contents, Weights, checked_config
from adatune.checkpoints.pickled_values import read_number, read_tensor
from adatune.checkpoints.restricted_pickle import Record, as_dict, describe
from adatune.errors import UnreadableNetwork

_PERSISTENT = "torch_utils.persistence._reconstruct_persistent_obj"
_MAX_DEPTH = 12  # of modules in modules; published networks have 5 levels
_MAX_MODULES = 5000
_STYLEGAN3_OPTIONS = {
    "magnitude_ema_beta",
    "num_critical",
    "first_cutoff",
    "filter_size",
    "use_radial_filters",
}


def read_pytorch(root: dict[Any, Any], file_size: int) -> Contents:
    """The networks in ROOT, the dictionary of a published PyTorch pickle.

    Args:
        root: what `read_pickle` returned.
        file_size: bytes; the tensors together may not be much larger.

    Raises:
        UnreadableNetwork: it holds no StyleGAN2 networks, or they are damaged.
    """
    states = {name: _state(root[name]) for name in ("G", "D", "G_ema") if root.get(name) is not None}
    generator = states.get("G_ema") or states.get("G")
    if generator is None:
        raise UnreadableNetwork(
            "is a pickle, but holds no generator (G or G_ema): it is no StyleGAN2 network."
        )
    _refuse_stylegan3(generator)
    config = checked_config(
        _generator_options(generator) | _discriminator_options(states.get("D"), generator)
    )
    collector = _Collector(byte_budget=4 * file_size + 2**20)
    weights = {name: collector.collect(state) for name, state in states.items()}
    return Contents(
        config,
        weights.get("G"),
        weights.get("D"),
        weights.get("G_ema"),
        augment_p=_augment_p(root.get("augment_pipe")),
        metadata={"kind": "PyTorch pickle"},
    )


def _state(value: Any) -> dict[Any, Any]:
    """The `__dict__` of a persistent object."""
    if not isinstance(value, Record) or value.name != _PERSISTENT or len(value.arguments) != 1:
        raise UnreadableNetwork(
            f"holds {describe(value)} where a network belongs: it is no StyleGAN2 pickle."
        )
    return as_dict(as_dict(value.arguments[0]).get("state"))


def _options(state: dict[Any, Any]) -> dict[Any, Any]:
    """The keyword arguments that a network was made with."""
    if state.get("_init_kwargs") is None:
        raise UnreadableNetwork("does not say how its networks were made (no _init_kwargs): it is damaged.")
    return as_dict(state["_init_kwargs"])


def _refuse_stylegan3(state: dict[Any, Any]) -> None:
    modules = as_dict(state.get("_modules"))
    synthesis = as_dict(_state(modules["synthesis"]).get("_modules")) if "synthesis" in modules else {}
    layered = any(isinstance(name, str) and re.match(r"input$|L\d+_\d+", name) for name in synthesis)
    if layered or _STYLEGAN3_OPTIONS & _options(state).keys():
        raise UnreadableNetwork(
            "is a StyleGAN3 network; adatune trains and reads StyleGAN2. Use a StyleGAN2 file, such as "
            "ffhq512."
        )


def _generator_options(state: dict[Any, Any]) -> dict[str, Any]:
    """Fields of NetworkConfig from the generator's arguments.

    The later code base has no `synthesis_kwargs`: its options stand at the top level, with other defaults.
    """
    options = _options(state)
    is_later = "synthesis_kwargs" not in options
    synthesis = options if is_later else as_dict(options["synthesis_kwargs"])
    mapping = as_dict(options.get("mapping_kwargs", {}))
    _refuse_activations(synthesis, mapping)
    return {
        "resolution": _number(options, "img_resolution"),
        "channels": _number(options, "img_channels", 3),
        "z_dim": _number(options, "z_dim", 512),
        "w_dim": _number(options, "w_dim", 512),
        "c_dim": _number(options, "c_dim", 0),
        "mapping_layers": _number(mapping, "num_layers", 8),
        "mapping_lr_mul": _number(mapping, "lr_multiplier", 0.01),
        "channel_base": _number(synthesis, "channel_base", 32768),
        "channel_max": _number(synthesis, "channel_max", 512),
        "g_architecture": synthesis.get("architecture", "skip"),
        "num_fp16_res": _number(synthesis, "num_fp16_res", 4 if is_later else 0),
        "conv_clamp": _number(synthesis, "conv_clamp", 256 if is_later else None),
    }


def _discriminator_options(state: dict[Any, Any] | None, generator: dict[Any, Any]) -> dict[str, Any]:
    """Fields of NetworkConfig that only the discriminator has.

    Raises:
        UnreadableNetwork: what both networks share differs between them, which one NetworkConfig cannot hold.
    """
    if state is None:
        return {}
    options, shared = _options(state), _generator_options(generator)
    mapping, epilogue = (
        as_dict(options.get("mapping_kwargs", {})),
        as_dict(options.get("epilogue_kwargs", {})),
    )
    _refuse_activations(options, mapping, epilogue, as_dict(options.get("block_kwargs", {})))
    is_later = "synthesis_kwargs" not in _options(generator)
    if _number(options, "conv_clamp", 256 if is_later else None) != shared["conv_clamp"]:
        raise UnreadableNetwork(
            "clamps its generator and its discriminator differently, which adatune cannot represent."
        )
    return {
        "d_architecture": options.get("architecture", "resnet"),
        "mbstd_group": _number(epilogue, "mbstd_group_size", 4),
        "d_mapping_layers": _number(mapping, "num_layers", 8),
        "d_mapping_lr_mul": _number(mapping, "lr_multiplier", 0.01),
    }


def _number(options: dict[Any, Any], name: str, default: Any = None) -> Any:
    return read_number(options.get(name, default))


def _refuse_activations(*options: dict[Any, Any]) -> None:
    if any(part.get("activation", "lrelu") != "lrelu" for part in options):
        raise UnreadableNetwork(
            "uses another activation than the published networks (lrelu), which adatune does not build."
        )


def _augment_p(value: Any) -> float | None:
    if value is None:
        return None
    p = as_dict(_state(value).get("_buffers")).get("p")
    if p is None:
        return None
    tensor = read_tensor(p)
    if tensor.numel() != 1:
        raise UnreadableNetwork("holds an augmentation strength that is no single number: it is damaged.")
    return float(tensor)


class _Collector:
    """Collects the tensors of modules by their dotted names, within one budget for the whole file."""

    def __init__(self, byte_budget: int) -> None:
        self.bytes_left = byte_budget
        self.modules_left = _MAX_MODULES

    def collect(self, state: dict[Any, Any]) -> Weights:
        """Parameters and buffers of a network: in published files frozen weights are buffers."""
        weights: Weights = {}
        waiting = [("", state)]
        while waiting:
            prefix, module = waiting.pop()
            self.modules_left -= 1
            if self.modules_left < 0 or prefix.count(".") > _MAX_DEPTH:
                raise UnreadableNetwork(
                    "holds modules inside modules without end: it is damaged or made to do harm."
                )
            for group in ("_parameters", "_buffers"):
                for name, value in as_dict(module.get(group)).items():
                    if value is not None:
                        weights[f"{prefix}{name}"] = self._tensor(value)
            for name, value in as_dict(module.get("_modules")).items():
                if value is not None:
                    waiting.append((f"{prefix}{name}.", _state(value)))
        return weights

    def _tensor(self, value: Any) -> Tensor:
        tensor = read_tensor(value)
        self.bytes_left -= max(tensor.nbytes, 64)
        if self.bytes_left < 0:
            raise UnreadableNetwork(
                "declares far more data than it holds: it is damaged or made to exhaust memory."
            )
        return tensor
