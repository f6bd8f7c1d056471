"""`adatune train`: a few options in, a plan, then training; or a run that goes on where it stopped."""

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adatune.cli.foreign_options import TRAIN, ForeignAware
from adatune.errors import UsageError

if TYPE_CHECKING:
    from adatune.training.config import TrainConfig
    from adatune.training.plan import Plan

Job = Callable[..., Path]  # trains, given `processes`; every one of them can call it

# What does not change the numbers: how long, what is saved when, how it is computed.
_CHANGEABLE = {
    "length_kimg", "hours", "snap_ticks", "snap_kimg", "snap_minutes", "save_minutes",
    "gpus", "graphs", "ops",
}  # fmt: skip


@click.command(cls=ForeignAware, foreign=TRAIN, short_help="Fine-tune a generator on a prepared dataset.")
@click.option(
    "--data", metavar="NAME|PATH", help="Dataset: a name in datasets/, a folder or zip.  [the only one]"
)
@click.option(
    "--resume", metavar="NET|RUN", help="Start from ffhq512, a file or an address; or go on: RUN, latest."
)
@click.option(
    "--kimg", "length_kimg", type=float, help="Length: thousands of images shown.  [1000 from a network]"
)
@click.option("--hours", type=float, help="Stop, saved, after this many hours of a session.")
@click.option("--batch", type=int, help="Images a step.  [by --cfg]")
@click.option("--cfg", help="auto, stylegan2, paper256, paper512, paper1024 or cifar.  [auto]")
@click.option("--gamma", "r1_gamma", type=float, help="Weight of R1; lower for more detail.  [by --cfg]")
@click.option("--lr", "learning_rate", type=float, help="Learning rate of both networks.  [by --cfg]")
@click.option(
    "--augs", "--augpipe", "augs", help="blit, geom, color, bg, bgc ..., operations, or none.  [bgc]"
)
@click.option(
    "--aug", type=click.Choice(["ada", "noaug", "fixed"]), help="Adaptive, none, or fixed at --aug-p."
)
@click.option(
    "--aug-p", metavar="P|resume", help="Fixed strength 0 to 1; resume: adaptive from the network's own."
)
@click.option("--target", type=float, help="What adaptive augmentation holds r_t at.  [0.6]")
@click.option("--p-max", type=float, help="The most p may become.  [0.8]")
@click.option(
    "--mirror/--no-mirror", default=None, help="Show mirrored copies too.  [as prep recorded, else on]"
)
@click.option("--mirror-y/--no-mirror-y", default=None, help="Show copies turned top to bottom too.  [off]")
@click.option("--cond/--no-cond", default=None, help="Use the dataset's labels.  [off]")
@click.option(
    "--freezed", "freeze_d", metavar="N|bN", help="Hold N discriminator layers (4, 7, 10, 13) or to b128."
)
@click.option(
    "--freezeg", "freeze_g", metavar="N|bN", help="Hold N synthesis blocks from 4x4, or through b16."
)
@click.option("--freezem", "freeze_m", metavar="N", help="Hold N mapping layers.")
@click.option(
    "--steer", metavar="EDIT", help="Also train a slider: zoom, shiftx, ... (see 'adatune steer --help')."
)
@click.option("--snap", "snap_ticks", type=int, help="A snapshot each N ticks.  [4]")
@click.option("--snap-kimg", type=float, help="A snapshot each so many kimg.")
@click.option("--snap-minutes", type=float, help="A snapshot each so many minutes.")
@click.option("--save-minutes", type=float, help="Save the state at least this often.  [10]")
@click.option("--light", is_flag=True, default=None, help="Leave the discriminator out of snapshots.")
@click.option("--seed", type=int, help="Of everything random.  [0]")
@click.option("--device", help="auto, cuda, cuda:1, mps or cpu.  [auto]")
@click.option("--gpus", type=int, help="Cards to train on, one process each.  [1]")
@click.option("--precision", help="fp16, bf16 or fp32 in the highest resolutions.  [fp16 on CUDA, else fp32]")
@click.option("--ops", help="auto, fused (our GPU kernels) or torch (plain operations).  [auto]")
@click.option("--graphs/--no-graphs", default=None, help="Record CUDA graphs.  [on]")
@click.option("--deterministic/--no-deterministic", default=None, help="Repeat bit for bit, slower.  [off]")
@click.option(
    "--config", "config_file", type=click.Path(path_type=Path), help="Take settings from a config.toml."
)
@click.option("--dry-run", "-n", is_flag=True, help="Print the plan and leave.")
@click.option(
    "--json", "as_json", is_flag=True, help="Print the plan as JSON (with --dry-run), or the run folder."
)
def train(
    config_file: Path | None, dry_run: bool, as_json: bool, aug: str | None, aug_p: str | None, **options: Any
) -> None:
    """Fine-tune a generator on a prepared dataset; Ctrl-C saves, --resume latest goes on.

    \b
    adatune train --resume ffhq512 --kimg 1000 --augs bgc
    adatune train --data faces --resume ffhq512 --freezed 10 --dry-run
    adatune train --resume latest
    """
    from adatune.training.launch import is_one_of_many, launch
    from adatune.training.run_folder import is_run

    given = {name: value for name, value in options.items() if value is not None}
    given |= _augmentation(aug, aug_p, given)
    plan = _continue if is_run(str(given.get("resume", ""))) else _start
    gpus = _gpus(given, config_file)
    if gpus > 1 and not dry_run and not is_one_of_many():
        sys.exit(launch(gpus, click.get_current_context().obj))
    from adatune.training.processes import taking_part

    with taking_part() as processes:
        if processes.count > 1:
            given["gpus"] = processes.count
        job = processes.decided_by_first(lambda: plan(given, config_file, dry_run, as_json))
        folder = job and job(processes=processes)
    if folder is not None and processes.is_first:
        done = f"Done: {folder}\nNext: adatune generate {folder.name} --seeds 0-63"
        click.echo(json.dumps({"run": str(folder)}) if as_json else done)


def _augmentation(aug: str | None, aug_p: str | None, given: dict[str, Any]) -> dict[str, Any]:
    """What --aug and --aug-p mean, as settings."""
    chosen: dict[str, Any] = {}
    if aug_p is not None:
        try:
            chosen["aug_p"] = aug_p if aug_p == "resume" else float(aug_p)
        except ValueError as error:
            raise UsageError(f"--aug-p {aug_p} is neither a number from 0 to 1 nor 'resume'.") from error
    if aug == "fixed" and not isinstance(chosen.get("aug_p"), float):
        raise UsageError("--aug fixed needs its strength: add --aug-p 0.2, for example.")
    if aug == "ada" and isinstance(chosen.get("aug_p"), float):
        raise UsageError("--aug ada adapts the strength, --aug-p fixes it. Give one of them.")
    if aug == "noaug":
        if chosen or given.get("augs", "none") != "none":
            raise UsageError("--aug noaug turns augmentation off; leave --augs and --aug-p out with it.")
        chosen["augs"] = "none"
    return chosen


def _gpus(given: dict[str, Any], config_file: Path | None) -> int:
    """The number of processes that this run wants: as typed, as in the file, as the run to go on with had."""
    from adatune.training.config_file import read_values
    from adatune.training.run_folder import CONFIG, find_run, is_run

    if "gpus" in given:
        return given["gpus"]
    if is_run(str(given.get("resume", ""))):
        config_file = find_run(given["resume"]) / CONFIG
    return read_values(config_file).get("gpus", 1) if config_file else 1


def _start(given: dict[str, Any], config_file: Path | None, dry_run: bool, as_json: bool) -> "Job | None":
    """A new run, planned."""
    from adatune.data.dataset import find_dataset, open_dataset
    from adatune.device import pick_device
    from adatune.training.config_file import merge, read_values
    from adatune.training.plan import make_plan
    from adatune.training.presets import resolve

    values = merge(read_values(config_file) if config_file else {}, given)
    device = pick_device(values.get("device") or "auto")
    dataset = open_dataset(find_dataset(values.get("data")))
    source, source_p = _source(values.get("resume"))
    config = resolve(dataset, values, device, source, source_p)
    _show(make_plan(config, dataset, device), as_json and dry_run)
    if dry_run:
        return None
    from adatune.training.loop import train as run

    return partial(run, config)


def _source(name: str | None) -> Any:
    """Architecture and augmentation strength of the network to start from."""
    if not name:
        return None, None
    from adatune.checkpoints import load
    from adatune.cli.downloads import download_progress

    with download_progress() as progress:
        network = load(name, progress=progress)
    return network.config, network.augment_p


def _continue(given: dict[str, Any], config_file: Path | None, dry_run: bool, as_json: bool) -> "Job | None":
    """A run to go on with, in its own folder with its own settings."""
    from dataclasses import replace

    from adatune.data.dataset import open_dataset
    from adatune.device import pick_device
    from adatune.training.config_file import merge, read_config, to_values
    from adatune.training.plan import make_plan
    from adatune.training.presets import for_gpus
    from adatune.training.run_folder import CONFIG, find_run

    folder = find_run(given.pop("resume"))
    config = read_config(folder / CONFIG)
    now = to_values(config)
    refused = [name for name, value in given.items() if name not in _CHANGEABLE and value != now[name]]
    if refused or config_file:
        _refuse_changes(folder, config, refused or ["--config"])
    changes = {name: value for name, value in merge(now, given).items() if value != now[name]}
    if "gpus" in changes:
        changes |= for_gpus(config, changes["gpus"], pick_device(config.device))
    if dry_run:
        config = replace(config, **changes)
        dataset = open_dataset(Path(config.data))
        _show(make_plan(config, dataset, pick_device(config.device)), as_json)
        return None
    from adatune.training.loop import resume

    click.echo(f"Going on in {folder}", err=as_json)
    return partial(resume, folder, changes)


def _refuse_changes(folder: Path, config: "TrainConfig", names: list[str]) -> None:
    """Say how to start a new run from this one instead."""
    options = ", ".join(_option_of(name) for name in names)
    from adatune.training.run_folder import list_snapshots

    snapshots = list_snapshots(folder)
    network = str(snapshots[-1]) if snapshots else config.resume or "NETWORK"
    raise UsageError(
        f"{options} cannot change when {folder.name} goes on: it would be another run. Only --kimg, --hours, "
        "--snap, --snap-kimg, --snap-minutes, --save-minutes, --gpus, --graphs and --ops can.\n"
        f"For a new run from its network: adatune train --data {config.data} --resume {network} "
        f"{_option_of(names[0])} ..."
    )


def _option_of(name: str) -> str:
    """The option that sets a field."""
    if name.startswith("--"):
        return name
    return next(
        (option.opts[0] for option in train.params if option.name == name), "--" + name.replace("_", "-")
    )


def _show(plan: "Plan", as_json: bool) -> None:
    from rich.console import Console

    from adatune.training.plan import render_plan

    if as_json:
        click.echo(json.dumps(plan.as_json(), indent=2))
        return
    console = Console(highlight=False)
    if console.is_terminal:
        console.print(render_plan(plan))
    else:
        click.echo("\n".join(plan.lines()))
    click.echo()
