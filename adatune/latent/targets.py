"""Photos to the squares that a network was trained on: found, levelled and cut as its dataset was."""

import json
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from adatune.data.container import Container
from adatune.errors import DatasetError, PhotosError, UsageError
from adatune.images import Pixels
from adatune.networks import NetworkConfig
from adatune.prep.config import PORTRAIT_ASPECT, PrepConfig
from adatune.prep.crop import centre_corners
from adatune.prep.examine import examine
from adatune.prep.faces import FaceFinder
from adatune.prep.photos import UnreadablePhoto, open_photo
from adatune.prep.resample import cut
from adatune.prep.sources import Source, find_sources

_CROP_SETTINGS = ("align", "ratio", "linear_light")  # of prep.json: what a crop depends on
_SMALL_FACES_BELOW = 128  # pixels of the network's side, as in preparation
_SAME_ASPECT = 0.01
_SMALLEST = 16  # pixels a side, as in preparation


@dataclass(frozen=True)
class Target:
    """A picture to be found in a network."""

    name: str  # of its files, unlike any other's
    source: str  # where it comes from, in words
    pixels: Pixels  # [resolution, resolution, 3], squashed as the network's pictures are


def find_targets(
    photos: Sequence[Path], crop: PrepConfig, is_aligned: bool = False
) -> tuple[list[Target], dict[str, str]]:
    """The largest face of each photo; of folders, zips and videos, each photo in them.

    Args:
        photos: what the user named.
        crop: how to cut, from `crop_settings`.
        is_aligned: take the whole picture, which is cropped already: one of the network's aspect, or squashed
            to a square. Of any other shape, the middle.

    Returns:
        the targets, and why the others are none, by photo.

    Raises:
        PhotosError: there is no such photo, or none can be used.
    """
    return cut_targets([source for given in photos for source in find_sources(given)], crop, is_aligned)


def cut_targets(
    sources: Sequence[Source], crop: PrepConfig, is_aligned: bool = False
) -> tuple[list[Target], dict[str, str]]:
    """As `find_targets`, of SOURCES that are found already."""
    finder = None if is_aligned else FaceFinder(20 if crop.size < _SMALL_FACES_BELOW else 40)
    targets: list[Target] = []
    problems: dict[str, str] = {}
    for source in sources:
        pixels, problem = _whole(source, crop) if finder is None else _face(source, crop, finder)
        if pixels is None:
            problems[source.name] = problem
        else:
            targets.append(Target(_free_name(source.name, targets), source.name, pixels))
    if not targets:
        listed = "; ".join(f"{name}: {problem}" for name, problem in list(problems.items())[:3])
        advice = "" if is_aligned else " Use photos with a face, or --aligned for pictures cropped already."
        raise PhotosError(f"None of the {len(problems)} photos can be used ({listed}).{advice}")
    return targets, problems


def crop_settings(network: Path, config: NetworkConfig, aspect: float) -> tuple[PrepConfig, str]:
    """How the training set of the file NETWORK was cut, and where that is known from, in words.

    Its run's configuration names the dataset, whose prep.json has the settings. Where either is gone, or of
    another shape, the aspect decides: 5:4 is our portrait, anything square FFHQ's.

    Args:
        network: its file, in the run's folder or anywhere.
        config: of the network.
        aspect: height over width of its pictures.

    Raises:
        UsageError: the network is too small for photos.
    """
    if config.resolution < _SMALLEST:
        raise UsageError(
            f"{network.name} draws pictures of {config.resolution}x{config.resolution}; photos are cut to "
            f"{_SMALLEST}x{_SMALLEST} at least. Use a larger network."
        )
    settings = _prepared_settings(network)
    if settings:
        try:
            crop = PrepConfig(size=config.resolution, **settings)
        except (UsageError, TypeError):  # of another version
            pass
        else:
            if abs(crop.aspect - aspect) < _SAME_ASPECT:
                return crop, f"{crop.align}, as the training set was"
    if abs(aspect - 1) < _SAME_ASPECT:
        return PrepConfig(size=config.resolution, align="ffhq"), "ffhq, as the network is square"
    crop = PrepConfig(size=config.resolution)
    if abs(aspect - PORTRAIT_ASPECT) >= _SAME_ASPECT:
        crop = replace(crop, ratio=_ratio(aspect))
    return crop, f"portrait54, for the network's aspect of {aspect:g}"


def to_images(targets: Sequence[Pixels], config: NetworkConfig, device: torch.device) -> Tensor:
    """TARGETS as a network of CONFIG sees them: [batch, channels, resolution, resolution] in [-1, 1]."""
    if config.channels == 1:
        targets = [np.asarray(Image.fromarray(pixels).convert("L"))[:, :, None] for pixels in targets]
    images = torch.from_numpy(np.stack(targets)).to(device, torch.float32)
    return images.permute(0, 3, 1, 2) / 127.5 - 1


def _face(source: Source, crop: PrepConfig, finder: FaceFinder) -> tuple[Pixels | None, str]:
    record, pixels = examine(source.name, partial(open_photo, source), crop, finder)[0]
    return pixels, record.detail or record.problem


def _whole(source: Source, crop: PrepConfig) -> tuple[Pixels | None, str]:
    try:
        pixels = open_photo(source).read()
    except UnreadablePhoto as error:
        return None, str(error)
    height, width = pixels.shape[:2]
    if height == width == crop.size:
        return pixels, ""
    corners = centre_corners(width, height, 1.0 if height == width else crop.aspect)
    return cut(pixels, corners, crop.size, linear_light=crop.linear_light), ""


def _ratio(aspect: float) -> str:
    """Width to height, for PrepConfig."""
    ratio = Fraction(1 / aspect).limit_denominator(100)
    return f"{ratio.numerator}:{ratio.denominator}"


def _free_name(source: str, taken: Sequence[Target]) -> str:
    """The photo's name without its suffix, with a number where another has it."""
    names = {target.name.lower() for target in taken}
    name = stem = Path(source.replace("/", "-")).stem or "photo"
    number = 2
    while name.lower() in names:
        name, number = f"{stem}-{number}", number + 1
    return name


def _prepared_settings(network: Path) -> dict[str, Any]:
    """What prep.json of the dataset of NETWORK's run says about crops; empty where that is not known."""
    try:
        run = tomllib.loads((network.parent / "config.toml").read_text(encoding="utf-8"))
        container = Container(Path(str(run["data"])))
        settings: Any = json.loads(container.read(f"{container.root}prep.json"))["settings"]
        return {name: settings[name] for name in _CROP_SETTINGS if name in settings}
    except (OSError, DatasetError, ValueError, KeyError, TypeError):  # no run, no dataset, not made by prep
        return {}
