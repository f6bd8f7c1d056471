"""`adatune directions`: sliders of a network, listed, shown and applied; `direction_makers` finds them."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.table import Table

from adatune.cli.direction_makers import MAKERS
from adatune.cli.foreign_options import DIRECTIONS, ForeignAware
from adatune.cli.network_options import (
    Command,
    device_options,
    load_network,
    look_options,
    network_options,
    out_option,
)
from adatune.cli.progress import with_progress
from adatune.cli.tables import table_console

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adatune.latent.direction_files import Directions
    from adatune.latent.directions import Move
    from adatune.latent.sampling import SamplingConfig


def sheet_options(command: Command) -> Command:
    """Let COMMAND take `strength`, `steps`, `out`, and what every drawing depends on."""
    strength = click.option(
        "--strength",
        default="-3:3",
        show_default=True,
        help="From where to where, in standard deviations of w along the direction.",
    )
    steps = click.option("--steps", type=int, default=7, show_default=True, help="Pictures from end to end.")
    return strength(steps(look_options(out_option("the sheet")(device_options(command)))))


@click.group(short_help="Find, show and apply sliders: smile, pose, light.")
def directions() -> None:
    """Find directions in a network's latents, look at what they do, and move pictures along them.

    \b
    adatune directions find ffhq512 --method sefa --layers 0-6 --name shape
    adatune directions sheet shape ffhq512
    adatune directions apply shape ffhq512 --number 2 --strength -3:3 --seeds 0-3
    """


for _command in MAKERS:
    directions.add_command(_command)


@directions.command("list", short_help="List the directions that there are.")
@click.option("--json", "as_json", is_flag=True, help="Print them as JSON.")
def list_all(as_json: bool) -> None:
    """List the directions in the folder of directions, and what they were found in.

    \b
    adatune directions list
    """
    from adatune.latent.direction_files import describe, directions_folder, read_all

    found, errors = read_all()
    for error in errors:
        click.echo(f"Warning: {error}", err=True)
    if as_json:
        click.echo(json.dumps([describe(each) for each in found], indent=2))
        return
    if not found:
        click.echo(f"There are none in {directions_folder()}. Find some with 'adatune directions find'.")
        return
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for title in ("Name", "Directions", "Method", "Layers", "Found in"):
        table.add_column(title, overflow="fold")
    for row in map(describe, found):
        table.add_row(row["name"], str(row["count"]), row["method"], row["layers"], row["network"])
    table_console().print(table)


@directions.command(cls=ForeignAware, foreign=DIRECTIONS, short_help="Move pictures along a direction.")
@click.argument("name")
@network_options
@click.option("--number", type=int, default=0, show_default=True, help="Which, where NAME has several.")
@click.option("--seeds", default="0-3", show_default=True, help="What to move: numbers and ranges.")
@sheet_options
def apply(
    name: str,
    network: str,
    number: int,
    strength: str,
    steps: int,
    seeds: str,
    psi: float,
    label: int | None,
    square: bool,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Move pictures of a NETWORK along the direction NAME (or a file): strengths across, seeds down.

    \b
    adatune directions apply smile ffhq512 --strength -3:3 --steps 7 --seeds 0-3
    """
    from adatune.latent.direction_files import find_file, read_directions
    from adatune.latent.directions import direction_number, parse_strengths
    from adatune.latent.sampling import SamplingConfig
    from adatune.latent.seeds import parse_seeds

    config, chosen = SamplingConfig(psi, label=label, is_square=square), parse_seeds(seeds)
    strengths, found = parse_strengths(strength, steps), read_directions(find_file(name))
    direction_number(found, number)
    moves = [(seed, number, value) for seed in chosen for value in strengths]
    ends = f"seeds{chosen[0]:04d}-{chosen[-1]:04d}"
    _draw(
        found,
        moves,
        strengths,
        list(map(str, chosen)),
        f"{number}-{ends}",
        network,
        config,
        out,
        device,
        as_json,
    )


@directions.command(cls=ForeignAware, foreign=DIRECTIONS, short_help="Show what each direction does.")
@click.argument("name")
@network_options
@click.option("--count", type=int, default=20, show_default=True, help="How many, from the first on.")
@click.option("--seed", type=int, default=0, show_default=True, help="What to move.")
@sheet_options
def sheet(
    name: str,
    network: str,
    count: int,
    strength: str,
    steps: int,
    seed: int,
    psi: float,
    label: int | None,
    square: bool,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Show one picture moved along each of the directions NAME (or a file): a row for each direction.

    \b
    adatune directions sheet ffhq512-sefa ffhq512 --seed 7
    """
    from adatune.latent.direction_files import find_file, read_directions
    from adatune.latent.directions import parse_strengths, row_labels
    from adatune.latent.sampling import SamplingConfig

    config = SamplingConfig(psi, label=label, is_square=square)
    strengths, found = parse_strengths(strength, steps), read_directions(find_file(name))
    numbers = range(max(1, min(count, len(found.vectors))))
    moves = [(seed, number, value) for number in numbers for value in strengths]
    rows = row_labels(found, numbers)
    _draw(found, moves, strengths, rows, f"sheet-seed{seed:04d}", network, config, out, device, as_json)


def _draw(
    found: "Directions",
    moves: "Sequence[Move]",
    strengths: "Sequence[float]",
    rows: "Sequence[str]",
    what: str,
    network: str,
    config: "SamplingConfig",
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Draw MOVES of FOUND on a sheet of ROWS by STRENGTHS and say where it is."""
    from adatune.latent.directions import draw_moves, save_strength_sheet, warn_of_stranger
    from adatune.latent.mixing import layers_in_words
    from adatune.latent.picture_files import output_folder

    path, networks = load_network(network, device)
    pictures = draw_moves(networks, found, moves, config)
    warning = warn_of_stranger(found, networks)
    if warning:
        click.echo(f"Warning: {warning}", err=True)
    click.echo(f"Drawing {len(moves)} pictures with {path}", err=True)
    file = (output_folder(path) if out is None else out) / f"directions-{found.name}-{what}.png"
    caption = f"{path.name} · {found.name} ({found.method}) · w {layers_in_words(found.layers)}"
    caption += f" · psi {config.psi:g}"
    save_strength_sheet(with_progress(pictures, len(moves)), rows, strengths, caption, file)
    if as_json:
        result = {"network": str(path), "directions": found.name, "rows": list(rows)}
        click.echo(
            json.dumps(
                {**result, "strengths": list(strengths), "warning": warning, "files": [str(file)]}, indent=2
            )
        )
    else:
        click.echo(f"Look at it: {file}")
