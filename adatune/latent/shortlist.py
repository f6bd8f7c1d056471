"""Shortlists of seeds: the best, the likest or the most varied of those given, as a list and on a sheet."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from PIL import Image

from adatune.checkpoints import LoadedNetworks
from adatune.errors import PhotosError, UsageError
from adatune.images import Pixels, save_picture, undo_aspect
from adatune.latent.captioned_sheet import captioned_sheet, columns_for
from adatune.latent.labelled_sheet import LARGEST_SIDE
from adatune.latent.ranking import (
    coarse_vector,
    discriminator_of,
    discriminator_score,
    distance_matrix,
    distances_to,
    draw_tiles,
    judge_all,
    measure_in_words,
    order_by,
    pick_varied,
    smallest_distance,
    tile_to_image,
)
from adatune.latent.sampling import SamplingConfig, averaged_generator, one_hot
from adatune.latent.targets import Target, crop_settings, find_targets
from adatune.metrics.features import Features

Tiles = Iterator[tuple[int, Pixels]]
Progress = Callable[[Tiles, int], Iterable[tuple[int, Pixels]]]

SHOWN = 64  # pictures of a sheet where nobody says how many
RANK_METHOD = "logit of the discriminator, each picture alone; higher is more like the training set"


@dataclass(frozen=True)
class Entry:
    """One seed and what was found."""

    seed: int
    value: float  # what the list is ordered by
    more: dict[str, Any] = field(default_factory=dict[str, Any])  # for the JSON


@dataclass(frozen=True)
class Shortlist:
    """Seeds in order, the first of them with pictures."""

    kind: str  # for the file's name
    method: str  # in words
    entries: list[Entry]
    pictures: list[Image.Image]  # of the first entries, aspect undone
    word: str  # what a value is called
    facts: dict[str, Any] = field(default_factory=dict[str, Any])  # about all of them, for the JSON
    # Photos that come first on the sheet, cut as they were compared, with their names.
    references: list[tuple[str, Image.Image]] = field(default_factory=list[tuple[str, Image.Image]])


def rank_seeds(
    networks: LoadedNetworks, seeds: Sequence[int], look: SamplingConfig, shown: int, progress: Progress
) -> Shortlist:
    """SEEDS by the discriminator's score, the highest first, with the pictures of the first SHOWN.

    Raises: what `generate` does, and UnreadableNetwork where there is no discriminator.
    """
    D, device = discriminator_of(networks), device_of(networks)
    label, channels = one_hot(look.label, networks.config), networks.config.channels

    def judge(tile: Pixels) -> float:
        return discriminator_score(D, tile_to_image(tile, channels, device), label)

    scores, kept = judge_all(progress(draw_tiles(networks, seeds, look), len(seeds)), judge, shown, True)
    order = order_by(scores, is_descending=True)
    entries = [Entry(seeds[index], scores[index]) for index in order]
    pictures = _shown([kept[index] for index in order[:shown]], networks, look)
    return Shortlist("rank", RANK_METHOD, entries, pictures, "score")


def like_photos(
    networks: LoadedNetworks,
    seeds: Sequence[int],
    look: SamplingConfig,
    photos: Sequence[Target],
    features: Features,
    shown: int,
    progress: Progress,
) -> Shortlist:
    """SEEDS by their mean perceptual distance to PHOTOS, the nearest first, with the first SHOWN pictures.

    Raises: what `generate` does.
    """
    device, channels = device_of(networks), networks.config.channels
    with torch.no_grad():
        images = [tile_to_image(photo.pixels, channels, device) for photo in photos]
        wanted = [(image, features.maps(image)) for image in images]
    each: list[list[float]] = []

    def judge(tile: Pixels) -> float:
        each.append(distances_to(features, tile_to_image(tile, channels, device), wanted))
        return sum(each[-1]) / len(each[-1])

    means, kept = judge_all(progress(draw_tiles(networks, seeds, look), len(seeds)), judge, shown, False)
    order = order_by(means, is_descending=False)
    names = [photo.name for photo in photos]
    entries = [
        Entry(seeds[index], means[index], {"photos": dict(zip(names, each[index], strict=True))})
        for index in order
    ]
    pictures = _shown([kept[index] for index in order[:shown]], networks, look)
    references = _shown([photo.pixels for photo in photos], networks, look)
    whom = "the photo" if len(photos) == 1 else f"{len(photos)} photos, mean"
    method = f"perceptual distance to {whom}, by {measure_in_words(features)}; lower is liker"
    photos_shown = list(zip(names, references, strict=True))
    return Shortlist("like", method, entries, pictures, "distance", references=photos_shown)


def pick_seeds(
    networks: LoadedNetworks,
    seeds: Sequence[int],
    look: SamplingConfig,
    features: Features,
    count: int,
    progress: Progress,
) -> Shortlist:
    """COUNT of SEEDS that differ from each other, good ones preferred; see `ranking.pick_varied`.

    The score is the discriminator's where the file holds one, else all are alike good.

    Raises: what `generate` does, and UsageError where there are not more seeds than COUNT.
    """
    check_pick(count, len(seeds))
    device, channels = device_of(networks), networks.config.channels
    label = one_hot(look.label, networks.config)
    vectors: list[torch.Tensor] = []
    scores: list[float] = []
    for _, tile in progress(draw_tiles(networks, seeds, look), len(seeds)):
        image = tile_to_image(tile, channels, device)
        vectors.append(coarse_vector(features, image))
        if networks.D is not None:
            scores.append(discriminator_score(networks.D, image, label))
    distances = distance_matrix(torch.stack(vectors))
    chosen = pick_varied(distances, scores or None, count)
    entries: list[Entry] = []
    for place, index in enumerate(chosen):
        others = [distances[index, other] for other in chosen if other != index]
        more: dict[str, Any] = {"score": scores[index]} if scores else {}
        entries.append(Entry(seeds[index], float(min(others)), {"place": place + 1, **more}))
    tiles = [tile for _, tile in draw_tiles(networks, [entry.seed for entry in entries], look)]
    weighed = "weighted by the rank of the discriminator's score" if scores else "all weighted alike"
    method = f"greedy farthest points of {len(seeds)} seeds by {measure_in_words(features)}, {weighed}"
    facts = {"smallest_distance": smallest_distance(distances, chosen)}
    return Shortlist("pick", method, entries, _shown(tiles, networks, look), "nearest other", facts)


def check_pick(count: int, seeds: int) -> None:
    """Refuse to pick COUNT of so many SEEDS where there is nothing to choose.

    Raises:
        UsageError: COUNT is below 2, or not below SEEDS.
    """
    if not 2 <= count < seeds:
        raise UsageError(
            f"--pick {count} of {seeds} seeds: name more seeds to choose from, such as --seeds 0-999, and "
            "pick 2 or more of them."
        )


def find_photos(
    photos: Sequence[Path], network: Path, networks: LoadedNetworks
) -> tuple[list[Target], list[str]]:
    """PHOTOS cut as the training set of the file NETWORK was; where no face is found, their middle.

    Returns:
        the pictures, and what there is to say about how they were cut.

    Raises:
        PhotosError: there is no such photo, or it cannot be read.
    """
    crop, known_from = crop_settings(network, networks.config, networks.aspect)
    targets: list[Target] = []
    remarks = [f"Photos are aligned: {known_from}."]
    for photo in photos:
        try:
            found, _ = find_targets([photo], crop)
        except PhotosError:
            found, _ = find_targets([photo], crop, is_aligned=True)
            remarks.append(f"{photo}: no usable face, so its middle was cut out, not aligned.")
        targets.extend(found)
    return targets, remarks


def save_shortlist(shortlist: Shortlist, path: Path, title: str, columns: int | None) -> None:
    """Write the pictures of SHORTLIST to PATH in their order, the seed and the value below each.

    Args:
        shortlist: what was found.
        path: the picture file.
        title: what the caption begins with.
        columns: of the sheet; None chooses.

    Raises:
        UsageError: the sheet would be larger than a picture file can be.
    """
    pictures = list(shortlist.pictures)
    captions = [
        (str(entry.seed), f"{shortlist.word} {entry.value:.3g}")
        for entry, _ in zip(shortlist.entries, pictures, strict=False)
    ]
    pictures = [picture for _, picture in shortlist.references] + pictures
    captions = [(name, "photo") for name, _ in shortlist.references] + captions
    aspect = pictures[0].height / pictures[0].width
    wide = columns_for(len(pictures), aspect) if columns is None else columns
    sheet = captioned_sheet(pictures, captions, wide, f"{title} · {shortlist.method}")
    path.parent.mkdir(parents=True, exist_ok=True)
    save_picture(sheet, path)


def shown_count(layout: tuple[int, int] | None, resolution: int) -> int:
    """How many pictures a sheet shows: what LAYOUT (columns, rows) holds, else 64, or what fits in a file."""
    if layout is not None:
        return layout[0] * layout[1]
    return min(SHOWN, (LARGEST_SIDE // (2 * resolution)) ** 2)


def device_of(networks: LoadedNetworks) -> torch.device:
    """Where the averaged generator of NETWORKS is."""
    return next(averaged_generator(networks).parameters()).device


def _shown(tiles: Sequence[Pixels], networks: LoadedNetworks, look: SamplingConfig) -> list[Image.Image]:
    aspect = 1.0 if look.is_square else networks.aspect
    return [undo_aspect(Image.fromarray(tile), aspect) for tile in tiles]
