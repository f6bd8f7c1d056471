"""`adatune project`: photos into a network."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from adatune.cli.foreign_options import PROJECT, ForeignAware
from adatune.cli.network_options import device_options, load_network, out_option
from adatune.cli.progress import with_progress
from adatune.errors import UsageError

if TYPE_CHECKING:
    from adatune.latent.projection_job import Job, Report


@click.command(
    cls=ForeignAware, foreign=PROJECT, short_help="Find photos in a network: the w that draw them."
)
@click.argument("photos", nargs=-1)
@click.option("--network", metavar="NETWORK", help="Where to look.  [default: the newest run]")
@click.option(
    "--space",
    type=click.Choice(["w", "w+", "pti"]),
    default="w+",
    show_default=True,
    help="How close to come: w is one latent, w+ one a layer, pti also tunes a copy of the network to each "
    "photo. Each includes those before it.",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 1_000_000),
    default=1000,
    show_default=True,
    help="Steps in W; half as many follow in W+, a third in tuning.",
)
@click.option("--batch", type=click.IntRange(1, 64), help="Photos at once.  [default: what fits]")
@click.option("--seed", type=int, default=0, show_default=True, help="The same seed gives the same result.")
@click.option("--aligned", is_flag=True, help="The pictures are cropped already: look for no faces.")
@click.option("--film", is_flag=True, help="Write a film of the progress for each photo.")
@click.option(
    "--self-test",
    type=click.IntRange(0, 10_000),
    default=0,
    metavar="N",
    help="Also find N generated pictures again, whose latents are known.",
)
@click.option(
    "--histogram", is_flag=True, help="Draw how near the latents come to photos, and to generated pictures."
)
@click.option(
    "--features",
    "features_name",
    type=click.Choice(["auto", "discriminator", "lpips"]),
    default="auto",
    show_default=True,
    help="What compares pictures: LPIPS where it can be had, or the network's own discriminator.",
)
@click.option("--class", "label", type=int, help="Class, for a network trained with labels.")
@click.option("--square", is_flag=True, help="Keep the squashed square of a network trained on portraits.")
@out_option("the results", "generated/NETWORK/projected/ in the run's folder")
@device_options
def project(
    photos: tuple[str, ...],
    network: str | None,
    space: str,
    steps: int,
    batch: int | None,
    seed: int,
    aligned: bool,
    film: bool,
    self_test: int,
    histogram: bool,
    features_name: str,
    label: int | None,
    square: bool,
    out: Path | None,
    device: str,
    as_json: bool,
) -> None:
    """Find PHOTOS (files or folders) in a network: the latents that draw them, for edits, mixes and films.

    \b
    adatune project me.jpg
    adatune project me.jpg you.jpg --network ffhq512 --space pti --film
    adatune project --self-test 8 --steps 200
    """
    from adatune.latent.picture_files import output_folder
    from adatune.latent.project_photos import batch_for
    from adatune.latent.projection import config_of_length
    from adatune.latent.projection_job import Job, Report, run
    from adatune.latent.targets import crop_settings, find_targets
    from adatune.metrics.features import choose_features

    network, given = _network_and_photos(network, photos)
    if not given and not self_test:
        raise UsageError("No photo is named. Name some, or a folder of them; or ask for --self-test 8.")
    config = config_of_length(steps, space, seed, label)
    path, networks = load_network(network, device)
    targets, skipped, reason = [], {}, ""
    if given:
        crop, reason = crop_settings(path, networks.config, networks.aspect)
        targets, skipped = find_targets(given, crop, aligned)
    features = choose_features(networks, features_name)
    job = Job(
        path,
        networks,
        features,
        targets,
        config,
        batch or batch_for(networks),
        output_folder(path) / "projected" if out is None else out,
        self_test,
        histogram,
        film,
        square,
    )
    about = {"network": str(path), "features": features.name, "space": space, "steps": steps, "seed": seed}
    about |= {"crop": "aligned already" if aligned else reason, "skipped": skipped}
    _announce(job, about)
    report = Report()
    for _ in with_progress(run(job, about, report), job.steps, "Projecting", "steps"):
        pass
    _print(job, about, report, as_json)


def _network_and_photos(network: str | None, named: tuple[str, ...]) -> tuple[str, list[Path]]:
    """Like other commands, this one takes a network as first argument too: what no photo can be."""
    if network is None and named and _is_network(named[0]):
        return named[0], [Path(name) for name in named[1:]]
    return network or "latest", [Path(name) for name in named]


def _is_network(name: str) -> bool:
    from adatune.checkpoints.pretrained import NAMES, is_address
    from adatune.home import runs_folder

    if name in {*NAMES, "latest"} or is_address(name) or name.lower().endswith((".pkl", ".safetensors")):
        return True
    folders = [folder for folder in (Path(name), runs_folder() / name) if folder.is_dir()]
    return any(any(folder.glob("network-*.safetensors")) for folder in folders)


def _announce(job: "Job", about: dict[str, Any]) -> None:
    """What will be done, and what will not."""
    for name, problem in about["skipped"].items():
        click.echo(f"Left out {name}: {problem}", err=True)
    if job.features.fallback_reason:
        click.echo(f"{job.features.fallback_reason}", err=True)
    what = [f"photos: {len(job.targets)} (cut: {about['crop']})"] if job.targets else []
    what += [f"generated pictures: {job.tested}"] if job.tested else []
    click.echo(
        f"Projecting into {job.network}; {'; '.join(what)}; {job.steps} steps, {job.batch} at once; compared "
        f"by: {job.features.name}",
        err=True,
    )


def _print(job: "Job", about: dict[str, Any], report: "Report", as_json: bool) -> None:
    files = [str(file) for file in report.files]
    if as_json:
        click.echo(json.dumps({**about, **report.as_json(), "files": files}, indent=2))
        return
    for line in report.lines():
        click.echo(line)
    click.echo(f"Look at it: {files[0] if job.targets else job.folder}")
