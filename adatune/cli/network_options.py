"""What every command that draws with a network asks for in the same words: which one, how, and on what."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adatune.cli.downloads import download_progress

if TYPE_CHECKING:
    from adatune.checkpoints import LoadedNetworks

Command = Callable[..., None]


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


def device_options(command: Command) -> Command:
    """Let COMMAND take `device` and `as_json`."""
    device = click.option("--device", default="auto", show_default=True, help="auto, cpu, cuda, cuda:1, mps.")
    as_json = click.option("--json", "as_json", is_flag=True, help="Print what was made as JSON.")
    return device(as_json(command))


def load_network(network: str, device: str) -> "tuple[Path, LoadedNetworks]":
    """The file that NETWORK means, fetched where need be, and its networks on DEVICE.

    Raises: what `adatune.load` does.
    """
    from adatune.checkpoints.load import find_network, load

    with download_progress() as progress:
        path = find_network(network, progress)
    return path, load(path, device)
