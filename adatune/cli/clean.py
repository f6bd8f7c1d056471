"""`adatune clean`: shows what a run could do without, and deletes it when told to."""

import click


@click.command(short_help="Free space in a run.")
@click.argument("run", default="latest")
@click.option("--yes", "-y", is_flag=True, help="Delete without asking.")
@click.option("--dry-run", "-n", is_flag=True, help="Only show.")
def clean(run: str, yes: bool, dry_run: bool) -> None:
    """Free space in a RUN: snapshots beyond those kept, their sample sheets, what killed commands left.

    \b
    adatune clean latest --dry-run
    adatune clean 00003-faces --yes
    """
    from adatune.home import is_leftover
    from adatune.training import run_folder
    from adatune.training.config_file import read_config

    folder = run_folder.find_run(run)
    config = read_config(folder / run_folder.CONFIG)
    with run_folder.lock(folder):
        superfluous = run_folder.superfluous_snapshots(folder, 1, config.keep_every_kimg)
        files = [file for snapshot in superfluous for file in run_folder.files_of_snapshot(snapshot)]
        hidden = sorted((folder / "generated").rglob(".*"))
        files += [path for path in hidden if path.is_file() and is_leftover(path)]
        for file in files:
            click.echo(f"{file.stat().st_size / 1e6:8.1f} MB  {file.name}")
        size = f"{sum(file.stat().st_size for file in files) / 1e6:.1f} MB"
        click.echo(
            f"{size} in {len(files)} files of {folder}; the newest and one each "
            f"{config.keep_every_kimg:g} kimg stay."
        )
        if files and not dry_run and (yes or click.confirm("Delete them?")):
            for file in files:
                file.unlink(missing_ok=True)
            click.echo(f"Freed {size}.")
