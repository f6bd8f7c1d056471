"""How near a network comes to photos and to its own pictures, as two histograms over one scale.

A photo that lies further out than any generated picture is one that the network cannot hold.
Source: Karras et al. 2020, arXiv:1912.04958, figure 9.
"""

from collections.abc import Mapping, Sequence
from math import floor, log10

import numpy as np
from PIL import Image, ImageDraw, ImageFont

_WIDTH, _PANEL, _LEFT, _RIGHT, _TOP, _BOTTOM, _GAP = 900, 170, 90, 40, 84, 74, 44  # pixels
_BINS = 24
_PAPER, _INK, _FAINT = (250, 248, 244), (32, 30, 28), (122, 116, 108)
_COLOURS = ((58, 110, 165), (196, 98, 45))


def distance_plot(series: Mapping[str, Sequence[float]], title: str, scale: str) -> Image.Image:
    """Draw a histogram for each of SERIES, one below the other, with its median.

    Args:
        series: name -> distances, from 0 up; none may be empty.
        title: above them all.
        scale: what the distances are, below them all.
    """
    largest = max(max(values) for values in series.values())
    step = _round_step(largest / 6 or 1.0)
    end = step * (floor(largest / step) + 1)
    height = _TOP + len(series) * (_PANEL + _GAP) - _GAP + _BOTTOM
    picture = Image.new("RGB", (_WIDTH, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((_LEFT, 34), title, _INK, ImageFont.load_default(22), anchor="lm")
    for index, (name, values) in enumerate(series.items()):
        top = _TOP + index * (_PANEL + _GAP)
        _panel(draw, top, name, values, end, _COLOURS[index % len(_COLOURS)])
    _scale(draw, height - _BOTTOM, step, end, scale)
    return picture


def _panel(
    draw: ImageDraw.ImageDraw,
    top: int,
    name: str,
    values: Sequence[float],
    end: float,
    colour: tuple[int, int, int],
) -> None:
    counts, edges = np.histogram(values, bins=_BINS, range=(0, end))
    most, bottom = int(counts.max()), top + _PANEL
    for count, low, high in zip(counts.tolist(), edges[:-1], edges[1:], strict=True):
        if count:
            left, right = _x(low, end), _x(high, end)
            draw.rectangle((left + 1, bottom - (_PANEL - 44) * count / most, right - 1, bottom), colour)
    draw.line((_LEFT, bottom, _WIDTH - _RIGHT, bottom), _INK)
    middle = float(np.median(values))
    draw.line((_x(middle, end), top + 22, _x(middle, end), bottom), _INK, width=2)
    font, small = ImageFont.load_default(16), ImageFont.load_default(14)
    draw.text((_LEFT, top + 8), f"{name} ({len(values)})", colour, font, anchor="lm")
    side = "rm" if middle > 0.75 * end else "lm"
    shift = -6 if side == "rm" else 6
    draw.text((_x(middle, end) + shift, top + 28), f"median {middle:.3f}", _INK, small, anchor=side)
    draw.text((_LEFT - 10, top + 44), str(most), _FAINT, small, anchor="rm")
    draw.text((_LEFT - 10, bottom), "0", _FAINT, small, anchor="rm")


def _scale(draw: ImageDraw.ImageDraw, bottom: int, step: float, end: float, words: str) -> None:
    font = ImageFont.load_default(14)
    for index in range(round(end / step) + 1):
        x = _x(index * step, end)
        draw.line((x, bottom, x, bottom + 5), _INK)
        draw.text((x, bottom + 16), f"{index * step:.3g}", _FAINT, font, anchor="mm")
    draw.text(((_LEFT + _WIDTH - _RIGHT) / 2, bottom + 44), words, _INK, font, anchor="mm")


def _x(value: float, end: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * value / end


def _round_step(step: float) -> float:
    """1, 2 or 5 times a power of ten, at least STEP."""
    power = 10.0 ** floor(log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999)
