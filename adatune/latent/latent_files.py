"""Latents from files: what projection leaves behind, ours and other tools'. Nothing in them is executed."""

import zipfile
from pathlib import Path

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from adatune.errors import UnreadableLatents, UsageError
from adatune.networks import NetworkConfig

NAME = "w"  # of the array in the files that hold several
SUFFIXES = (".npz", ".npy", ".safetensors")


def read_latents(path: Path, config: NetworkConfig) -> Tensor:
    """The w of PATH for a network of CONFIG: [count, num_ws, w_dim], float32, on the CPU.

    Args:
        path: an .npz (projected_w.npz of other tools) or .safetensors with an array `w`, or an .npy; the
            array is [num_ws, w_dim] or [count, num_ws, w_dim].
        config: of the network that they are for.

    Raises:
        UsageError: there is no such file, or it is none of the three.
        UnreadableLatents: it is damaged, holds no w, or one of another network.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise UsageError(
            f"{str(path)!r} is neither a seed nor a file of latents. Write numbers, ranges such as 0-3, or "
            f"files that end in {', '.join(SUFFIXES)}."
        )
    if not path.is_file():
        raise UsageError(f"There is no file {str(path)!r}. Check the path.")
    try:
        values = _read(path)
    except (ValueError, OSError, KeyError, EOFError, zipfile.BadZipFile, SafetensorError) as error:
        raise UnreadableLatents(
            f"{path} holds no array {NAME!r} that can be read: it is damaged or of another kind. Take the "
            "file that projection wrote (projected_w.npz)."
        ) from error
    return _checked(values, path, config)


def _read(path: Path) -> Tensor:
    if path.suffix.lower() == ".safetensors":
        with safe_open(path, framework="pt", device="cpu") as file:
            return file.get_tensor(NAME).clone()
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return torch.from_numpy(np.asarray(loaded, np.float32))
    with loaded:
        return torch.from_numpy(np.asarray(loaded[NAME], np.float32))


def _checked(values: Tensor, path: Path, config: NetworkConfig) -> Tensor:
    expected = config.num_ws, config.w_dim
    if values.ndim not in (2, 3) or values.shape[-2:] != expected or not len(values):
        raise UnreadableLatents(
            f"{path} holds latents of the shape {list(values.shape)}; this network takes {list(expected)} "
            "(layers, width). Project with this network, or one it was fine-tuned from."
        )
    values = values.float().reshape(-1, *expected)
    if not values.isfinite().all():
        raise UnreadableLatents(f"{path} holds numbers that are not finite. Project again.")
    return values
