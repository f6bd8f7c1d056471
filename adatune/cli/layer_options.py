"""How every command lets people name layers, in the same words."""

from collections.abc import Callable
from typing import Any

import click


def layers_option(
    happening: str, *other_names: str, default: str | None = None
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """An option --layers for a command; it gets `layers`, for `latent.mixing.parse_layers`.

    Args:
        happening: to the w that are named, for the help: "are moved".
        other_names: of the option, which users know from elsewhere.
        default: what is meant without it; None: all layers.
    """
    return click.option(
        "--layers",
        *other_names,
        "layers",
        metavar="0-6|coarse|middle|fine",
        default=default,
        help=f"Which w {happening}: numbers, coarse (pose and shape: 4x4, 8x8), middle (features: 16x16, "
        f"32x32) or fine (colours: 64x64 and up).  [default: {default or 'all'}]",
    )
