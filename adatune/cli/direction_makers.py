"""The commands of `adatune directions` that make some: without examples, or from seeds, photos and texts."""

import json
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from adatune.cli.foreign_options import DIRECTIONS, ForeignAware
from adatune.cli.layer_options import layers_option
from adatune.cli.network_options import Command, device_options, load_network, network_options, out_option
from adatune.cli.progress import with_progress
from adatune.errors import UsageError

if TYPE_CHECKING:
    from adatune.latent.direction_files import Directions
    from adatune.latent.direction_photos import Examples

_HARDLY_BETTER = 0.65  # than chance: of 60 examples, two standard deviations above it


def making_options(command: Command) -> Command:
    """Let COMMAND take what each way asks for: `layers`, `label`, `replace`, `device` and `as_json`."""
    label = click.option("--class", "label", type=int, help="Class, for a network trained with labels.")
    replace = click.option("--replace", is_flag=True, help="Write over directions of that name.")
    return layers_option("are moved")(label(replace(device_options(command))))


def two_sides_options(default: str) -> Callable[[Command], Command]:
    """Let a command that parts two sides take `name` and `method`, and what all take; DEFAULT is a method."""
    name = click.option("--name", required=True, help="What to call it.")
    method = click.option(
        "--method",
        type=click.Choice(["means", "svm"]),
        default=default,
        show_default=True,
        help="means: from the mean of one side to that of the other; svm: across the boundary that parts "
        "them best, for many examples.",
    )
    return lambda command: name(method(making_options(command)))


@click.command(cls=ForeignAware, foreign=DIRECTIONS, short_help="Find directions without examples.")
@network_options
@click.option(
    "--method",
    type=click.Choice(["sefa", "ganspace"]),
    default="sefa",
    show_default=True,
    help="sefa: what moves the styles of the layers most; ganspace: what varies most among w.",
)
@click.option(
    "--count", type=int, default=20, show_default=True, help="How many at most, the strongest first."
)
@click.option("--name", help="What to call them.  [default: NETWORK-METHOD-LAYERS]")
@making_options
def find(
    network: str,
    method: str,
    layers: str | None,
    count: int,
    label: int | None,
    name: str | None,
    replace: bool,
    device: str,
    as_json: bool,
) -> None:
    """Find the main directions of a NETWORK: a name, a file, an address or a run.  [default: the newest run]

    \b
    adatune directions find ffhq512
    adatune directions find ffhq512 --method ganspace --layers coarse --count 40 --name pose
    """
    from adatune.latent.direction_files import path_for
    from adatune.latent.direction_search import Search, check_search, default_name, find_directions
    from adatune.latent.kinship import name_of

    search = Search(method, layers, count, label)
    path, networks = load_network(network, device)
    called = name_of(path)
    file = path_for(name or default_name(called, method, layers), replace)
    check_search(search, networks.config)
    click.echo(f"Looking for directions in {path}", err=True)
    _keep(find_directions(networks, called, file.stem, search), file, network, as_json)


@click.command(
    "from-seeds", cls=ForeignAware, foreign=DIRECTIONS, short_help="Make a direction from two lists of seeds."
)
@network_options
@click.option("--positive", required=True, help="Seeds that have it: numbers and ranges.")
@click.option("--negative", required=True, help="Seeds that lack it.")
@two_sides_options("means")
def from_seeds(
    network: str,
    positive: str,
    negative: str,
    name: str,
    method: str,
    layers: str | None,
    label: int | None,
    replace: bool,
    device: str,
    as_json: bool,
) -> None:
    """Make the direction from pictures that lack something to pictures that have it, by their seeds.

    \b
    adatune directions from-seeds ffhq512 --positive 1,5,9 --negative 2,3 --name smile
    """
    from adatune.latent.direction_files import path_for
    from adatune.latent.direction_search import direction_from_seeds
    from adatune.latent.kinship import name_of
    from adatune.latent.seeds import parse_seeds

    sides = parse_seeds(positive, "--positive"), parse_seeds(negative, "--negative")
    file = path_for(name, replace)
    path, networks = load_network(network, device)
    found = direction_from_seeds(networks, name_of(path), file.stem, *sides, method, layers, label)
    _keep(found, file, network, as_json)


@click.command(
    "from-photos", cls=ForeignAware, foreign=DIRECTIONS, short_help="Make a direction from labelled photos."
)
@network_options
@click.option(
    "--positive",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="Photos that have it: a folder, zip or file. Or what 'adatune project' found for them.",
)
@click.option(
    "--negative",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="Photos that lack it.",
)
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    multiple=True,
    metavar="FOLDER",
    help="In place of both: all photos, told apart by --labels.",
)
@click.option(
    "--labels",
    metavar="CSV",
    help="Of --photos: a table with the columns source and label, or 'folders': the sub-folder is the label.",
)
@click.option(
    "--trait", metavar="LABEL", help="Which label leads there.  [default: 1, where they are 0 and 1]"
)
@click.option("--aligned", is_flag=True, help="The pictures are cropped already: look for no faces.")
@click.option(
    "--steps",
    type=click.IntRange(1, 1_000_000),
    default=100,
    show_default=True,
    help="Of each photo's projection into W.",
)
@click.option("--batch", type=click.IntRange(1, 64), help="Photos at once.  [default: what fits]")
@out_option("what was found", "generated/NETWORK/directions-NAME/ in the run's folder")
@two_sides_options("means")
def from_photos(
    network: str,
    positive: tuple[Path, ...],
    negative: tuple[Path, ...],
    photos: tuple[Path, ...],
    labels: str | None,
    trait: str | None,
    aligned: bool,
    steps: int,
    batch: int | None,
    out: Path | None,
    name: str,
    method: str,
    layers: str | None,
    label: int | None,
    replace: bool,
    device: str,
    as_json: bool,
) -> None:
    """Make the direction from photos that lack something to photos that have it, all found in a NETWORK.

    \b
    adatune directions from-photos ffhq512 --positive ./smiling --negative ./earnest --name smile
    adatune directions from-photos --photos ./all --labels all.csv --trait smiling --name smile
    """
    from adatune.latent.direction_files import path_for
    from adatune.latent.direction_photos import cut_examples, direction_from_photos, project_sides, save_found
    from adatune.latent.direction_search import chosen_layers
    from adatune.latent.kinship import name_of
    from adatune.latent.picture_files import output_folder
    from adatune.latent.project_photos import batch_for
    from adatune.latent.projection import ProjectionConfig
    from adatune.metrics.features import choose_features

    examples = _examples(positive, negative, photos, labels, trait)
    file = path_for(name, replace)
    path, networks = load_network(network, device)
    chosen_layers(layers, networks.config)
    sides = cut_examples(examples, path, networks, aligned)
    for photo, problem in [item for side in sides for item in side.skipped.items()]:
        click.echo(f"Left out {photo}: {problem}", err=True)
    counts = [len(side.targets) + len(side.known) for side in sides]
    click.echo(f"Examples: {counts[0]} that have it, {counts[1]} that lack it", err=True)
    features = choose_features(networks) if any(side.targets for side in sides) else None
    if features is not None:
        click.echo(f"Projecting into {path}; compared by: {features.name}", err=True)
    config = ProjectionConfig("w", steps, label=label)
    found = project_sides(networks, features, sides, config, batch or batch_for(networks), with_progress)
    caption = f"Each photo and what was found for it in W, the worst first · {path.name} · {steps} steps"
    folder = output_folder(path) / f"directions-{file.stem}" if out is None else out
    files = save_found(found, folder, caption, networks.aspect)
    direction = direction_from_photos(networks, name_of(path), file.stem, found, method, layers, label)
    if "distance" in direction.details:
        click.echo(
            f"Perceptual distance of what was found, median: {direction.details['distance']:.3f}", err=True
        )
    _keep(direction, file, network, as_json, files)


@click.command(
    "from-text", cls=ForeignAware, foreign=DIRECTIONS, short_help="Make a direction from two texts, by CLIP."
)
@click.argument("text")
@network_options
@click.option(
    "--against", default="a face", show_default=True, help="The text without what the direction leads to."
)
@click.option("--seeds", default="0-511", show_default=True, help="Pictures to score: numbers and ranges.")
@click.option(
    "--share",
    type=float,
    default=0.1,
    show_default=True,
    help="Of the pictures: as many best and worst ones.",
)
@two_sides_options("svm")
def from_text(
    text: str,
    network: str,
    against: str,
    seeds: str,
    share: float,
    name: str,
    method: str,
    layers: str | None,
    label: int | None,
    replace: bool,
    device: str,
    as_json: bool,
) -> None:
    """Make the direction to pictures that show TEXT rather than another: CLIP scores many pictures.

    Needs pip install 'adatune[text]', and fetches 600 MB of weights once.

    \b
    adatune directions from-text "a smiling face" ffhq512 --against "a face" --name smile
    """
    from adatune.latent.direction_files import path_for
    from adatune.latent.direction_scores import both_ends, check_ends, score_seeds
    from adatune.latent.direction_search import chosen_layers, direction_from_seeds
    from adatune.latent.kinship import name_of
    from adatune.latent.sampling import averaged_generator
    from adatune.latent.seeds import parse_seeds
    from adatune.latent.text_scores import text_scorer

    chosen_seeds, file = parse_seeds(seeds), path_for(name, replace)
    each = check_ends(len(chosen_seeds), share)
    path, networks = load_network(network, device)
    chosen_layers(layers, networks.config)
    click.echo("Loading CLIP; its weights, 600 MB, are fetched once", err=True)
    scorer = text_scorer(text, against, next(averaged_generator(networks).parameters()).device)
    click.echo(f"Drawing and scoring {len(chosen_seeds)} pictures with {path}", err=True)
    scored = score_seeds(networks, chosen_seeds, scorer, label)
    ends = both_ends(dict(with_progress(scored, len(chosen_seeds))), each)
    about = {"text": text, "against": against}
    found = direction_from_seeds(networks, name_of(path), file.stem, *ends, method, layers, label, about)
    _keep(found, file, network, as_json)


MAKERS = [find, from_seeds, from_photos, from_text]


def _examples(
    positive: tuple[Path, ...],
    negative: tuple[Path, ...],
    photos: tuple[Path, ...],
    labels: str | None,
    trait: str | None,
) -> "tuple[Examples, Examples]":
    from adatune.latent.direction_photos import labelled_examples, named_examples

    if positive and negative and not (photos or labels or trait):
        return named_examples(positive, negative)
    if photos and labels and not (positive or negative):
        return labelled_examples(photos, labels, trait)
    raise UsageError(
        "Which photos have it, and which lack it? Name --positive and --negative, or --photos and --labels."
    )


def _keep(
    found: "Directions", file: Path, network: str, as_json: bool, others: "list[Path] | None" = None
) -> None:
    """Write FOUND to FILE, tell how good it is, and say how to look at it with NETWORK."""
    from adatune.latent.direction_files import describe, save_directions

    save_directions(found, file)
    accuracy = found.details.get("left_out_accuracy")
    if accuracy is not None:
        click.echo(
            f"Examples that were left out fall on their side {accuracy:.0%} of the time (chance: 50%)",
            err=True,
        )
        if accuracy < _HARDLY_BETTER:
            click.echo(
                "Warning: the direction may be of chance: the network does not show what the examples have, "
                "or they are too few.",
                err=True,
            )
    files = [file, *(others or [])]
    if as_json:
        click.echo(json.dumps({**describe(found), "files": list(map(str, files))}, indent=2))
        return
    for other in files[1:]:
        click.echo(f"Wrote {other}")
    words = ["sheet" if len(found.vectors) > 1 else "apply", found.name]
    words += [] if network == "latest" else [network]
    click.echo(f"Wrote {file}. See what it does: adatune directions {shlex.join(words)}")
