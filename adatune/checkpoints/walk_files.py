"""Walks on disk: small files that hold what a walk is made of, and what it does to which network.

`adatune steer` keeps them in `directions/walks/`, a run that trains a walk beside its networks.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from adatune.augment.edits import Edit
from adatune.errors import UnreadableLatents, UsageError
from adatune.home import write_atomically
from adatune.networks import Generator
from adatune.networks.walks import SPACES, Walk, make_walk

FORMAT = 1
_KEY = "adatune_walk"


@dataclass(frozen=True)
class WalkDescription:
    """What a walk is."""

    edit: str  # that it does
    space: str  # z, w or w+
    is_nonlinear: bool
    network: str  # that it was learned from, in people's words
    training: dict[str, Any]  # how it was learned, for people


def walk_beside(network: Path, edit: str) -> Path:
    """Where the walk that does EDIT lies if it was trained together with the network in the file NETWORK."""
    return network.with_name(f"walk-{edit}-{network.name.removeprefix('network-')}")


def save_walk(tensors: dict[str, Tensor], description: WalkDescription, path: Path) -> None:
    """Write a walk's state, TENSORS, to PATH; the same bytes for the same walk."""
    known = {"format": FORMAT, **asdict(description)}
    floats = {name: value.detach().float().cpu().contiguous() for name, value in tensors.items()}
    data = save(floats, {_KEY: json.dumps(known, sort_keys=True, allow_nan=False)})
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, lambda temporary: temporary.write_bytes(data))


def read_walk(path: Path, generator: Generator, edit: Edit) -> tuple[Walk, WalkDescription]:
    """The walk in PATH, where GENERATOR is.

    Raises:
        UsageError: it does not do EDIT, or is for another shape of network.
        UnreadableLatents: the file is damaged, of another kind, or by a newer adatune.
    """
    description, tensors = _read(path)
    if description.edit != edit.name:
        raise UsageError(f"The walk {path.stem} does {description.edit}, not {edit.name}. Ask for that.")
    step = edit.step if description.is_nonlinear else None
    walk = make_walk(generator, description.space, len(edit.labels), step, 0)
    expected = {key: list(value.shape) for key, value in walk.state_dict().items()}
    found = {key: list(value.shape) for key, value in tensors.items()}
    if found != expected:
        raise UsageError(
            f"The walk {path.stem} fits another network: it holds {found}, this one takes {expected}. Use it "
            f"with {description.network} or one fine-tuned from it."
        )
    walk.load_state_dict(tensors)
    return walk, description


def _read(path: Path) -> tuple[WalkDescription, dict[str, Tensor]]:
    try:
        with safe_open(path, framework="pt", device="cpu") as file:
            known: Any = json.loads((file.metadata() or {}).get(_KEY, "null"))
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no dict
    except (SafetensorError, ValueError, RecursionError, OSError) as error:
        raise UnreadableLatents(
            f"{path} is damaged or cut off. Delete it, or learn the walk again with --replace."
        ) from error
    is_sound = (
        isinstance(known, dict)
        and isinstance(known.get("format"), int)
        and known["format"] <= FORMAT
        and all(isinstance(known.get(key), str) for key in ("edit", "network"))
        and known.get("space") in SPACES
        and isinstance(known.get("is_nonlinear"), bool)
        and isinstance(known.get("training"), dict)
        and all(bool(value.isfinite().all()) for value in tensors.values())
    )
    if not is_sound:
        raise UnreadableLatents(
            f"{path} holds no walk that this adatune can read. Delete it, or learn the walk again with "
            "--replace."
        )
    description = {key: known[key] for key in WalkDescription.__dataclass_fields__}
    return WalkDescription(**description), tensors
