"""`adatune directions`: sliders of a network, found, listed, shown and applied."""

import json
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import Console
from rich.table import Table

from adatune.cli.foreign_options import DIRECTIONS, ForeignAware
from adatune.cli.network_options import device_options, load_network, look_options, network_options
from adatune.cli.progress import with_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adatune.latent.direction_files import Directions
    from adatune.latent.directions import Move
    from adatune.latent.sampling import SamplingConfig

_WIDEST = 110  # columns that output off a terminal gets

_layers = click.option(
    "--layers",
    metavar="0-6|coarse|middle|fine",
    help="Which w are moved: numbers, coarse (pose and shape: 4x4, 8x8), middle (features: 16x16, 32x32) or "
    "fine (colours: 64x64 and up).  [default: all]",
)
_label = click.option("--class", "label", type=int, help="Class, for a network trained with labels.")
_replace = click.option("--replace", is_flag=True, help="Write over directions of that name.")
_strength = click.option(
    "--strength",
    default="-3:3",
    show_default=True,
    help="From where to where, in standard deviations of w along the direction.",
)
_out = click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the sheet.  [default: generated/ in the run's folder]",
)


@click.group(short_help="Find, show and apply sliders: smile, pose, light.")
def directions() -> None:
    """Find directions in a network's latents, look at what they do, and move pictures along them.

    \b
    adatune directions find ffhq512 --method sefa --layers 0-6 --name shape
    adatune directions sheet shape ffhq512
    adatune directions apply shape ffhq512 --number 2 --strength -3:3 --seeds 0-3
    """


@directions.command(cls=ForeignAware, foreign=DIRECTIONS, short_help="Find directions without examples.")
@network_options
@click.option(
    "--method",
    type=click.Choice(["sefa", "ganspace"]),
    default="sefa",
    show_default=True,
    help="sefa: what moves the styles of the layers most; ganspace: what varies most among w.",
)
@_layers
@click.option(
    "--count", type=int, default=20, show_default=True, help="How many at most, the strongest first."
)
@_label
@click.option("--name", help="What to call them.  [default: NETWORK-METHOD-LAYERS]")
@_replace
@device_options
def find(
    network: str,
    method: str,
    layers: str | None,
    count: int,
    label: int | None,
    name: str | None,
    replace: bool,
    device: str,
    as_json: bool,
) -> None:
    """Find the main directions of a NETWORK: a name, a file, an address or a run.  [default: the newest run]

    \b
    adatune directions find ffhq512
    adatune directions find ffhq512 --method ganspace --layers coarse --count 40 --name pose
    """
    from adatune.latent.direction_files import path_for
    from adatune.latent.direction_search import Search, check_search, default_name, find_directions
    from adatune.latent.kinship import name_of

    search = Search(method, layers, count, label)
    path, networks = load_network(network, device)
    called = name_of(path)
    file = path_for(name or default_name(called, method, layers), replace)
    check_search(search, networks.config)
    click.echo(f"Looking for directions in {path}", err=True)
    _keep(find_directions(networks, called, file.stem, search), file, network, as_json)


@directions.command(
    "from-seeds", cls=ForeignAware, foreign=DIRECTIONS, short_help="Make a direction from two lists of seeds."
)
@network_options
@click.option("--positive", required=True, help="Seeds that have it: numbers and ranges.")
@click.option("--negative", required=True, help="Seeds that lack it.")
@click.option("--name", required=True, help="What to call it.")
@click.option(
    "--method",
    type=click.Choice(["means", "svm"]),
    default="means",
    show_default=True,
    help="means: from the mean of one list to that of the other; svm: across the boundary that parts them "
    "best, for long lists.",
)
@_layers
@_label
@_replace
@device_options
def from_seeds(
    network: str,
    positive: str,
    negative: str,
    name: str,
    method: str,
    layers: str | None,
    label: int | None,
    replace: bool,
    device: str,
    as_json: bool,
) -> None:
    """Make the direction from pictures that lack something to pictures that have it, by their seeds.

    \b
    adatune directions from-seeds ffhq512 --positive 1,5,9 --negative 2,3 --name smile
    """
    from adatune.latent.direction_files import path_for
    from adatune.latent.direction_search import direction_from_seeds
    from adatune.latent.kinship import name_of
    from adatune.latent.seeds import parse_seeds

    sides = parse_seeds(positive, "--positive"), parse_seeds(negative, "--negative")
    file = path_for(name, replace)
    path, networks = load_network(network, device)
    found = direction_from_seeds(networks, name_of(path), file.stem, *sides, method, layers, label)
    accuracy = found.details.get("left_out_accuracy")
    if accuracy is not None:
        click.echo(
            f"Seeds that were left out fall on their side {accuracy:.0%} of the time (chance: 50%)", err=True
        )
    _keep(found, file, network, as_json)


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
    # A pipe or a file has no width of its own.
    Console(highlight=False, width=None if sys.stdout.isatty() else _WIDEST).print(table)


@directions.command(cls=ForeignAware, foreign=DIRECTIONS, short_help="Move pictures along a direction.")
@click.argument("name")
@network_options
@click.option("--number", type=int, default=0, show_default=True, help="Which, where NAME has several.")
@_strength
@click.option("--steps", type=int, default=7, show_default=True, help="Pictures from end to end.")
@click.option("--seeds", default="0-3", show_default=True, help="What to move: numbers and ranges.")
@look_options
@_out
@device_options
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
@_strength
@click.option("--steps", type=int, default=7, show_default=True, help="Pictures from end to end.")
@click.option("--seed", type=int, default=0, show_default=True, help="What to move.")
@look_options
@_out
@device_options
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


def _keep(found: "Directions", file: Path, network: str, as_json: bool) -> None:
    """Write FOUND to FILE and say how to look at it with NETWORK."""
    from adatune.latent.direction_files import describe, save_directions

    save_directions(found, file)
    if as_json:
        click.echo(json.dumps({**describe(found), "files": [str(file)]}, indent=2))
    else:
        words = ["sheet" if len(found.vectors) > 1 else "apply", found.name]
        words += [] if network == "latest" else [network]
        click.echo(f"Wrote {file}. See what it does: adatune directions {shlex.join(words)}")


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
