"""Directions on disk: small safetensors in `directions/`, which can be handed on, listed and read anywhere.

They lie beside the runs and not in them, because a direction is of use to every network that was fine-tuned
from the one it was found in. A file names that network by the hash of its content, and holds a sketch of its
weights, by which a stranger is told.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from adatune.errors import UnreadableLatents, UsageError
from adatune.home import check_name, home, write_atomically
from adatune.latent.mixing import layers_in_words

FORMAT = 1
SUFFIX = ".safetensors"
_KEY = "adatune_directions"
_TENSORS = {"vectors": 3, "deviations": 1, "shares": 1, "sketch": 1}  # with their dimensions
_WORDS = ("method", "network", "network_hash")
_LARGEST = 2**20  # of any number in a description: more wants to exhaust the machine


@dataclass(frozen=True)
class Directions:
    """One or several directions in w, numbered from 0, that were found together."""

    name: str  # that of the file, without its suffix
    method: str  # how they were found: sefa, ganspace, means, svm
    network: str  # that they were found in, as people call it
    network_hash: str  # SHA-256 of its content
    num_ws: int  # layers of networks that they fit
    layers: list[int]  # those that they move
    # [count, 1, w_dim], of length 1, for all layers; or [count, len(layers), w_dim], a row for each of them
    vectors: Tensor
    deviations: Tensor  # [count]: how far strength 1 moves, one standard deviation of w along the direction
    shares: Tensor  # [count]: how much each explains of what the method looked at, 0 to 1; NaN: no such thing
    sketch: Tensor  # of the network's weights, see `kinship.weight_sketch`
    details: dict[str, Any]  # what else the method was given, for people

    @property
    def w_dim(self) -> int:
        """Width of the w that they move."""
        return self.vectors.shape[2]


def directions_folder() -> Path:
    """Where directions are kept: beside datasets, runs and downloaded networks."""
    return home() / "directions"


def path_for(name: str, may_replace: bool) -> Path:
    """The file that directions called NAME are written to.

    Raises:
        UsageError: NAME cannot be a file's, or there is one and it is not to be replaced.
    """
    path = directions_folder() / (check_name(name, "--name") + SUFFIX)
    if path.exists() and not may_replace:
        raise UsageError(f"{path} exists. Choose another --name, or replace it with --replace.")
    return path


def save_directions(directions: Directions, path: Path) -> None:
    """Write DIRECTIONS to PATH, whole or not at all; the same bytes for the same directions."""
    tensors = {name: getattr(directions, name).float().contiguous() for name in _TENSORS}
    tensors["sketch"] = tensors["sketch"].half()
    description = {
        "format": FORMAT,
        **{name: getattr(directions, name) for name in (*_WORDS, "num_ws", "layers", "details")},
    }
    data = save(tensors, {_KEY: json.dumps(description, sort_keys=True, allow_nan=False)})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: temporary.write_bytes(data))


def read_directions(path: Path) -> Directions:
    """The directions in PATH; their name is the file's.

    Raises:
        UnreadableLatents: the file is damaged, of another kind, or by a newer adatune.
    """
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            description = json.loads((file.metadata() or {}).get(_KEY, "null"))
            shapes = {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118  # no dict
            _check(description, shapes)
            tensors = {name: file.get_tensor(name).float().clone() for name in _TENSORS}
    except (SafetensorError, ValueError, RecursionError, OSError) as error:
        reason = error if isinstance(error, _Unfit) else "it is damaged or cut off"
        raise UnreadableLatents(
            f"{path} cannot be read as directions: {reason}. Take one that 'adatune directions' wrote."
        ) from error
    if not all(bool(tensors[name].isfinite().all()) for name in ("vectors", "deviations", "sketch")):
        raise UnreadableLatents(f"{path} holds numbers that are not finite. Find the directions again.")
    known = {name: description[name] for name in (*_WORDS, "num_ws", "layers", "details")}
    return Directions(name=path.stem, **known, **tensors)


def find_file(source: str) -> Path:
    """The file that SOURCE means: a path, or a name in the folder of directions.

    Raises:
        UsageError: there is none.
    """
    named = directions_folder() / f"{source}{SUFFIX}"
    for path in (Path(source).expanduser(), named):
        if path.is_file():
            return path
    names = [path.stem for path in direction_files()]
    hint = f"There are {', '.join(names[:8])}." if names else "Find some with 'adatune directions find'."
    raise UsageError(f"There are no directions {source!r}: no file, and no name in {named.parent}. {hint}")


def direction_files() -> list[Path]:
    """All files in the folder of directions, by name."""
    return sorted(path for path in directions_folder().glob(f"*{SUFFIX}") if not path.name.startswith("."))


def read_all() -> tuple[list[Directions], list[UnreadableLatents]]:
    """All directions in the folder of directions, by name, and what is wrong with files that are none."""
    found: list[Directions] = []
    errors: list[UnreadableLatents] = []
    for path in direction_files():
        try:
            found.append(read_directions(path))
        except UnreadableLatents as error:
            errors.append(error)
    return found, errors


def describe(directions: Directions) -> dict[str, Any]:
    """What people want to know about DIRECTIONS, as plain values for JSON."""
    return {
        **directions.details,  # first: it comes from a file, and may say anything
        "name": directions.name,
        "count": len(directions.vectors),
        "method": directions.method,
        "layers": layers_in_words(directions.layers),
        "network": directions.network,
        "network_sha256": directions.network_hash,
        "deviations": [round(float(value), 4) for value in directions.deviations],
        "shares": [round(float(value), 4) for value in directions.shares if value == value],
    }


def no_shares(count: int) -> Tensor:
    """The `shares` of COUNT directions whose method explains no share of anything."""
    return torch.full((count,), float("nan"))


class _Unfit(ValueError):
    """Why a description cannot be meant; its words end up in an error."""


def _check(description: Any, shapes: dict[str, list[int]]) -> None:
    """Compare a file's description with itself and with the SHAPES of its tensors, before any is read."""
    if not isinstance(description, dict):
        raise _Unfit("it holds something else")
    written = description.get("format")
    if not isinstance(written, int) or written > FORMAT:
        raise _Unfit(f"it was written by a newer adatune (format {written}; this one knows {FORMAT})")
    layers: Any = description.get("layers")
    num_ws: Any = description.get("num_ws")
    is_sound = (
        all(isinstance(description.get(name), str) for name in _WORDS)
        and isinstance(description.get("details"), dict)
        and type(num_ws) is int
        and isinstance(layers, list)
        and 0 < len(layers) <= num_ws < _LARGEST
        and all(type(layer) is int and 0 <= layer < num_ws for layer in layers)
        and {name: len(shape) for name, shape in shapes.items()} == _TENSORS
    )
    if not is_sound:
        raise _Unfit("its description makes no sense")
    count, rows, width = shapes["vectors"]
    if not (shapes["deviations"] == shapes["shares"] == [count] and rows in (1, len(layers))):
        raise _Unfit("its tensors do not belong together")
    if not (0 < count < _LARGEST and 0 < width < _LARGEST):
        raise _Unfit("it holds no direction")
