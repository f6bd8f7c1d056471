"""The picture at the end of the demo: photos, the starting network's faces and the fine-tuned ones."""

from collections.abc import Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from adatune.images import Pixels, undo_aspect

_COLUMNS, _ROWS = 4, 4
_TILE = 112  # width of one picture, pixels
_GAP, _PANEL_GAP, _MARGIN, _HEADER = 6, 44, 44, 92
_PAPER, _INK, _FAINT = (250, 248, 244), (32, 30, 28), (122, 116, 108)


def comparison(panels: Mapping[str, tuple[str, Pixels]], aspect: float) -> Image.Image:
    """Lay out labelled panels of sixteen pictures each from left to right.

    Args:
        panels: title -> (a line below the title, uint8 [16 or more, size, size, 3]).
        aspect: height divided by width that the squashed pictures get back.
    """
    tile_height = round(_TILE * aspect)
    panel_width = _COLUMNS * (_TILE + _GAP) - _GAP
    width = 2 * _MARGIN + len(panels) * (panel_width + _PANEL_GAP) - _PANEL_GAP
    height = _MARGIN // 2 + _HEADER + _ROWS * (tile_height + _GAP) - _GAP + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    for index, (title, (line, pixels)) in enumerate(panels.items()):
        left = _MARGIN + index * (panel_width + _PANEL_GAP)
        draw = ImageDraw.Draw(sheet)
        draw.text((left, _MARGIN // 2 + 14), title, _INK, ImageFont.load_default(26))
        draw.text((left, _MARGIN // 2 + 52), line, _FAINT, ImageFont.load_default(16))
        _paste_tiles(sheet, pixels, left, _MARGIN // 2 + _HEADER, aspect)
    return sheet


def _paste_tiles(sheet: Image.Image, pixels: Pixels, left: int, top: int, aspect: float) -> None:
    for index, tile in enumerate(np.asarray(pixels[: _COLUMNS * _ROWS])):
        picture = Image.fromarray(tile).resize((_TILE, _TILE), Image.Resampling.BICUBIC)
        picture = undo_aspect(picture, aspect)
        x = left + index % _COLUMNS * (_TILE + _GAP)
        y = top + index // _COLUMNS * (picture.height + _GAP)
        sheet.paste(picture, (x, y))
