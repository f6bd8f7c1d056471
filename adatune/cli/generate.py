"""`adatune generate`: pictures of seeds, one file each or all on a sheet."""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adatune.cli.downloads import download_progress
from adatune.cli.foreign_options import GENERATE, ForeignAware

if TYPE_CHECKING:
    from PIL.Image import Image

_LINE_SECONDS = 10  # between two plain lines


@click.command(cls=ForeignAware, foreign=GENERATE, short_help="Make pictures with a network.")
@click.argument("network", required=False)
@click.option("--network", "network_option", metavar="NETWORK", help="The same as the argument.")
@click.option(
    "--seeds", help="Which pictures: numbers and ranges.  [default: 0-63, or as many as --grid holds]"
)
@click.option(
    "--psi",
    "--trunc",
    type=float,
    default=0.7,
    show_default=True,
    help="Truncation: 1 is full variety, 0 the mean.",
)
@click.option("--class", "label", type=int, help="Class, for a network trained with labels.")
@click.option(
    "--noise",
    type=click.Choice(["const", "random", "none"]),
    default="const",
    show_default=True,
    help="Fine detail: as stored in the network, drawn anew, or left out.",
)
@click.option("--noise-seed", type=int, default=0, show_default=True, help="Seed of --noise random.")
@click.option("--grid", metavar="COLUMNSxROWS", help="Put all pictures on one sheet, such as 8x8.")
@click.option("--square", is_flag=True, help="Keep the squashed square of a network trained on portraits.")
@click.option(
    "--format",
    "suffix",
    type=click.Choice(["png", "jpg"]),
    default="png",
    show_default=True,
    help="Format of the files.",
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for the pictures.  [default: generated/ in the run's folder]",
)
@click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
@click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
def generate(
    network: str | None,
    network_option: str | None,
    seeds: str | None,
    psi: float,
    label: int | None,
    noise: str,
    noise_seed: int,
    grid: str | None,
    square: bool,
    suffix: str,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Make pictures with a NETWORK: a name, a file, an address or a run.  [default: the newest run]

    \b
    adatune generate --seeds 0-63
    adatune generate ffhq512 --seeds 0-15,100 --psi 0.5 --grid 4x5
    """
    from adatune.checkpoints.load import find_network, load
    from adatune.latent.picture_files import (
        check_sheet,
        output_folder,
        parse_grid,
        save_pictures,
        save_sheet,
        seeds_for,
    )
    from adatune.latent.sampling import SamplingConfig, draw_pictures

    config = SamplingConfig(psi, noise, noise_seed, label, square)
    layout = None if grid is None else parse_grid(grid)
    chosen = seeds_for(seeds, layout)
    with download_progress() as progress:
        path = find_network(network or network_option or "latest", progress)
    networks = load(path, device)
    folder = output_folder(path) if out is None else out
    if layout is not None:
        check_sheet(layout, networks.config.resolution, networks.config.resolution)
    pictures = draw_pictures(networks, chosen, config)
    click.echo(f"Drawing {len(chosen)} pictures with {path}", err=True)
    pictures = _with_progress(pictures, len(chosen))
    if layout is None:
        files = save_pictures(pictures, folder, suffix)
    else:
        files = [save_sheet(pictures, chosen, layout, folder, suffix)]
    if as_json:
        result = {"network": str(path), "seeds": chosen, "psi": psi, "files": [str(file) for file in files]}
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(f"Look at them: {files[0] if len(files) == 1 else folder}")


def _with_progress(pictures: "Iterable[tuple[int, Image]]", count: int) -> "Iterator[tuple[int, Image]]":
    """Pass PICTURES on and show how many there are: a bar on a terminal, a line now and then elsewhere."""
    from rich.console import Console
    from rich.progress import track

    console = Console(stderr=True)
    if console.is_terminal:
        yield from track(pictures, "Drawing", total=count, console=console, transient=True)
        return
    last = time.monotonic()
    for done, picture in enumerate(pictures, start=1):
        yield picture
        if time.monotonic() - last > _LINE_SECONDS:
            last = time.monotonic()
            click.echo(f"{done} of {count} pictures", err=True)
