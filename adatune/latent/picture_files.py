"""Where pictures of seeds go: one file each, or all of them on one sheet."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from PIL import Image

from adatune.errors import UsageError
from adatune.home import home
from adatune.images import save_picture
from adatune.latent.encoding import encoded
from adatune.latent.labelled_sheet import check_side
from adatune.latent.seeds import parse_seeds

DEFAULT_COUNT = 64
_EFFORT = 3  # of PNG: with more, a card would wait for the encoders
_RUN_CONFIG = "config.toml"


def output_folder(network: Path) -> Path:
    """Where the pictures of the file NETWORK go when nobody says: `generated/` in its run, else in the home.

    Each network has a folder of its own, so that the snapshots of a run can be compared.
    """
    folder = network.parent if (network.parent / _RUN_CONFIG).is_file() else home()
    return folder / "generated" / network.stem


def free_path(folder: Path, name: str, suffix: str) -> Path:
    """FOLDER/NAME.SUFFIX, or with -2, -3, ... where that is taken: for files that took long to make."""
    path, number = folder / f"{name}.{suffix}", 1
    while path.exists():
        number += 1
        path = folder / f"{name}-{number}.{suffix}"
    return path


def parse_grid(text: str) -> tuple[int, int]:
    """Columns and rows of TEXT, such as "8x8".

    Raises:
        UsageError: it is not two whole numbers from 1 up.
    """
    match = re.fullmatch(r"\s*([1-9]\d{0,3})\s*[xX*]\s*([1-9]\d{0,3})\s*", text)
    if match is None:
        raise UsageError(f"--grid {text!r} is not COLUMNSxROWS. Write two whole numbers, such as 8x8.")
    return int(match[1]), int(match[2])


def seeds_for(text: str | None, layout: tuple[int, int] | None) -> list[int]:
    """The seeds of TEXT; without it the first 64, or as many as LAYOUT (columns, rows) holds.

    Raises:
        UsageError: TEXT is no list of seeds, or they do not fit on the sheet.
    """
    places = DEFAULT_COUNT if layout is None else layout[0] * layout[1]
    if text is None:
        return list(range(places))
    seeds = parse_seeds(text)
    if layout is not None and len(seeds) > places:
        raise UsageError(
            f"--grid {layout[0]}x{layout[1]} has {places} places for the {len(seeds)} pictures of --seeds. "
            f"Use --grid {layout[0]}x{-(-len(seeds) // layout[0])}, or fewer seeds."
        )
    return seeds


def save_pictures(pictures: Iterable[tuple[int, Image.Image]], folder: Path, suffix: str) -> list[Path]:
    """Write each picture to FOLDER/seed0000.SUFFIX while the next are drawn; returns the files."""
    folder.mkdir(parents=True, exist_ok=True)

    def save(seed: int, picture: Image.Image) -> Path:
        path = folder / f"seed{seed:04d}.{suffix}"
        save_picture(picture, path, effort=_EFFORT)
        return path

    return list(encoded(pictures, save))


def save_sheet(
    pictures: Iterable[tuple[int, Image.Image]],
    seeds: Sequence[int],
    layout: tuple[int, int],
    folder: Path,
    suffix: str,
) -> Path:
    """Write all pictures of SEEDS to one sheet, row by row; LAYOUT is (columns, rows). Free places are black.

    Raises:
        UsageError: the sheet would be larger than a picture file can be.
    """
    columns, rows = layout
    sheet = Image.new("RGB", (1, 1))
    for index, (_, picture) in enumerate(pictures):
        width, height = picture.size
        if index == 0:
            check_sheet(layout, width, height)
            sheet = Image.new("RGB", (columns * width, rows * height))
        sheet.paste(picture, (index % columns * width, index // columns * height))
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"grid{columns}x{rows}-seeds{seeds[0]:04d}-{seeds[-1]:04d}.{suffix}"
    save_picture(sheet, path)
    return path


def check_sheet(layout: tuple[int, int], width: int, height: int) -> None:
    """Refuse a sheet of LAYOUT (columns, rows) places of WIDTH x HEIGHT pixels that no file can hold.

    Raises:
        UsageError: it is too large.
    """
    check_side((layout[0] * width, layout[1] * height), "Use a smaller --grid.")
