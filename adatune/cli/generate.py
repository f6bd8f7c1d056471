"""`adatune generate`: pictures of seeds, one file each or all on a sheet."""

import json
from pathlib import Path

import click

from adatune.cli.foreign_options import GENERATE, ForeignAware
from adatune.cli.network_options import device_options, load_network, look_options, network_options
from adatune.cli.progress import with_progress


@click.command(cls=ForeignAware, foreign=GENERATE, short_help="Make pictures with a network.")
@network_options
@click.option(
    "--seeds", help="Which pictures: numbers and ranges.  [default: 0-63, or as many as --grid holds]"
)
@look_options
@click.option(
    "--noise",
    type=click.Choice(["const", "random", "none"]),
    default="const",
    show_default=True,
    help="Fine detail: as stored in the network, drawn anew, or left out.",
)
@click.option("--noise-seed", type=int, default=0, show_default=True, help="Seed of --noise random.")
@click.option("--grid", metavar="COLUMNSxROWS", help="Put all pictures on one sheet, such as 8x8.")
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
@device_options
def generate(
    network: str,
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
    path, networks = load_network(network, device)
    folder = output_folder(path) if out is None else out
    if layout is not None:
        check_sheet(layout, networks.config.resolution, networks.config.resolution)
    pictures = draw_pictures(networks, chosen, config)
    click.echo(f"Drawing {len(chosen)} pictures with {path}", err=True)
    pictures = with_progress(pictures, len(chosen))
    if layout is None:
        files = save_pictures(pictures, folder, suffix)
    else:
        files = [save_sheet(pictures, chosen, layout, folder, suffix)]
    if as_json:
        result = {"network": str(path), "seeds": chosen, "psi": psi, "files": [str(file) for file in files]}
        click.echo(json.dumps(result, indent=2))
    else:
        click.echo(f"Look at them: {files[0] if len(files) == 1 else folder}")
