"""One self-contained page of many seeds to collect from: no seed among four billion is known to be good.

What the page looks like and does lies in `page/`. Its list is a `seeds.txt` with the option to type.
"""

import base64
import html
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from adatune import home
from adatune.errors import UsageError
from adatune.latent.encoding import encoded
from adatune.latent.seeds import MAX_SEED
from adatune.pages import fill_page

THUMBNAIL = 224  # pixels wide at most: sharp on common screens, and a thousand make some 10 MB
MOST = 20_000  # pictures on a page; more would not open
_QUALITY = 82


def draw_seeds(count: int, draw: int) -> list[int]:
    """COUNT different seeds out of all 4,294,967,295; the first ones of a DRAW do not depend on COUNT.

    Raises:
        UsageError: COUNT is not from 1 to 20,000, or DRAW is negative.
    """
    if not 1 <= count <= MOST:
        raise UsageError(f"--browse {count} is out of range: a page holds 1 to {MOST:,} pictures.")
    if not 0 <= draw <= MAX_SEED:
        raise UsageError(f"--seed {draw} is out of range: it goes from 0 to {MAX_SEED}.")
    random, seeds = np.random.RandomState(draw), dict[int, None]()  # numpy never changes what this draws
    while len(seeds) < count:
        seeds[int(random.randint(0, MAX_SEED + 1, dtype=np.uint32))] = None
    return list(seeds)


def browse_page(
    thumbnails: Sequence[tuple[int, str]], network: str, command: str, look: str, aspect: float
) -> str:
    """The page as HTML; it needs no other file and no network.

    Args:
        thumbnails: seeds with their pictures from `thumbnail`.
        network: what people call it, for the title.
        command: what makes one of the pictures in full size; the page adds its seed.
        look: how they were drawn, as options, such as "--psi 0.7".
        aspect: height over width of the pictures.
    """
    return fill_page(
        "adatune.latent",
        "browse",
        network=html.escape(network),
        command=html.escape(command),
        look=html.escape(look),
        aspect=f"{aspect:.6g}",
        count=f"{len(thumbnails):,}",
        cards="".join(_card(seed, picture) for seed, picture in thumbnails),
    )


def save_browse_page(
    pictures: Iterable[tuple[int, Image.Image]], path: Path, network: str, command: str, look: str
) -> None:
    """Write the page of PICTURES, of which there is one or more, to PATH.

    Thumbnails are made in threads beside the drawing, and only they are kept.
    """
    made = list(encoded(pictures, lambda seed, picture: (seed, *thumbnail(picture))))
    path.parent.mkdir(parents=True, exist_ok=True)
    page = browse_page([(seed, picture) for seed, picture, _ in made], network, command, look, made[0][2])
    home.write_text(path, page)


def thumbnail(picture: Image.Image) -> tuple[str, float]:
    """PICTURE as base64 of a WebP at most 224 pixels wide, and its height over its width."""
    aspect = picture.height / picture.width
    if picture.width > THUMBNAIL:
        picture = picture.resize((THUMBNAIL, round(THUMBNAIL * aspect)), Image.Resampling.LANCZOS)
    buffer = io.BytesIO()
    picture.save(buffer, "WEBP", quality=_QUALITY, method=2)
    return base64.b64encode(buffer.getvalue()).decode(), aspect


def browse_page_name(seeds: Sequence[int]) -> str:
    """What the page of SEEDS is called."""
    return f"browse-{len(seeds)}-from{seeds[0]}.html"


def _card(seed: int, picture: str) -> str:
    # The label is the picture's text as well: nobody can say in advance what it shows.
    source = f"data:image/webp;base64,{picture}"
    return (
        f"<button type=button role=option aria-selected=false tabindex=-1 data-seed={seed} "
        f'aria-label="seed {seed}"><img loading=lazy decoding=async alt="" src="{source}"><b>{seed}</b>'
        "</button>"
    )
