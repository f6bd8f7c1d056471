"""`adatune steer`: a slider for an edit such as zoom or shift, learned, shown and measured."""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
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
def steer(network: str, device: str, as_json: bool, **wanted: Any) -> None:
    """Teach a slider to imitate an EDIT of a NETWORK's pictures, and measure how far it carries.

    \b
    adatune steer zoom ffhq512
    adatune steer shiftx ffhq512 --space w --data portraits
    adatune steer own ffhq512 --edit-file my_edit.py:darken --name darken
    """
    from adatune.latent.sliders import SliderConfig, make_slider

    config = SliderConfig(**wanted)
    path, networks = load_network(network, device)
    made = make_slider(config, path, networks, partial(click.echo, err=True), with_progress)
    if as_json:
        details = {
            "network": str(path),
            "edit": made.edit,
            "space": made.space,
            "name": made.name,
            "loss": made.loss,
            "limits": [limits.to_dict() for limits in made.limits],
            "files": [str(file) for file in made.files],
        }
        click.echo(json.dumps(details, indent=2))
        return
    for limits in made.limits:
        _print(limits)
    click.echo("Wrote " + "\n      ".join(map(str, made.files)))
    net = "" if network == "latest" else f" {network}"
    if made.directions is not None:
        low, high = made.directions.details.get("recommended_strengths", [[-3, 3]])[0]
        click.echo(
            f"Use it: adatune directions apply {made.directions.name}{net} --strength {low:g}:{high:g}"
        )
    elif not config.use:
        click.echo(f"Show it again: adatune steer {config.edit}{net} --use --name {made.name}")


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
