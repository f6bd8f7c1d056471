"""`adatune generate`: pictures of seeds, sheets of what can be varied, and ways to find the good ones."""

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click

from adatune.cli.foreign_options import GENERATE, ForeignAware
from adatune.cli.network_options import (
    device_options,
    load_network,
    network_options,
    out_option,
    shape_options,
)
from adatune.cli.progress import with_progress

Item = TypeVar("Item")


@click.command(cls=ForeignAware, foreign=GENERATE, short_help="Make pictures with a network.")
@network_options
@click.option(
    "--seeds",
    help="Which pictures: numbers and ranges.  [default: 0-63, or as many as --grid holds; 0-199 to choose "
    "from; 0-5 on sheets and in films]",
)
@shape_options
@click.option("--cutoff", type=int, metavar="N", help="Truncate only the first N layers; later ones keep 1.")
@click.option("--layer-psi", metavar="0-3:0.5,4-7:1", help="Truncation of single layers, in place of --psi.")
@click.option(
    "--class", "classes", metavar="N", help="Class, for a network trained with labels; 0-3 or all: a sheet."
)
@click.option(
    "--noise",
    type=click.Choice(["const", "random", "none"]),
    default="const",
    show_default=True,
    help="Fine detail: as stored in the network, drawn anew, or left out.",
)
@click.option(
    "--noise-seed",
    default="0",
    show_default=True,
    help="Seed of --noise random; several (0-5): a sheet of what noise changes.",
)
@click.option(
    "--noise-layers",
    metavar="all|none|64-|4-32",
    help="Which resolutions get noise; several with commas, or the word sheet: a sheet.  [default: all]",
)
@click.option("--grid", metavar="COLUMNSxROWS", help="Put all pictures on one sheet, such as 8x8.")
@click.option(
    "--browse",
    type=int,
    metavar="N",
    help="A page of N random seeds (or of --seeds) to click through and collect from.",
)
@click.option(
    "--seed", "draw", type=int, default=0, show_default=True, help="Which random seeds --browse shows."
)
@click.option("--truncation-sweep", "sweep", is_flag=True, help="A sheet of psi from -1 to 1.")
@click.option("--rank", is_flag=True, help="Order the seeds by the discriminator's score.")
@click.option("--pick", type=int, metavar="N", help="Choose N of the seeds that differ from each other.")
@click.option(
    "--like",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="PHOTO",
    help="Order the seeds by likeness to a photo; may be given several times.",
)
@click.option(
    "--features",
    type=click.Choice(["auto", "lpips", "discriminator"]),
    default="auto",
    show_default=True,
    help="What --like and --pick compare with; auto: LPIPS where it can be had.",
)
@click.option("--video", is_flag=True, help="A film through the seeds; adatune video has more ways.")
@click.option(
    "--format",
    "suffix",
    type=click.Choice(["png", "jpg"]),
    default="png",
    show_default=True,
    help="Format of the files.",
)
@out_option("the pictures")
@device_options
def generate(network: str, device: str, as_json: bool, **wanted: Any) -> None:
    """Make pictures with a NETWORK: a name, a file, an address or a run.  [default: the newest run]

    \b
    adatune generate --seeds 0-63
    adatune generate ffhq512 --seeds 0-15,100 --psi 0.5 --grid 4x5
    adatune generate --browse 500
    adatune generate --seeds 0-999 --pick 15
    adatune generate --like me.jpg --seeds 0-999 --grid 6x2
    """
    from adatune.latent.generation import GenerateConfig, make

    config = GenerateConfig(**wanted)
    path, networks = load_network(network, device)

    def progress(
        items: Iterable[Item], count: int, verb: str = "Drawing", noun: str = "pictures"
    ) -> Iterator[Item]:
        click.echo(f"{verb} {count} {noun} with {path}", err=True)
        return with_progress(items, count, verb, noun)

    made = make(config, path, networks, progress)
    files = [str(file) for file in made.files]
    if as_json:
        result = {
            "network": str(path),
            "seeds": made.seeds,
            "psi": config.psi,
            **made.details,
            "files": files,
        }
        click.echo(json.dumps(result, indent=2))
    else:
        where = files[0] if len(files) == 1 or made.details else made.files[0].parent
        click.echo("\n".join([*made.remarks, f"Look at {'it' if made.details else 'them'}: {where}"]))
