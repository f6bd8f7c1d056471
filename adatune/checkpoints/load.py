"""Networks from any source (a name, a file, an address, a run folder), with nothing in them executed."""

import difflib
from pathlib import Path

import torch

from adatune.checkpoints.contents import Contents, LoadedNetworks, build_networks
from adatune.checkpoints.download import ProgressCallback
from adatune.checkpoints.network_file import read_network_file
from adatune.checkpoints.pretrained import NAMES, fetch_address, fetch_name, is_address
from adatune.checkpoints.pytorch_pickle import read_pytorch
from adatune.checkpoints.restricted_pickle import Record, as_dict, describe, read_pickle
from adatune.checkpoints.sniff import kind_of
from adatune.checkpoints.tensorflow_pickle import read_tensorflow
from adatune.device import pick_device
from adatune.errors import RunError, UnreadableNetwork, UsageError
from adatune.home import newest_run, run_numbered, runs_folder


def load(
    source: str | Path, device: "str | torch.device" = "cpu", progress: ProgressCallback | None = None
) -> LoadedNetworks:
    """Read networks.

    Args:
        source: one of the published names (ffhq512, ...), a .pkl or .safetensors file (told by its content),
            an address (http, https, Google Drive), a run folder or its name (its newest network), "latest".
        device: where the networks are put; they are fp32, in evaluation mode and without gradients.
        progress: called while downloading with the bytes so far and their number, if known.

    Raises:
        UsageError: there is no such name or file.
        UnreadableNetwork: the file is damaged, of another kind, or would execute code.
        DownloadFailed: it could not be fetched.
        RunError: the run has no network yet.
    """
    device = pick_device(device) if isinstance(device, str) else device
    path = find_network(source, progress)
    return build_or_explain(path, device)


def build_or_explain(path: Path, device: torch.device) -> LoadedNetworks:
    """The networks of the file PATH; errors begin with its path."""
    try:
        return build_networks(_read(path), device)
    except UnreadableNetwork as error:
        raise UnreadableNetwork(f"{path} {error}") from error


def find_network(source: str | Path, progress: ProgressCallback | None = None) -> Path:
    """The file that SOURCE means, downloaded where need be. Arguments and errors are those of `load`."""
    text = str(source)
    if text in NAMES:
        return fetch_name(text, progress)
    if is_address(text):
        return fetch_address(text, progress)
    if text == "latest":
        return newest_network(newest_run())
    for path in (Path(source).expanduser(), runs_folder() / text):
        if path.is_dir():
            return newest_network(path)
        if path.exists():
            return path
    run = run_numbered(text)
    if run is not None:
        return newest_network(run)
    near = difflib.get_close_matches(text, NAMES, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Known names: {', '.join(NAMES)}."
    raise UsageError(f"There is no network {text!r}: no file, no run folder and no published name. {hint}")


def newest_network(folder: Path) -> Path:
    """The network with the most training in a run folder.

    Raises:
        RunError: there is none.
    """
    networks = [path for path in folder.glob("network-*.safetensors") if _kimg(path) is not None]
    if not networks:
        raise RunError(
            f"{folder} holds no network (network-*.safetensors). If it is a run, let it reach its first "
            "snapshot; "
            "otherwise name a run folder, a file, or a name such as ffhq512."
        )
    return max(networks, key=lambda path: _kimg(path) or 0.0)


def _kimg(path: Path) -> float | None:
    try:
        return float(path.stem.removeprefix("network-"))
    except ValueError:
        return None


def _read(path: Path) -> Contents:
    if kind_of(path) == "safetensors":
        return read_network_file(path)
    data = path.read_bytes()
    try:
        root, _ = read_pickle(data)
        if isinstance(root, tuple):
            return read_tensorflow(root)  # pyright: ignore[reportUnknownArgumentType]
        if isinstance(root, (dict, Record)):
            return read_pytorch(as_dict(root), len(data))
    except (
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        OverflowError,
        RecursionError,
        RuntimeError,
    ) as error:
        # Damage can make any step of the reading fail; the details help nobody but us (--debug shows them).
        raise UnreadableNetwork(
            "is damaged: its contents make no sense. Download or copy it again."
        ) from error
    raise UnreadableNetwork(
        f"is a pickle of {describe(root)}, not of networks. Give a StyleGAN2 network pickle."
    )
