"""The limits of a walk as a picture: what it achieves, how far pictures go, what that costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10

from PIL import Image, ImageDraw, ImageFont

from adatune.latent.steering_limits import Limits

_WIDTH, _PANEL, _GAP = 1800, 480, 128  # all in half pixels: drawn twice as large and shrunk, lines are smooth
_LEFT, _RIGHT, _TOP, _BOTTOM = 192, 72, 232, 168
_PAPER, _INK, _FAINT, _GRID = (250, 248, 244), (32, 30, 28), (122, 116, 108), (228, 223, 215)
_BLUE, _ORANGE, _GREEN = (58, 110, 165), (196, 98, 45), (74, 138, 88)
_GOOD, _BAND, _QUARTILES = (237, 243, 231), (246, 228, 205), (205, 220, 236)

Color = tuple[int, int, int]
Point = tuple[float, float | None]  # slider and value; None: a gap in the line


@dataclass(frozen=True)
class _Axes:
    """One panel: where a value lies in it."""

    top: int
    left: float  # slider at the left edge
    right: float
    low: float  # value at the bottom
    high: float

    def x(self, slider: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * (slider - self.left) / (self.right - self.left)

    def y(self, value: float) -> float:
        inside = min(max(value, self.low), self.high)
        return self.top + _PANEL * (self.high - inside) / (self.high - self.low)


def limits_plot(
    limits: Limits, slider_of: Callable[[float], float], alpha_of: Callable[[float], float], title: str
) -> Image.Image:
    """Draw LIMITS: achieved over asked with its quartiles, distances, KID; the recommended range is shaded.

    Args:
        limits: of one slider.
        slider_of: of an alpha; both axes are even in sliders, so that zoom is even in its logarithm.
        alpha_of: the other way.
        title: above it all.
    """
    height = _TOP + 3 * _PANEL + 2 * _GAP + _BOTTOM
    picture = Image.new("RGB", (_WIDTH, height), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.text((_LEFT, 56), title, _INK, _font(22), anchor="lm")
    low, high = limits.reached()
    good = (
        f"shaded: recommended, {limits.low:.3g} to {limits.high:.3g}, which achieve {low:.3g} to {high:.3g}"
    )
    draw.text(
        (_LEFT, 108),
        f"{limits.samples} pictures a strength, psi {limits.psi:g} · {good}",
        _FAINT,
        _font(14),
        "lm",
    )
    recommended = slider_of(limits.low), slider_of(limits.high)
    _achieved(draw, limits, recommended, slider_of, alpha_of)
    rows = limits.rows
    steps = [(row.slider, row.step) for row in rows]
    far = [(row.slider, row.distance) for row in rows]
    top = _TOP + _PANEL + _GAP
    lines = [("from the unmoved picture", far, _BLUE), ("from the strength before", steps, _ORANGE)]
    _panel(draw, top, limits, recommended, lines, f"perceptual distance ({limits.features})", None)
    kids = [(row.slider, 1000 * row.kid) for row in rows]
    bound = None if limits.max_kid is None else 1000 * limits.max_kid
    _panel(
        draw,
        top + _PANEL + _GAP,
        limits,
        recommended,
        [("KID x 1000", kids, _GREEN)],
        "KID x 1000 against unmoved pictures of other latents; theirs is chance",
        bound,
    )
    axes = _Axes(top + _PANEL + _GAP, rows[0].slider, rows[-1].slider, 0, 1)
    for row in rows:
        draw.text((axes.x(row.slider), height - _BOTTOM + 32), f"{row.alpha:.3g}", _FAINT, _font(14), "mm")
    draw.text((_WIDTH / 2, height - 68), f"asked: {limits.label} ({limits.unit})", _INK, _font(15), "mm")
    return picture.reduce(2)


def _achieved(
    draw: ImageDraw.ImageDraw,
    limits: Limits,
    recommended: tuple[float, float],
    slider_of: Callable[[float], float],
    alpha_of: Callable[[float], float],
) -> None:
    rows = limits.rows
    low = min(rows[0].slider, *(slider_of(row.achieved_low) for row in rows))
    high = max(rows[-1].slider, *(slider_of(row.achieved_high) for row in rows))
    axes = _Axes(_TOP, rows[0].slider, rows[-1].slider, low, high)
    _shade(draw, axes, recommended)
    if limits.spread is not None:
        top, bottom = axes.y(slider_of(limits.spread.high)), axes.y(slider_of(limits.spread.low))
        edges = sorted((top, bottom))
        draw.rectangle((_LEFT, edges[0], _WIDTH - _RIGHT, edges[1]), _BAND)
    above = [(axes.x(row.slider), axes.y(slider_of(row.achieved_high))) for row in rows]
    below = [(axes.x(row.slider), axes.y(slider_of(row.achieved_low))) for row in rows]
    draw.polygon([*above, *reversed(below)], _QUARTILES)
    for row in rows:
        y = axes.y(row.slider)
        draw.line((_LEFT - 8, y, _LEFT, y), _FAINT, width=2)
        draw.text((_LEFT - 16, y), f"{alpha_of(row.slider):.3g}", _FAINT, _font(13), "rm")
    ends = rows[0].slider, rows[-1].slider
    draw.line([(axes.x(end), axes.y(end)) for end in ends], _FAINT, width=2)
    _line(draw, axes, [(row.slider, slider_of(row.achieved)) for row in rows], _BLUE)
    words = "achieved: median and quartiles; thin line: as asked"
    if limits.spread is not None:
        words += f"; orange band: 5 to 95% of {limits.spread.count} photos"
    _frame(draw, axes, [(words, _BLUE)])


def _panel(
    draw: ImageDraw.ImageDraw,
    top: int,
    limits: Limits,
    recommended: tuple[float, float],
    lines: Sequence[tuple[str, Sequence[Point], Color]],
    words: str,
    bound: float | None,
) -> None:
    """One panel of LINES (name, points, colour) from 0 up, with an optional BOUND."""
    values = [value for _, points, _ in lines for _, value in points if value is not None]
    largest, lowest = max(*values, bound or 0.0), min(*values, 0.0)
    if lowest > -0.05 * largest:  # a KID of nothing is a little below 0 by chance
        lowest = 0.0
    step = _round_step((largest - lowest) / 4 or 1.0)
    ends = step * floor(lowest / step), step * (floor(largest / step) + 1)
    axes = _Axes(top, limits.rows[0].slider, limits.rows[-1].slider, *ends)
    _shade(draw, axes, recommended)
    value = axes.low
    while value <= axes.high + step / 2:
        draw.line((_LEFT, axes.y(value), _WIDTH - _RIGHT, axes.y(value)), _GRID, width=2)
        draw.text((_LEFT - 16, axes.y(value)), f"{round(value, 6):g}", _FAINT, _font(13), "rm")
        value += step
    for _, points, colour in lines:
        _line(draw, axes, points, colour)
    if bound is not None:
        draw.line((_LEFT, axes.y(bound), _WIDTH - _RIGHT, axes.y(bound)), _ORANGE, width=4)
    names = [(f"{words}: {lines[0][0]}" if len(lines) > 1 else words, lines[0][2])]
    _frame(draw, axes, names + [(name, colour) for name, _, colour in lines[1:]])


def _shade(draw: ImageDraw.ImageDraw, axes: _Axes, recommended: tuple[float, float]) -> None:
    low, high = (axes.x(slider) for slider in recommended)
    draw.rectangle((low, axes.top, high, axes.top + _PANEL), _GOOD)


def _line(draw: ImageDraw.ImageDraw, axes: _Axes, points: Sequence[Point], colour: Color) -> None:
    places = [None if value is None else (axes.x(slider), axes.y(value)) for slider, value in points]
    for before, after in pairwise(places):
        if before is not None and after is not None:
            draw.line((before, after), colour, width=6)
    for x, y in filter(None, places):
        draw.ellipse((x - 8, y - 8, x + 8, y + 8), colour)


def _frame(draw: ImageDraw.ImageDraw, axes: _Axes, names: Sequence[tuple[str, Color]]) -> None:
    draw.line((_LEFT, axes.top, _LEFT, axes.top + _PANEL, _WIDTH - _RIGHT, axes.top + _PANEL), _INK, width=2)
    x = float(_LEFT)
    for name, colour in names:
        draw.text((x, axes.top - 32), name, colour, _font(15), "lm")
        x += _font(15).getlength(name) + 48


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(2 * size)


def _round_step(step: float) -> float:
    """1, 2 or 5 times a power of ten, at least STEP."""
    power = 10.0 ** floor(log10(step))
    return next(factor * power for factor in (1, 2, 5, 10) if factor * power >= step * 0.999)
