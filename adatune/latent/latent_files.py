"""Latents from files: what projection leaves behind, ours and other tools'. Nothing in them is executed."""

from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from torch import Tensor

from adatune.errors import UnreadableLatents, UsageError
from adatune.networks import NetworkConfig

NAME = "w"  # of the array in the files that hold several
SUFFIXES = (".npz", ".npy", ".safetensors", ".pt")
_OF_PROJECTION = "projected_w.npz"


def read_latents(path: Path, config: NetworkConfig) -> Tensor:
    """The w of PATH for a network of CONFIG: [count, num_ws, w_dim], float32, on the CPU.

    Args:
        path: an .npz (projected_w.npz of other tools) or .safetensors with an array `w`, an .npy, or a .pt
            that is one tensor; [num_ws, w_dim] or [count, num_ws, w_dim], where num_ws may be 1: the same w
            for all layers.
        config: of the network that they are for.

    Raises:
        UsageError: there is no such file, or it is none of the four.
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
    except Exception as error:  # zipfile, numpy's headers and torch's pickles raise anything, assertions too
        raise UnreadableLatents(
            f"{path} holds no array {NAME!r} that can be read: it is damaged or of another kind. Take the "
            f"file that projection wrote ({_OF_PROJECTION})."
        ) from error
    return _checked(values, path, config)


def latent_files(given: Path) -> list[Path]:
    """The files of latents that GIVEN is, or that this folder holds; none where it is or holds photos.

    In what projection left behind, however deep, they are those of W.
    """
    if given.is_file():
        return [given] if given.suffix.lower() in SUFFIXES else []
    there = sorted(path for path in given.glob("*") if path.suffix.lower() in SUFFIXES)
    return sorted(given.rglob(_OF_PROJECTION)) or there


def _read(path: Path) -> Tensor:
    if path.suffix.lower() == ".safetensors":
        with safe_open(path, framework="pt", device="cpu") as file:
            return file.get_tensor(NAME).clone()
    if path.suffix.lower() == ".pt":
        return _read_tensor(path)
    loaded = np.load(path, allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return torch.from_numpy(np.asarray(loaded, np.float32))
    with loaded:
        return torch.from_numpy(np.asarray(loaded[NAME], np.float32))


def _read_tensor(path: Path) -> Tensor:
    loaded = torch.load(path, map_location="cpu", weights_only=True)
    if not isinstance(loaded, Tensor) or not loaded.is_floating_point():
        raise ValueError("it holds something else than one tensor of numbers")
    return torch.from_numpy(loaded.detach().float().numpy())  # none that is sparse, or without numbers


def _checked(values: Tensor, path: Path, config: NetworkConfig) -> Tensor:
    expected = config.num_ws, config.w_dim
    fitting = (expected, (1, config.w_dim))
    if values.ndim not in (2, 3) or values.shape[-2:] not in fitting or not len(values):
        raise UnreadableLatents(
            f"{path} holds latents of the shape {list(values.shape)}; this network takes {list(expected)} "
            "(layers, width). Project with this network, or one it was fine-tuned from."
        )
    values = values.float().reshape(-1, *values.shape[-2:]).expand(-1, *expected).clone()
    if not values.isfinite().all():
        raise UnreadableLatents(f"{path} holds numbers that are not finite. Project again.")
    return values
