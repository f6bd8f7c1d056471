"""`adatune video`: a film through the latents of seeds and of projected photos."""

import json
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource

from adatune.cli.foreign_options import VIDEO, ForeignAware
from adatune.cli.network_options import device_options, load_network, look_options, network_options
from adatune.cli.progress import with_progress
from adatune.errors import UsageError


@click.command(cls=ForeignAware, foreign=VIDEO, short_help="Make a film from picture to picture.")
@network_options
@click.option(
    "--seeds",
    "--keys",
    "keys",
    help="What the film goes through: seeds, ranges and files of latents (projected_w.npz).  [default: 0-5; "
    "with --walk and --truncation-sweep 0]",
)
@click.option(
    "--loop/--no-loop", "is_loop", default=True, show_default=True, help="Come back to the first picture."
)
@click.option(
    "--space", type=click.Choice(["z", "w"]), help="Move in z (great circles) or w (lines).  [default: z]"
)
@click.option("--cubic", "is_cubic", is_flag=True, help="Move through w without corners.")
@click.option(
    "--even",
    "is_even",
    is_flag=True,
    help="Let pictures, not latents, change at an even speed (measures first).",
)
@click.option("--walk", is_flag=True, help="Wander off at random from a seed, which also decides the way.")
@click.option("--truncation-sweep", "sweep", is_flag=True, help="Show a seed at psi -1 to 1 and back.")
@click.option(
    "--noise-loop", "has_noise_loop", is_flag=True, help="Move the fine detail too, once round a circle."
)
@click.option(
    "--mix-layers",
    "layers",
    metavar="0-6|coarse|middle|fine",
    help="Move only these layers; the others stay the first picture's.",
)
@click.option(
    "--seconds",
    type=float,
    help="Length of the film.  [default: 2 from key to key; --walk 20, --truncation-sweep 8]",
)
@click.option(
    "--fps", "frames_per_second", type=float, default=30.0, show_default=True, help="Frames a second."
)
@click.option(
    "--easing",
    type=click.Choice(["linear", "smooth", "smoother", "in", "out"]),
    help="How to go from key to key: smooth rests at each.  [default: linear; smooth for --truncation-sweep]",
)
@look_options
@click.option(
    "--noise",
    type=click.Choice(["const", "none"]),
    default="const",
    show_default=True,
    help="Fine detail: as stored in the network, or left out.",
)
@click.option("--noise-seed", type=int, default=0, show_default=True, help="Seed of --noise-loop.")
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    help="The .mp4 to write, or a folder for it.  [default: generated/ in the run's folder]",
)
@device_options
@click.pass_context
def video(
    context: click.Context,
    network: str,
    keys: str | None,
    walk: bool,
    sweep: bool,
    psi: float,
    label: int | None,
    square: bool,
    noise: str,
    noise_seed: int,
    out: Path | None,
    device: str,
    as_json: bool,
    **movement: Any,
) -> None:
    """Make a film with a NETWORK, from picture to picture and back to the first.

    \b
    adatune video --seeds 1,5,9,3
    adatune video ffhq512 --walk --seeds 7 --seconds 30 --even
    adatune video --keys me_projected_w.npz,5 --cubic --easing smooth --out me.mp4
    """
    from adatune.latent.film import plan_film
    from adatune.latent.film_config import FilmConfig, name_of_keys, parse_keys
    from adatune.latent.film_files import film_path, save_film
    from adatune.latent.picture_files import output_folder
    from adatune.latent.sampling import SamplingConfig
    from adatune.video import find_encoder

    if walk and sweep:
        raise UsageError("--walk and --truncation-sweep are two kinds of film. Leave one out.")
    config = FilmConfig("walk" if walk else "sweep" if sweep else "keys", **movement)
    if sweep and context.get_parameter_source("psi") is ParameterSource.DEFAULT:
        psi = 1.0
    look = SamplingConfig(psi, noise, noise_seed, label, square)
    chosen = parse_keys(keys or ("0" if walk or sweep else "0-5"))
    path, networks = load_network(network, device)
    film = plan_film(networks, chosen, config, look)
    name = name_of_keys(chosen, config)
    target = film_path(out, output_folder(path), name)
    encoder = find_encoder()
    rate, count, (width, height) = config.frames_per_second, len(film.times), film.size
    click.echo(
        f"Drawing {count} frames ({count / rate:g} s, {width} x {height}) with {path}; "
        f"{encoder.name} writes them",
        err=True,
    )
    if config.is_even:
        click.echo("Even speed: measured on pictures of 32 x 32 pixels", err=True)
    caption = f"{path.name} · {name} · psi {psi:g}"
    made = save_film(film, target, rate, config.is_even, caption, encoder, with_progress)
    if as_json:
        details = {"network": str(path), "keys": [str(key) for key in chosen], "psi": psi, "fps": rate}
        files = {"film": str(made.film), "sheet": str(made.sheet), "written_by": encoder.name}
        size = {"frames": count, "seconds": made.seconds, "width": width, "height": height}
        click.echo(json.dumps({**details, **size, **files}, indent=2))
    else:
        click.echo(f"Look at it: {made.film}\nSome frames: {made.sheet}")
