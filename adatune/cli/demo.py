"""`adatune demo`: show the whole job on pictures that come with the package."""

from pathlib import Path

import click


@click.command(short_help="Show the whole job in four minutes, without a GPU.")
@click.option(
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("demo-output"),
    show_default=True,
    help="Folder for everything that the demo makes.",
)
def demo(output: Path) -> None:
    """Show the whole job in four minutes, without a GPU: photos, preparation, fine-tuning, new faces.

    \b
    adatune demo
    """
    from adatune.demo.run import run_demo

    run_demo(output, say=click.echo)
