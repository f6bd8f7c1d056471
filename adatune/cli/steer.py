"""`adatune steer`: a slider for an edit such as zoom or shift, learned, shown and measured."""

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table

from adatune.cli.foreign_options import STEER, ForeignAware
from adatune.cli.network_options import (
    device_options,
    load_network,
    look_options,
    network_options,
    out_option,
)
from adatune.cli.progress import with_progress
from adatune.cli.tables import table_console
from adatune.errors import UsageError

if TYPE_CHECKING:
    from adatune.augment.edits import Edit
    from adatune.latent.steering_limits import Limits

_EDITS = ("zoom", "shiftx", "shifty", "brightness", "color", "colorlab", "rotate2d", "rotate3d", "own")


@click.command(cls=ForeignAware, foreign=STEER, short_help="Learn a slider: zoom, shift, turn, colour.")
@click.argument("edit", type=click.Choice(_EDITS))
@network_options
@click.option("--edit-file", metavar="FILE.py:FUNCTION", help="With own: the edit(images, alpha) to imitate.")
@click.option(
    "--space",
    type=click.Choice(["z", "w", "w+"]),
    default="w+",
    show_default=True,
    help="Where to walk; w+ has a direction of its own for each layer.",
)
@click.option(
    "--nonlinear", is_flag=True, help="Learn steps in place of a line: reaches further, looks less real."
)
@click.option(
    "--loss",
    type=click.Choice(["auto", "l2", "perceptual"]),
    default="auto",
    show_default=True,
    help="How pictures are compared; auto: l2 for colours, perceptual for the rest.",
)
@click.option(
    "--features",
    type=click.Choice(["auto", "discriminator", "lpips"]),
    default="auto",
    show_default=True,
    help="What perceptual distances are measured with; auto: LPIPS where it can be had.",
)
@click.option("--steps", type=click.IntRange(1), help="Steps of learning.  [default: 2500]")
@click.option("--samples", type=click.IntRange(1), help="In place of --steps: pictures to learn from.")
@click.option("--batch", type=click.IntRange(1), help="Pictures a step.  [default: 8 for colours, else 4]")
@click.option(
    "--lr",
    type=float,
    help="Learning rate.  [default: 0.02 at 512 numbers a latent; colours by the network; --nonlinear 0.002]",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is learned from.")
@click.option("--name", help="What to call it.  [default: EDIT-SPACE, and -nonlinear]")
@click.option("--replace", is_flag=True, help="Write over a walk of that name.")
@click.option(
    "--use",
    is_flag=True,
    help="Learn nothing: show and measure the walk of that name, or one trained with the network.",
)
@click.option(
    "--alphas", help="Strengths to show and measure, such as -8,-4,4,8.  [default: follow the edit]"
)
@click.option("--seeds", default="0-3", show_default=True, help="Rows of the sheet: numbers and ranges.")
@click.option(
    "--limits/--no-limits", "has_limits", default=True, show_default=True, help="Measure how far it carries."
)
@click.option(
    "--limit-samples",
    type=int,
    default=256,
    show_default=True,
    help="Pictures a strength to measure limits with.",
)
@click.option(
    "--max-kid", type=float, help="End the recommended range where KID against unmoved pictures exceeds this."
)
@click.option("--data", help="A dataset, whose own spread is put beside the limits.")
@look_options
@out_option("sheet and limits")
@device_options
def steer(
    edit: str,
    network: str,
    edit_file: str | None,
    space: str,
    nonlinear: bool,
    loss: str,
    features: str,
    steps: int | None,
    samples: int | None,
    batch: int | None,
    lr: float | None,
    seed: int,
    name: str | None,
    replace: bool,
    use: bool,
    alphas: str | None,
    seeds: str,
    has_limits: bool,
    limit_samples: int,
    max_kid: float | None,
    data: str | None,
    psi: float,
    label: int | None,
    square: bool,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Teach a slider to imitate an EDIT of a NETWORK's pictures, and measure how far it carries.

    \b
    adatune steer zoom ffhq512
    adatune steer shiftx ffhq512 --space w --data portraits
    adatune steer own ffhq512 --edit-file my_edit.py:darken --name darken
    """
    from adatune.checkpoints.walk_files import walk_beside
    from adatune.data.dataset import find_dataset
    from adatune.latent.direction_files import save_directions
    from adatune.latent.kinship import name_of
    from adatune.latent.picture_files import output_folder
    from adatune.latent.sampling import SamplingConfig, averaged_generator
    from adatune.latent.seeds import parse_seeds
    from adatune.latent.steering import SteeringConfig, parse_alphas, with_defaults
    from adatune.latent.steering_files import files_for, find_walk
    from adatune.latent.steering_job import Steering, draw_sheets, find_limits, learn, with_limits
    from adatune.latent.steering_limits import LimitsConfig
    from adatune.metrics.features import choose_features

    if steps and samples:
        raise UsageError("--steps and --samples say the same thing. Leave one out.")
    count = steps or SteeringConfig.steps
    config = SteeringConfig(space, nonlinear, loss, count, batch or 0, lr or 0.0, seed, label)
    look, chosen = SamplingConfig(psi, label=label, is_square=square), parse_seeds(seeds)
    limits_config = LimitsConfig(limit_samples, psi, max_kid, label)
    dataset = None if data is None else find_dataset(data)
    called = name or f"{edit}-{space}" + ("-nonlinear" if nonlinear else "")
    files = files_for(called, config, replace or use)
    path, networks = load_network(network, device)
    generator = averaged_generator(networks)
    does = _edit(edit, edit_file, networks.config.resolution, networks.config.channels)
    strengths = list(does.shown) if alphas is None else parse_alphas(alphas, does)
    sees = choose_features(networks, features)
    config = with_defaults(config, generator, does)
    if samples:
        config = dataclasses.replace(config, steps=-(-samples // config.batch))
    steering = Steering(networks, name_of(path), does, config, sees)
    stem = (output_folder(path) if out is None else out) / f"steer-{called}"
    written, found, reached = [], None, None
    if use:
        is_trained_kind = name is None and space == "w+" and not nonlinear  # what `train --steer` makes
        own = walk_beside(path, edit) if is_trained_kind else None
        walk, what = find_walk(called, generator, does, own)
        config = SteeringConfig(what.space, what.is_nonlinear)
        steering = Steering(networks, name_of(path), does, config, sees, what.training)
    else:
        by = config.loss_for(does) + (f" ({sees.name})" if config.loss_for(does) == "perceptual" else "")
        length = f"{config.steps} steps of {config.batch} pictures"
        click.echo(f"Learning {does.name} in {space} with {path}: {length}, loss {by}", err=True)
        walk, found, reached = learn(steering, files, with_progress)
        written += [files.walk, *([files.directions] if files.directions else [])]
    written += draw_sheets(steering, walk, strengths, chosen, look, stem, with_progress)
    measured: list[Limits] = []
    if has_limits:
        measured, more = find_limits(steering, walk, strengths, limits_config, dataset, stem, with_progress)
        written += more
        if found is not None and files.directions is not None:
            found = with_limits(found, does, measured)
            save_directions(found, files.directions)
    if as_json:
        details = {
            "network": str(path),
            "edit": does.name,
            "space": config.space,
            "name": called,
            "loss": reached,
        }
        parts = [limits.to_dict() for limits in measured]
        click.echo(
            json.dumps({**details, "limits": parts, "files": [str(file) for file in written]}, indent=2)
        )
        return
    for limits in measured:
        _print(limits)
    click.echo("Wrote " + "\n      ".join(map(str, written)))
    if found is not None:
        low, high = found.details.get("recommended_strengths", [[-3, 3]])[0]
        net = "" if network == "latest" else f" {network}"
        click.echo(f"Use it: adatune directions apply {called}{net} --strength {low:g}:{high:g}")
    elif not use:
        click.echo(f"Show it again: adatune steer {edit} --use --name {called} --network {path}")


def _edit(name: str, file: str | None, resolution: int, channels: int) -> "Edit":
    from adatune.augment.edits import make_edit
    from adatune.augment.user_edit import load_edit

    if (name == "own") != (file is not None):
        raise UsageError("An edit of one's own takes both: adatune steer own --edit-file my_edit.py:function")
    return make_edit(name, resolution, channels) if file is None else load_edit(file)


def _print(limits: "Limits") -> None:
    """A table of LIMITS and what follows from them."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=limits.label, title_justify="left")
    for title in ("Asked", "Achieved", "Quartiles", "Share", "Distance", "Step", "KID x1000"):
        table.add_column(title, justify="right")
    for row in limits.rows:
        is_good = limits.low <= row.alpha <= limits.high
        table.add_row(
            f"{row.alpha:.3g}",
            f"{row.achieved:.3g}",
            f"{row.achieved_low:.3g} to {row.achieved_high:.3g}",
            "" if row.share is None else f"{row.share:.0%}",
            f"{row.distance:.3g}",
            "" if row.step is None else f"{row.step:.3g}",
            f"{1000 * row.kid:.4g}",
            style="" if is_good else "dim",
        )
    table_console().print(table)
    low, high = limits.reached()
    achieved = f"which achieve {low:.3g} to {high:.3g} ({limits.unit})"
    click.echo(f"Recommended: {limits.low:.3g} to {limits.high:.3g}, {achieved}")
    for end, reason in zip((limits.low, limits.high), limits.reasons, strict=True):
        click.echo(f"  {end:.3g}: {reason}")
    if limits.spread is not None:
        low, high = f"{limits.spread.low:.3g}", f"{limits.spread.high:.3g}"
        click.echo(f"The photos themselves vary from {low} to {high} (5% to 95% of {limits.spread.count})")
