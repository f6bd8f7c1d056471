"""Walks on disk: every walk as a small file of its own, and linear ones in w also as directions.

`directions/walks/NAME.safetensors` holds what a walk is made of, for `adatune steer --use NAME`;
`directions/NAME.safetensors` is for `adatune directions`, which moves w in lines (a walk in z is
no line in w).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from adatune.augment.edits import Edit
from adatune.checkpoints.walk_files import WalkDescription, read_walk, save_walk
from adatune.errors import UsageError
from adatune.latent.direction_files import SUFFIX, Directions, directions_folder, no_shares, path_for
from adatune.latent.kinship import content_hash, weight_sketch
from adatune.latent.steering import SteeringConfig
from adatune.latent.w_statistics import SPREAD_COUNT, deviations_along, draw_ws
from adatune.networks import Generator
from adatune.networks.walks import LinearWalk, Walk


@dataclass(frozen=True)
class WalkFiles:
    """Where a walk called NAME is kept."""

    walk: Path
    directions: Path | None  # None for a walk that is no line in w


def files_for(name: str, config: SteeringConfig, may_replace: bool) -> WalkFiles:
    """The files that a walk called NAME is written to.

    Raises:
        UsageError: NAME cannot be a file's, or there is one and it is not to be replaced.
    """
    directions = path_for(name, may_replace)
    walk = _walks_folder() / directions.name
    if walk.exists() and not may_replace:
        raise UsageError(f"{walk} exists. Choose another --name, or replace it with --replace.")
    is_line = not config.is_nonlinear and config.space != "z"
    return WalkFiles(walk, directions if is_line else None)


def keep_walk(walk: Walk, edit: Edit, config: SteeringConfig, network: str, path: Path) -> None:
    """Write WALK, learned from the network called NETWORK, to PATH."""
    training = training_details(edit, config, next(walk.parameters()).shape[-1])
    what = WalkDescription(edit.name, config.space, config.is_nonlinear, network, training)
    save_walk(walk.state_dict(), what, path)


def find_walk(name: str, generator: Generator, edit: Edit) -> tuple[Walk, WalkDescription]:
    """The walk called NAME, where GENERATOR is, and what it is.

    Raises:
        UsageError: there is none, or it is for another edit or another shape of network.
        UnreadableLatents: its file is damaged, of another kind, or by a newer adatune.
    """
    path = _walks_folder() / f"{name}{SUFFIX}"
    if not path.is_file():
        raise UsageError(
            f"There is no walk {name!r} in {path.parent}. Learn one with 'adatune steer {edit.name}'."
        )
    return read_walk(path, generator, edit)


def to_directions(
    walk: LinearWalk,
    edit: Edit,
    training: Mapping[str, Any],
    generator: Generator,
    network: str,
    name: str,
    label: Tensor | None,
) -> Directions:
    """WALK, a line in w or W+, as directions called NAME: one a slider.

    Strength 1 is one standard deviation of w along the direction; in W+ that of the layers in quadratic mean,
    where those that are to move far count more. `strength_of_slider` says which strength slider 1 is.

    Args:
        walk: learned.
        edit: that it does.
        training: how it was learned, for people.
        generator: that it was learned from.
        network: what people call it.
        name: of the directions.
        label: [1, c_dim], or None.
    """
    vectors = walk.vectors.detach().float().cpu()
    ws = draw_ws(generator, SPREAD_COUNT, label)
    rows = vectors.double().norm(dim=2)  # [sliders, rows]
    length = rows.square().mean(dim=1).sqrt()
    along = torch.stack([deviations_along(ws, unit) for unit in vectors.double() / rows[:, :, None]])
    deviations = (rows * along).square().mean(dim=1).sqrt() / length
    details = {
        "labels": list(edit.labels), "strength_of_slider": (length / deviations).tolist(), **training
    }  # fmt: skip
    return Directions(
        name, "steering", network, content_hash(generator), generator.num_ws, list(range(generator.num_ws)),
        (vectors.double() / length[:, None, None]).float(), deviations.float(), no_shares(len(vectors)),
        weight_sketch(generator), details,
    )  # fmt: skip


def training_details(edit: Edit, config: SteeringConfig, width: int) -> dict[str, Any]:
    """How a walk through latents of WIDTH was learned, for people."""
    return {
        "edit": edit.name, "space": config.space, "loss": config.loss_for(edit), "batch": config.batch,
        "steps": config.steps, "learning_rate": config.rate_for(width), "seed": config.seed,
    }  # fmt: skip


def _walks_folder() -> Path:
    return directions_folder() / "walks"
