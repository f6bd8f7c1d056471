"""Pictures in a grid, each with a few words below it: for lists in which every picture has its own value."""

from collections.abc import Sequence
from math import ceil, sqrt

from PIL import Image, ImageDraw, ImageFont

from adatune.latent.labelled_sheet import FAINT, INK, PAPER, SMALLEST_TILE, check_side

Caption = tuple[str, str]  # a name and a value


def captioned_sheet(
    pictures: Sequence[Image.Image], captions: Sequence[Caption], columns: int, title: str
) -> Image.Image:
    """Lay PICTURES out row by row in COLUMNS columns, each with its name and its value below.

    Args:
        pictures: of one size; those less than 128 pixels wide are enlarged by a whole number.
        captions: one for each.
        columns: how many.
        title: at the foot, in as many lines as it takes.

    Raises:
        UsageError: the sheet would be larger than a picture file can be.
    """
    factor = ceil(SMALLEST_TILE / pictures[0].width)
    width, height = pictures[0].width * factor, pictures[0].height * factor
    text = max(14, width // 14)
    font, gap, margin = ImageFont.load_default(text), max(6, width // 24), 2 * text
    step = width + gap, height + round(3.6 * text)
    rows = ceil(len(pictures) / columns)
    inner = max(columns * step[0] - gap, 24 * text)
    foot = _wrapped(title, font, inner)
    leading = round(1.35 * text)
    side = inner + 2 * margin, 2 * margin + rows * step[1] + leading * len(foot)
    check_side(side)
    sheet = Image.new("RGB", side, PAPER)
    draw = ImageDraw.Draw(sheet)
    for index, (picture, (name, value)) in enumerate(zip(pictures, captions, strict=True)):
        x, y = margin + index % columns * step[0], margin + index // columns * step[1]
        sheet.paste(picture.resize((width, height), Image.Resampling.BICUBIC), (x, y))
        below = y + height + text // 3
        draw.text((x, below), name, INK, font, anchor="la")
        draw.text((x, below + round(1.25 * text)), value, FAINT, font, anchor="la")
    for index, line in enumerate(foot):
        draw.text((margin, margin + rows * step[1] + leading * (index + 1)), line, FAINT, font, anchor="ls")
    return sheet


def columns_for(count: int, aspect: float) -> int:
    """Columns that make a sheet of COUNT pictures about 3:2 with few free places in its last row.

    Args:
        count: how many.
        aspect: their height over their width.
    """
    ideal = max(1.0, min(count, sqrt(count * 1.5 * aspect)))
    near = [n for n in range(1, count + 1) if 0.7 * ideal <= n <= 1.45 * ideal]
    return min(near or [round(ideal)], key=lambda n: (-count % n / n, abs(n - ideal)))


def _wrapped(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont, width: int) -> list[str]:
    """TEXT in lines at most WIDTH pixels long; a longer word stands alone."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if lines[-1] and font.getlength(longer) > width:
            lines.append(word)
        else:
            lines[-1] = longer
    return lines
