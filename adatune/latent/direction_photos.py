"""A direction from photos: which have a trait and which lack it, and the w that draw them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from adatune.checkpoints import LoadedNetworks
from adatune.errors import PhotosError, UsageError
from adatune.images import save_picture, undo_aspect
from adatune.latent.captioned_sheet import captioned_sheet, columns_for
from adatune.latent.direction_files import Directions
from adatune.latent.direction_search import chosen_layers, direction_between
from adatune.latent.latent_files import latent_files, read_latents
from adatune.latent.progress import Progress
from adatune.latent.project_photos import Projected, project_photos, step_count
from adatune.latent.projection import ProjectionConfig
from adatune.latent.projection_files import Summary, save_latents, summary_of
from adatune.latent.targets import Target, crop_settings, cut_targets
from adatune.metrics.features import Features
from adatune.prep.classes import natural_order, read_labels
from adatune.prep.sources import Source, find_sources

LATENTS = ("positive.npz", "negative.npz")
SHEET = "found-again.png"
_SHOWN = 12  # photos of each side on the sheet: those that were found worst
_HAS_IT = "1"  # the label of what has the trait, where labels are 0 and 1
_OTHERWISE = "name --positive and --negative in place of --photos and --labels"


@dataclass(frozen=True)
class Examples:
    """What has a trait, or what lacks it, as people named it."""

    named: str  # how, for messages
    photos: list[Source]
    latents: list[Path]  # files of w that were found before


@dataclass(frozen=True)
class Side:
    """Examples that can be used."""

    targets: list[Target]  # photos whose w are to be found
    known: Tensor  # w that were found before, [count, num_ws, w_dim]
    skipped: dict[str, str]  # photos that cannot be used, and why


@dataclass(frozen=True)
class Found:
    """The w of one side."""

    ws: Tensor  # [count, num_ws, w_dim]
    photos: list[Summary]  # of which these were looked for, and how near they were come to


def named_examples(positive: Sequence[Path], negative: Sequence[Path]) -> tuple[Examples, Examples]:
    """The photos and latents in two lists of folders and files.

    Raises:
        UsageError: something is in both lists.
        PhotosError: there is no such file, or nothing is in it.
    """
    sides = _examples("--positive", positive), _examples("--negative", negative)
    both = _places(sides[0]) & _places(sides[1])
    if both:
        raise UsageError(f"{min(both)[0]} is among both --positive and --negative. Leave it out of one.")
    return sides


def labelled_examples(
    photos: Sequence[Path], labels: str, trait: str | None = None
) -> tuple[Examples, Examples]:
    """The PHOTOS labelled TRAIT, and those labelled anything else; those without a label are on no side.

    Args:
        photos: folders, zips, videos and single photos.
        labels: a table, or 'folders', as `prep.classes.read_labels` takes it.
        trait: a label; None where they are 0 and 1.

    Raises:
        UsageError: there are no such labels.
        PhotosError: there are no such photos, or the table has errors.
    """
    sources = [source for given in photos for source in find_sources(given)]
    known = read_labels(labels, [source.name for source in sources], _OTHERWISE)
    if not known.names:
        raise UsageError(f"{labels} has a vector for each photo. A direction needs names: a column label.")
    wanted = _HAS_IT if trait is None else trait
    names = [known.name_of(source.name) for source in sources]
    if wanted not in names:
        there = ", ".join(sorted({name for name in names if name}, key=natural_order))
        what = "--trait is missing" if trait is None else f"No photo is labelled {trait!r}"
        raise UsageError(
            f"{what}. The labels are {there}: name the one that the direction is to lead to with --trait."
        )
    pairs = list(zip(sources, names, strict=True))
    return (
        Examples(f"Labelled {wanted!r}", [source for source, name in pairs if name == wanted], []),
        Examples(
            f"Not labelled {wanted!r}", [source for source, name in pairs if name not in ("", wanted)], []
        ),
    )


def cut_examples(
    examples: tuple[Examples, Examples], network: Path, networks: LoadedNetworks, is_aligned: bool
) -> tuple[Side, Side]:
    """The faces of the photos among EXAMPLES, cut as the training set of NETWORK was; latents are read.

    Args:
        examples: with the trait, and without.
        network: the file of the networks.
        networks: to look in.
        is_aligned: the photos are cropped already.

    Raises:
        PhotosError: no photo of a side can be used.
        UnreadableLatents: a file of latents is damaged, or of another network.
        UsageError: the network is too small for photos.
    """

    def cut(side: Examples) -> Side:
        targets: list[Target] = []
        skipped: dict[str, str] = {}
        if side.photos:
            crop, _ = crop_settings(network, networks.config, networks.aspect)
            try:
                targets, skipped = cut_targets(side.photos, crop, is_aligned)
            except PhotosError as error:
                raise PhotosError(f"{side.named}: {error}") from error
        known = [read_latents(path, networks.config) for path in side.latents]
        none = torch.empty(0, networks.config.num_ws, networks.config.w_dim)
        return Side(targets, torch.cat([none, *known]), skipped)

    return cut(examples[0]), cut(examples[1])


def project_sides(
    networks: LoadedNetworks,
    features: Features | None,
    sides: tuple[Side, Side],
    config: ProjectionConfig,
    batch: int,
    progress: Progress,
) -> tuple[Found, Found]:
    """The w of both SIDES.

    Args:
        networks: to look in.
        features: see how near a photo is come to; None where there are none.
        sides: with the trait, and without.
        config: of the projection into W.
        batch: photos that are looked for at once.
        progress: shows the steps.

    Raises: what `project_photos` does.
    """
    if features is None:
        return _joined(sides[0], []), _joined(sides[1], [])
    targets = sides[0].targets + sides[1].targets
    found: list[tuple[Tensor, Summary]] = []

    def keep(projected: Projected) -> None:
        found.append((projected.results["w"].ws, summary_of(projected)))

    steps = project_photos(networks, features, targets, config, batch, keep)
    for _ in progress(steps, step_count(len(targets), config, batch), "Projecting", "steps"):
        pass
    first = len(sides[0].targets)
    return _joined(sides[0], found[:first]), _joined(sides[1], found[first:])


def direction_from_photos(
    networks: LoadedNetworks,
    network: str,
    name: str,
    found: tuple[Found, Found],
    method: str,
    layers: str | None = None,
    label: int | None = None,
) -> Directions:
    """The direction from the second to the first of FOUND; see `direction_between`.

    Of latents with a w of its own for each layer, the mean over the layers that will be moved counts.

    Raises:
        UsageError: the sides do not differ, or the network has no such layers.
    """
    chosen = chosen_layers(layers, networks.config)
    sides = found[0].ws[:, chosen].mean(dim=1), found[1].ws[:, chosen].mean(dim=1)
    about: dict[str, Any] = {"examples": [len(side) for side in sides]}
    if distances(found):
        about["distance"] = round(median(distances(found)), 4)
    return direction_between(networks, network, name, sides, method, layers, label, about)


def distances(found: Sequence[Found]) -> list[float]:
    """The perceptual distances of the photos from what was found for them."""
    return [summary.distances["w"] for side in found for summary in side.photos]


def save_found(found: tuple[Found, Found], folder: Path, caption: str, aspect: float) -> list[Path]:
    """Write the latents of FOUND to FOLDER, to be given in place of the photos, and a sheet.

    It shows the photos that were found worst, each beside what was found.

    Returns: the files; none where nothing was looked for.
    """
    if not distances(found):
        return []
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / SHEET, *(folder / name for name in LATENTS)]
    worst = [
        (side, summary)
        for side, photos in zip(("has it", "lacks it"), (side.photos for side in found), strict=True)
        for summary in sorted(photos, key=lambda summary: -summary.distances["w"])[:_SHOWN]
    ]
    pairs = [_pair(summary, aspect) for _, summary in worst]
    captions = [
        (summary.target.name[:16], f"{side}: {summary.distances['w']:.3f}") for side, summary in worst
    ]
    columns = columns_for(len(pairs), pairs[0].height / pairs[0].width)
    save_picture(captioned_sheet(pairs, captions, columns, caption), files[0])
    for side, file in zip(found, files[1:], strict=True):
        save_latents(side.ws, file)
    return files


def _examples(option: str, given: Sequence[Path]) -> Examples:
    photos: list[Source] = []
    latents: list[Path] = []
    for path in given:
        files = latent_files(path)
        latents += files
        photos += [] if files else find_sources(path)
    return Examples(option, photos, latents)


def _places(examples: Examples) -> set[tuple[Path, str, int]]:
    """Where each of EXAMPLES lies: its file, and in a zip or a video its member or frame."""
    photos = {(photo.path.resolve(), photo.member, photo.frame) for photo in examples.photos}
    return photos | {(path.resolve(), "", -1) for path in examples.latents}


def _pair(summary: Summary, aspect: float) -> Image.Image:
    """A photo, and what was found for it on its right."""
    left, right = (
        undo_aspect(Image.fromarray(pixels), aspect)
        for pixels in (summary.target.pixels, summary.pixels["w"])
    )
    pair = Image.new("RGB", (2 * left.width, left.height))
    pair.paste(left)
    pair.paste(right, (left.width, 0))
    return pair


def _joined(side: Side, found: Sequence[tuple[Tensor, Summary]]) -> Found:
    return Found(torch.cat([side.known, *(ws for ws, _ in found)]), [summary for _, summary in found])
