"""Networks out of the pickles that the published TensorFlow code writes: other names, other layouts.

TensorFlow stores kernels as height, width, in, out and matrices as in, out; upsampling kernels are mirrored
in relation to PyTorch's; the bias of a style is stored without its 1. TensorFlow itself is never needed.
"""

import re
from typing import Any

import numpy as np
import torch
from torch import Tensor

from adatune.checkpoints.contents import Contents, Weights, checked_config
from adatune.checkpoints.pickled_values import read_array, read_number
from adatune.checkpoints.restricted_pickle import Record, as_dict, describe
from adatune.errors import UnreadableNetwork

_NETWORK = "dnnlib.tflib.network.Network"
_OLDEST_VERSION = 4  # of the state; StyleGAN1's files have 3 and less
_GENERATOR_LAYERS = {"Conv": "conv1", "Conv0_up": "conv0", "Conv1": "conv1", "ToRGB": "torgb", "Skip": "skip"}
_DISCRIMINATOR_LAYERS = {
    "FromRGB": "fromrgb",
    "Conv0": "conv0",
    "Conv1_down": "conv1",
    "Skip": "skip",
    "Conv": "conv",
    "Dense0": "fc",
}
_PARTS = {
    "weight": "weight",
    "bias": "bias",
    "noise_strength": "noise_strength",
    "mod_weight": "affine.weight",
    "mod_bias": "affine.bias",
}


def read_tensorflow(root: tuple[Any, ...]) -> Contents:
    """The networks in ROOT, the tuple (G, D, Gs) of a published TensorFlow pickle.

    Raises:
        UnreadableNetwork: it is a StyleGAN1 file, holds other networks, or is damaged.
    """
    if len(root) != 3:
        raise UnreadableNetwork(
            f"holds {len(root)} objects where three networks belong: it is no StyleGAN2 pickle."
        )
    G, D, G_ema = (_state(value) for value in root)
    _refuse_stylegan1(G)
    generator, discriminator = _generator_variables(G), _variables(D)
    config = checked_config(
        _generator_options(as_dict(G.get("static_kwargs")), generator)
        | _discriminator_options(as_dict(D.get("static_kwargs")), discriminator)
    )
    return Contents(
        config,
        G=_convert_generator(generator, config.resolution),
        D=_convert_discriminator(discriminator, config.resolution),
        G_ema=_convert_generator(_generator_variables(G_ema), config.resolution),
        metadata={"kind": "TensorFlow pickle"},
    )


def _state(value: Any) -> dict[Any, Any]:
    if not isinstance(value, Record) or value.name != _NETWORK:
        raise UnreadableNetwork(
            f"holds {describe(value)} where a network belongs: it is no StyleGAN2 pickle."
        )
    return as_dict(value.state)


def _refuse_stylegan1(state: dict[Any, Any]) -> None:
    version = read_number(state.get("version"))
    if state.get("build_func_name") == "G_style" or (isinstance(version, int) and version < _OLDEST_VERSION):
        raise UnreadableNetwork(
            "is a StyleGAN1 network; adatune trains and reads StyleGAN2. Use a StyleGAN2 file."
        )


def _variables(state: dict[Any, Any]) -> Weights:
    """A network's own variables by name, without `lod` (a counter, not a weight)."""
    pairs = state.get("variables")
    if not isinstance(pairs, list) or not all(isinstance(p, tuple) and len(p) == 2 for p in pairs):
        raise UnreadableNetwork("holds a network without a list of variables: it is damaged.")
    # Copies: the arrays are views of the file, which torch must not write to.
    return {
        str(name): torch.from_numpy(np.array(read_array(value), dtype=np.float32))
        for name, value in pairs
        if name != "lod"
    }


def _generator_variables(state: dict[Any, Any]) -> Weights:
    """The variables of a generator and its parts, as `mapping/...`, `synthesis/...` and `dlatent_avg`."""
    variables = _variables(state)
    for name, component in as_dict(state.get("components")).items():
        variables |= {f"{name}/{key}": value for key, value in _variables(_state(component)).items()}
    return variables


def _generator_options(options: dict[Any, Any], variables: Weights) -> dict[str, Any]:
    if _option(options, "nonlinearity", "lrelu") != "lrelu":
        raise UnreadableNetwork(
            "uses another activation than the published networks (lrelu), which adatune does not build."
        )
    is_orig = any("/ToRGB_lod" in name for name in variables)
    return {
        "resolution": _option(options, "resolution", 1024),
        "channels": _option(options, "num_channels", 3),
        "z_dim": _option(options, "latent_size", 512),
        "w_dim": _option(options, "dlatent_size", 512),
        "c_dim": _option(options, "label_size", 0),
        "mapping_layers": _option(options, "mapping_layers", 8),
        "mapping_lr_mul": _option(options, "mapping_lrmul", 0.01),
        "channel_base": _doubled(_option(options, "fmap_base", 16384)),
        "channel_max": _option(options, "fmap_max", 512),
        "g_architecture": "orig" if is_orig else _option(options, "architecture", "skip"),
        "num_fp16_res": _option(options, "num_fp16_res", 0),
        "conv_clamp": _option(options, "conv_clamp", None),
    }


def _discriminator_options(options: dict[Any, Any], variables: Weights) -> dict[str, Any]:
    is_orig = any(name.startswith("FromRGB_lod") or "/FromRGB_lod" in name for name in variables)
    return {
        "d_architecture": "orig" if is_orig else _option(options, "architecture", "resnet"),
        "mbstd_group": _option(options, "mbstd_group_size", None),
        "d_mapping_layers": _option(options, "mapping_layers", 0),
        "d_mapping_lr_mul": _option(options, "mapping_lrmul", 0.1),
    }


def _option(options: dict[Any, Any], name: str, default: Any) -> Any:
    return read_number(options.get(name, default))


def _doubled(value: Any) -> Any:
    return value * 2 if type(value) is int else value


def _convert_generator(variables: Weights, resolution: int) -> Weights:
    """PyTorch names and layouts of a generator's variables."""
    weights: Weights = {}
    for name, value in variables.items():
        if name == "dlatent_avg":
            weights["mapping.w_avg"] = value
        elif match := re.fullmatch(r"mapping/(Dense(\d+)|LabelEmbed)/(weight|bias)", name):
            layer = "embed" if match[2] is None else f"fc{match[2]}"
            weights[f"mapping.{layer}.{match[3]}"] = _dense(value)
        elif name == "synthesis/4x4/Const/const":
            weights["synthesis.b4.const"] = value.squeeze(0)
        elif match := re.fullmatch(r"synthesis/noise(\d+)", name):
            weights[_noise_name(int(match[1]))] = value.reshape(value.shape[-2:])
        else:
            inner = name.removeprefix("synthesis/")
            weights |= _convert_layer(inner, value, "synthesis.", _GENERATOR_LAYERS, resolution)
    return weights


def _convert_discriminator(variables: Weights, resolution: int) -> Weights:
    """PyTorch names and layouts of a discriminator's variables."""
    weights: Weights = {}
    for name, value in variables.items():
        if match := re.fullmatch(r"Output/(weight|bias)", name):
            weights[f"b4.out.{match[1]}"] = _dense(value)
        elif match := re.fullmatch(r"(Mapping(\d+)|LabelEmbed)/(weight|bias)", name):
            layer = "embed" if match[2] is None else f"fc{match[2]}"
            weights[f"mapping.{layer}.{match[3]}"] = _dense(value)
        else:
            weights |= _convert_layer(name, value, "", _DISCRIMINATOR_LAYERS, resolution)
    return weights


def _convert_layer(name: str, value: Tensor, prefix: str, layers: dict[str, str], top: int) -> Weights:
    """One `8x8/Conv0_up/weight` or `ToRGB_lod0/weight`: its place, then the layout that PyTorch wants.

    `_lod{n}` counts resolutions down from TOP. Only the highest belongs to the finished network: the others
    are left from growing it.
    """
    match = re.fullmatch(r"(?:(\d+)x\1/)?([A-Za-z0-9]+(?:_up|_down)?)(_lod\d+)?/(\w+)", name)
    if not match or match[2] not in layers or match[4] not in _PARTS or not (match[1] or match[3]):
        raise UnreadableNetwork(
            f"holds a variable that StyleGAN2 does not have ({name[:80]}): it is of another kind."
        )
    resolution, layer, lod, part = match[1] or top, match[2], match[3], match[4]
    if lod not in (None, "_lod0"):
        return {}
    if part == "weight":
        is_mirrored = layer == "Conv0_up" or (layer == "Skip" and prefix == "synthesis.")
        value = _kernel(value, is_mirrored) if value.ndim == 4 else _dense(value)
    elif part.startswith("mod_"):
        value = _dense(value) if part == "mod_weight" else value + 1
    return {f"{prefix}b{resolution}.{layers[layer]}.{_PARTS[part]}": value}


def _dense(value: Tensor) -> Tensor:
    return value.T.contiguous() if value.ndim == 2 else value


def _kernel(value: Tensor, is_mirrored: bool) -> Tensor:
    """[height, width, in, out] to [out, in, height, width]."""
    value = value.permute(3, 2, 0, 1)
    return (value.flip((2, 3)) if is_mirrored else value).contiguous()


def _noise_name(index: int) -> str:
    """Noise k belongs to conv1 of 4x4 (0), then conv0 and conv1 of each block upwards (1, 2, ...)."""
    if index > 32:
        raise UnreadableNetwork("holds more noise planes than StyleGAN2 has: it is damaged.")
    layer = "conv1" if index % 2 == 0 else "conv0"
    return f"synthesis.b{2 ** ((index + 5) // 2)}.{layer}.noise_const"
