"""`adatune blend`: the structure of one network with the texture of another, as a network of its own."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adatune.cli.foreign_options import BLEND, ForeignAware
from adatune.cli.network_options import device_options, load_network, look_options
from adatune.cli.progress import with_progress
from adatune.errors import UsageError

if TYPE_CHECKING:
    from adatune.checkpoints import LoadedNetworks
    from adatune.latent.blending import Blend, Names
    from adatune.latent.sampling import SamplingConfig


@click.command(
    cls=ForeignAware,
    foreign=BLEND,
    short_help="Join two related networks: structure of one, texture of another.",
)
@click.argument("low")
@click.argument("high")
@click.option(
    "--at",
    type=int,
    metavar="RESOLUTION",
    help="LOW gives the blocks up to and including it, HIGH those above. Look at --sheet to choose it.",
)
@click.option(
    "--smooth",
    type=float,
    default=0.0,
    show_default=True,
    metavar="WIDTH",
    help="Width of the transition, in layers (two a resolution); 0 swaps at once.",
)
@click.option(
    "--mapping",
    type=click.Choice(["low", "high"]),
    default="low",
    show_default=True,
    help="Whose mapping (seeds to w) the result has.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The network to write.  [default: blends/LOW-HIGH-RESOLUTION.safetensors]",
)
@click.option("--replace", is_flag=True, help="Write over a file that is there.")
@click.option("--sheet", is_flag=True, help="Draw each swap point's blend beside its parents, on one sheet.")
@click.option("--seeds", default="0-3", show_default=True, help="Rows of the sheet: numbers and ranges.")
@look_options
@device_options
def blend(
    low: str,
    high: str,
    at: int | None,
    smooth: float,
    mapping: str,
    out: Path | None,
    replace: bool,
    sheet: bool,
    seeds: str,
    psi: float,
    label: int | None,
    square: bool,
    device: str,
    as_json: bool,
) -> None:
    """Join two networks: coarse blocks (structure) of LOW, fine ones (texture) of HIGH.

    Each is a name, a file, an address or a run; one was fine-tuned from the other, or both from a third.

    \b
    adatune blend ffhq512 runs/00000-faces --sheet
    adatune blend ffhq512 runs/00000-faces --at 32 --out blended.safetensors
    """
    from adatune.latent.blending import Blend, check_parents
    from adatune.latent.kinship import name_of
    from adatune.latent.sampling import SamplingConfig
    from adatune.latent.seeds import parse_seeds

    if at is None and not sheet:
        raise UsageError(
            "Nothing says where to join the networks. Look at --sheet first, then choose, say, --at 32."
        )
    how = Blend(0 if at is None else at, smooth, mapping)
    config, chosen = SamplingConfig(psi, label=label, is_square=square), parse_seeds(seeds)
    (low_path, below), (high_path, above) = load_network(low, device), load_network(high, device)
    names = name_of(low_path), name_of(high_path)
    warning = check_parents(below, above, how, names)
    if warning:
        click.echo(f"Warning: {warning}", err=True)
    files = [] if at is None else [_write(below, above, how, names, out, replace)]
    if sheet:
        files.append(_draw(below, above, how, names, chosen, config))
    if as_json:
        settings = {"at": at, "smooth": smooth, "mapping": mapping, "warning": warning}
        result = {"low": str(low_path), "high": str(high_path), **settings, "files": list(map(str, files))}
        click.echo(json.dumps(result, indent=2))
    if at is not None and not as_json:
        click.echo(f"Make pictures with it: adatune generate {files[0]}")
    if sheet and not as_json:
        click.echo(f"Look at it: {files[-1]}")


def _write(
    low: "LoadedNetworks",
    high: "LoadedNetworks",
    how: "Blend",
    names: "Names",
    out: Path | None,
    replace: bool,
) -> Path:
    from adatune.latent.blending import blend, blend_path, save_blend

    path = blend_path(names, how, out, replace)
    save_blend(blend(low, high, how, names), path)
    return path


def _draw(
    low: "LoadedNetworks",
    high: "LoadedNetworks",
    how: "Blend",
    names: "Names",
    seeds: list[int],
    config: "SamplingConfig",
) -> Path:
    from adatune.latent.blending import draw_comparison, save_comparison, sheet_path, swap_points

    points = swap_points(low.config)
    count = (len(points) + 2) * len(seeds)
    click.echo(f"Drawing {count} pictures with {len(points)} blends and their parents", err=True)
    pictures = with_progress(draw_comparison(low, high, how, points, seeds, config), count)
    path = sheet_path(names, how)
    save_comparison(pictures, points, seeds, names, how, path)
    return path
