"""`adatune info`: what a network is made of, as a table."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import click
from rich import box
from rich.table import Table

from adatune.cli.network_options import load_network, network_options
from adatune.cli.tables import table_console

if TYPE_CHECKING:
    from adatune.checkpoints import LoadedNetworks
    from adatune.networks.summary import NetworkSummary

_FULL = 98  # columns that all of the table's need


@click.command(short_help="Show a network's layers and what its file says.")
@network_options
@click.option("--json", "as_json", is_flag=True, help="Print the tables as JSON.")
def info(network: str, as_json: bool) -> None:
    """Show the layers of a NETWORK: a name, a file, an address or a run.  [default: the newest run]

    \b
    adatune info ffhq512
    adatune info runs/00000-faces
    """
    from adatune.networks.summary import summarize_discriminator, summarize_generator

    _, loaded = load_network(network, "cpu")
    tables = {"Generator": summarize_generator(loaded.config)}
    if loaded.D is not None:
        tables["Discriminator"] = summarize_discriminator(loaded.config)
    if as_json:
        click.echo(json.dumps(_as_json(loaded, tables), indent=2))
        return
    console = table_console()
    console.print(_headline(loaded))
    for name, summary in tables.items():
        console.print()
        console.print(_table(name, summary, is_narrow=console.width < _FULL))


def _as_json(loaded: "LoadedNetworks", tables: "dict[str, NetworkSummary]") -> dict[str, Any]:
    return {
        "config": loaded.config.to_dict(),
        "augment_p": loaded.augment_p,
        "aspect": loaded.aspect,
        "metadata": loaded.metadata,
        "networks": {name.lower(): asdict(summary) for name, summary in tables.items()},
    }


def _headline(loaded: "LoadedNetworks") -> str:
    config = loaded.config
    parts = [
        f"{config.resolution}x{config.resolution}, {config.channels} channels",
        f"labels: {config.c_dim}" if config.c_dim else "no labels",
        f"mapping of {config.mapping_layers} layers",
        f"feature maps: {config.channel_base} / resolution, at most {config.channel_max}",
    ]
    if loaded.aspect != 1:
        parts.append(f"shown at {config.resolution}x{round(config.resolution * loaded.aspect)}")
    if loaded.augment_p is not None:
        parts.append(f"augmentation p {loaded.augment_p:.3f}")
    return " · ".join(parts)


def _table(name: str, summary: "NetworkSummary", is_narrow: bool) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_footer=True)
    table.add_column(name, footer="Total", no_wrap=True)
    table.add_column("Parameters", footer=f"{summary.parameters:,}", justify="right", no_wrap=True)
    table.add_column("Buffers", footer=f"{summary.buffers:,}", justify="right", no_wrap=True)
    titles = ("Output shape", "On a GPU") if is_narrow else ("Output shape", "Weight shape", "On a GPU")
    for title in titles:
        table.add_column(title, no_wrap=True)
    for row in summary.rows:
        weight = "-" if row.weight_shape is None else str(list(row.weight_shape))
        table.add_row(
            row.name,
            f"{row.parameters:,}" if row.parameters else "-",
            f"{row.buffers:,}" if row.buffers else "-",
            str(list(row.output_shape)),
            *([] if is_narrow else [weight]),
            row.dtype,
        )
    return table
