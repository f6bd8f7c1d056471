"""What every command that draws with a network asks for in the same words: which one, how, and on what."""

from collections.abc import Callable
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adatune.cli.downloads import download_progress
from adatune.errors import UsageError

if TYPE_CHECKING:
    from adatune.checkpoints import LoadedNetworks

Command = Callable[..., None]
_PICTURES = (".png", ".jpg", ".jpeg", ".webp")


def network_options(command: Command) -> Command:
    """Let COMMAND take a network as argument or as --network; it gets one `network`, "latest" if none."""

    @wraps(command)
    def merged(network: str | None, network_option: str | None, **options: Any) -> None:
        command(network=network or network_option or "latest", **options)

    option = click.option("--network", "network_option", metavar="NETWORK", help="The same as the argument.")
    return click.argument("network", required=False)(option(merged))


def look_options(command: Command) -> Command:
    """Let COMMAND take what a picture's look depends on: `psi`, `label` and `square`."""
    label = click.option("--class", "label", type=int, help="Class, for a network trained with labels.")
    return shape_options(label(command))


def shape_options(command: Command) -> Command:
    """Let COMMAND take `psi` and `square`: for one that draws several classes."""
    psi = click.option(
        "--psi",
        "--trunc",
        type=float,
        default=0.7,
        show_default=True,
        help="Truncation: 1 is full variety, 0 the mean.",
    )
    square = click.option(
        "--square", is_flag=True, help="Keep the squashed square of a network trained on portraits."
    )
    return psi(square(command))


def out_option(what: str, default: str = "generated/ in the run's folder") -> Callable[[Command], Command]:
    """Let a command take `out`, the folder for WHAT."""
    kind = click.Path(file_okay=False, path_type=Path)
    words = f"Folder for {what}.  [default: {default}]"
    return click.option("--out", type=kind, callback=_checked_folder, help=words)


def _checked_folder(context: click.Context, option: click.Parameter, folder: Path | None) -> Path | None:
    if folder is not None and folder.suffix.lower() in _PICTURES and not folder.is_dir():
        raise UsageError(f"--out {folder} is named like a picture, and it is a folder. Leave the ending out.")
    return folder


def device_options(command: Command) -> Command:
    """Let COMMAND take `device` and `as_json`; --ops and --precision go to `load_network`."""
    device = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
    ops = click.option(
        "--ops",
        type=click.Choice(["auto", "fused", "torch"]),
        default="auto",
        show_default=True,
        callback=_keep,
        expose_value=False,
        help="fused (our GPU kernels) or torch (plain operations); pictures differ in their last bits.",
    )
    precision = click.option(
        "--precision",
        type=click.Choice(["auto", "fp16", "fp32"]),
        default="auto",
        callback=_keep,
        expose_value=False,
        help="Of the highest resolutions.  [fp16 on CUDA, else fp32]",
    )
    as_json = click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
    return device(ops(precision(as_json(command))))


def load_network(network: str, device: str) -> "tuple[Path, LoadedNetworks]":
    """The file that NETWORK means, fetched where need be, and its networks on DEVICE.

    They compute as --ops and --precision of the command say; what takes long or is not used is told.

    Raises: what `load_to_draw` does.
    """
    from adatune.checkpoints.load import find_network
    from adatune.latent.loading import load_to_draw

    with download_progress() as progress:
        path = find_network(network, progress)
    kept = click.get_current_context().meta
    ops, precision = (kept.get(f"adatune.{name}", "auto") for name in ("ops", "precision"))
    return path, load_to_draw(path, device, ops, precision, partial(click.echo, err=True))


def _keep(context: click.Context, option: click.Parameter, value: str) -> None:
    """Keep VALUE for `load_network`, so that no command has to hand it on."""
    context.meta[f"adatune.{option.name}"] = value
