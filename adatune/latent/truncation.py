"""Truncation of each w by itself: which are drawn towards the mean, and how far.

Source: Karras et al. 2019, arXiv:1812.04948, section 2 (coarse layers only, by a cutoff) and appendix B.
"""

from adatune.errors import UsageError
from adatune.latent.mixing import parse_layers
from adatune.networks import NetworkConfig

SWEEP = tuple(step / 4 for step in range(-4, 5))  # the anti-face, the mean and all the variety


def layer_psis(
    psi: float, cutoff: int | None, text: str | None, config: NetworkConfig
) -> tuple[float, ...] | None:
    """The truncation of each w; None where all of them have PSI.

    Args:
        psi: of the w that nothing else is said about.
        cutoff: only so many w, counted from the coarse end, are truncated.
        text: layers with their truncation, such as "0-3:0.5,4-7:1"; wins over the others.
        config: of the network.

    Raises:
        UsageError: TEXT is no such list, or the network has fewer layers.
    """
    if cutoff is None and text is None:
        return None
    if cutoff is not None and not 0 <= cutoff <= config.num_ws:
        raise UsageError(f"--cutoff {cutoff} is out of range: this network has {config.num_ws} layers.")
    psis = [psi if cutoff is None or layer < cutoff else 1.0 for layer in range(config.num_ws)]
    for part in [] if text is None else text.split(","):
        layers, separator, value = part.partition(":")
        if not separator:
            raise UsageError(
                f"--layer-psi {text!r}: {part.strip()!r} is not LAYERS:PSI. Write layers with their "
                "truncation, such as 0-3:0.5,4-7:1."
            )
        number = _number(value, part)
        for layer in parse_layers(layers, config, "--layer-psi"):
            psis[layer] = number
    return tuple(psis)


def psi_in_words(psi: float, psis: tuple[float, ...] | None) -> str:
    """For captions: "psi 0.7", or "psi 0.5 x4, 1 x6" where the w have their own, from the coarse end."""
    if psis is None:
        return f"psi {psi:g}"
    runs: list[tuple[float, int]] = []
    for value in psis:
        if runs and runs[-1][0] == value:
            runs[-1] = value, runs[-1][1] + 1
        else:
            runs.append((value, 1))
    return "psi " + ", ".join(f"{value:g} x{count}" for value, count in runs)


def _number(text: str, part: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) <= 100:  # nan too
        raise UsageError(
            f"--layer-psi: {part.strip()!r} has no number at its end from -100 to 100. Write 0-3:0.5."
        )
    return number
