"""`adatune mix`: a sheet of pictures between two lists of seeds."""

import json
from pathlib import Path

import click

from adatune.cli.foreign_options import MIX, ForeignAware
from adatune.cli.layer_options import layers_option
from adatune.cli.network_options import (
    device_options,
    load_network,
    look_options,
    network_options,
    out_option,
)
from adatune.cli.progress import with_progress


@click.command(
    cls=ForeignAware, foreign=MIX, short_help="Cross seeds: the shape of one, the colours of another."
)
@network_options
@click.option("--rows", default="0-3", show_default=True, help="Seeds that are changed: numbers and ranges.")
@click.option("--cols", default="4-9", show_default=True, help="Seeds that they are changed by.")
@layers_option("come from the columns", "--range", default="coarse")
@look_options
@click.option(
    "--noise",
    type=click.Choice(["const", "random", "none"]),
    default="const",
    show_default=True,
    help="Fine detail: as stored in the network, drawn for each row, or left out.",
)
@click.option("--noise-seed", type=int, default=0, show_default=True, help="Seed of --noise random.")
@click.option("--separate", is_flag=True, help="Write each picture to a file of its own too.")
@out_option("the sheet")
@device_options
def mix(
    network: str,
    rows: str,
    cols: str,
    layers: str,
    psi: float,
    label: int | None,
    square: bool,
    noise: str,
    noise_seed: int,
    separate: bool,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Cross seeds with a NETWORK: each row's picture with some layers of each column's, on one sheet.

    \b
    adatune mix --rows 0-3 --cols 4-9
    adatune mix ffhq512 --rows 85,100,75 --cols 55,821,1789 --layers middle
    """
    from adatune.latent.mixing import (
        RANGES,
        draw_mixes,
        layers_in_words,
        parse_layers,
        save_each,
        save_mixing_sheet,
    )
    from adatune.latent.picture_files import output_folder
    from adatune.latent.sampling import SamplingConfig
    from adatune.latent.seeds import parse_seeds

    config = SamplingConfig(psi, noise, noise_seed, label, square)
    seeds = parse_seeds(rows, "--rows"), parse_seeds(cols, "--cols")
    path, networks = load_network(network, device)
    chosen = parse_layers(layers, networks.config)
    name = layers if layers in RANGES else f"layers{layers_in_words(chosen)}"
    folder = output_folder(path) if out is None else out
    pictures = draw_mixes(networks, *seeds, chosen, config)
    count = (len(seeds[0]) + 1) * (len(seeds[1]) + 1) - 1
    click.echo(f"Drawing {count} pictures with {path}", err=True)
    pictures = with_progress(pictures, count)
    ends = [f"{part[0]:04d}-{part[-1]:04d}" for part in seeds]
    sheet = folder / f"mix-{name}-rows{ends[0]}-cols{ends[1]}.png"
    if separate:
        pictures = save_each(pictures, *seeds, sheet.with_suffix(""))
    caption = f"{path.name} · w {layers_in_words(chosen)} from the columns ({name}) · psi {psi:g}"
    save_mixing_sheet(pictures, *seeds, caption, sheet)
    if as_json:
        result = {"network": str(path), "rows": seeds[0], "cols": seeds[1], "layers": chosen, "psi": psi}
        click.echo(json.dumps({**result, "files": [str(sheet)]}, indent=2))
    else:
        click.echo(f"Look at it: {sheet}")
