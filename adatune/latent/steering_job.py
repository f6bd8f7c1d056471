"""A walk from learning to the files that show it: what `adatune steer` does."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, cast

from torch import Tensor

from adatune.augment.edits import Edit
from adatune.checkpoints import LoadedNetworks
from adatune.home import write_text
from adatune.images import save_picture
from adatune.latent.direction_files import Directions, save_directions
from adatune.latent.limits_plot import limits_plot
from adatune.latent.progress import Progress
from adatune.latent.sampling import SamplingConfig, averaged_generator, one_hot
from adatune.latent.steering import SteeringConfig, learn_walk, new_walk
from adatune.latent.steering_files import WalkFiles, keep_walk, to_directions, training_details
from adatune.latent.steering_limits import Limits, LimitsConfig, measure_limits
from adatune.latent.steering_sheet import draw_rows, steering_sheet
from adatune.metrics.achieved import spread_of
from adatune.metrics.features import Features
from adatune.networks.walks import LinearWalk, Walk


@dataclass(frozen=True)
class Steering:
    """A network, what its walk is to do, and how."""

    networks: LoadedNetworks
    network: str  # what people call it
    edit: Edit
    config: SteeringConfig
    features: Features
    training: Mapping[str, Any] | None = None  # how the walk was learned; None: as `config` says


def learn(steering: Steering, files: WalkFiles, progress: Progress) -> tuple[Walk, Directions | None, float]:
    """Learn the walk and write it to FILES; returns it, its directions where it is a line, and its loss.

    The loss is the mean over the last tenth of the steps.
    """
    networks, edit, config = steering.networks, steering.edit, steering.config
    generator = averaged_generator(networks)
    walk = new_walk(generator, edit, config)
    count = config.steps
    steps = learn_walk(networks, edit, config, steering.features, walk)
    losses: list[float] = list(progress(steps, count, "Learning", "steps"))
    keep_walk(walk, edit, config, steering.network, files.walk)
    found = None
    if files.directions is not None and isinstance(walk, LinearWalk):
        label = one_hot(config.label, networks.config)
        name = files.directions.stem
        training = training_details(edit, config, walk.vectors.shape[-1])
        found = to_directions(walk, edit, training, generator, steering.network, name, label)
        save_directions(found, files.directions)
    last = losses[-max(1, count // 10) :]
    return walk, found, sum(last) / len(last)


def draw_sheets(
    steering: Steering,
    walk: Walk,
    alphas: Sequence[float],
    seeds: Sequence[int],
    look: SamplingConfig,
    stem: Path,
    progress: Progress,
) -> list[Path]:
    """A sheet for each slider of the edit, beside STEM; returns the files."""
    files: list[Path] = []
    edit, space = steering.edit, steering.config.space
    for number, label in enumerate(edit.labels):
        rows = draw_rows(steering.networks, edit, number, space, walk, alphas, seeds, look)
        drawn = list(progress(rows, len(seeds), "Drawing", "rows"))
        part = f" ({label})" if len(edit.labels) > 1 else ""
        caption = f"{steering.network} · {stem.name}{part} · alpha: {edit.unit} · psi {look.psi:g}"
        files.append(_beside(stem, edit, label, "sheet.png"))
        save_picture(steering_sheet(drawn, seeds, alphas, caption), files[-1])
    return files


def find_limits(
    steering: Steering,
    walk: Walk,
    alphas: Sequence[float],
    config: LimitsConfig,
    photos: Tensor | None,
    stem: Path,
    progress: Progress,
) -> tuple[list[Limits], list[Path]]:
    """The limits of each slider, as a plot each and one JSON file beside STEM; returns them and the files.

    PHOTOS, from `read_photos`, are what the spread beside the limits is of.
    """
    edit, found, files = steering.edit, list[Limits](), list[Path]()
    largest = max(abs(edit.slider_of(alpha)) for alpha in alphas)
    batches = -(-config.samples // 16) + 1
    for number, label in enumerate(edit.labels):
        spread = None if photos is None else spread_of(edit, number, photos, largest)
        parts = measure_limits(
            steering.networks, edit, number, steering.config.space, walk, alphas, steering.features, config,
            spread,
        )  # fmt: skip
        *_, last = progress(parts, batches, "Measuring", "batches")
        limits = cast(Limits, last)  # None came after each batch, the limits come last
        title = f"{stem.name}: how far it carries" + (f" ({label})" if len(edit.labels) > 1 else "")
        files.append(_beside(stem, edit, label, "limits.png"))
        save_picture(limits_plot(limits, edit.slider_of, edit.alpha_of, title), files[-1])
        found.append(limits)
    files.append(stem.with_name(f"{stem.name}-limits.json"))
    training = steering.training or training_details(edit, steering.config, next(walk.parameters()).shape[-1])
    what = {"network": steering.network, "edit": edit.name, "space": steering.config.space}
    result = {**what, **training, "limits": [limits.to_dict() for limits in found]}
    write_text(files[-1], json.dumps(result, indent=2) + "\n")
    return found, files


def with_limits(found: Directions, edit: Edit, limits: Sequence[Limits]) -> Directions:
    """FOUND with its recommended ranges among the details: alphas, and strengths for `directions apply`."""
    ends = [(part.low, part.high) for part in limits]
    return replace(
        found,
        details={
            **found.details,
            "recommended_alphas": [list(pair) for pair in ends],
            "recommended_strengths": [
                [round(edit.slider_of(alpha) * scale, 4) for alpha in pair]
                for pair, scale in zip(ends, found.details["strength_of_slider"], strict=True)
            ],
        },
    )


def _beside(stem: Path, edit: Edit, label: str, ending: str) -> Path:
    stem.parent.mkdir(parents=True, exist_ok=True)
    middle = f"-{label}" if len(edit.labels) > 1 else ""
    return stem.with_name(f"{stem.name}{middle}-{ending}")
