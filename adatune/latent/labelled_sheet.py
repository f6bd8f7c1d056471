"""Pictures in rows and columns on paper, with what they are written at the margins."""

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

from adatune.errors import UsageError

LARGEST_SIDE = 65500  # pixels; what a JPEG can hold, and more than any viewer shows
SMALLEST_TILE = 128  # pixels wide; smaller pictures are enlarged, or the writing would outgrow them
PAPER, INK, FAINT = (250, 248, 244), (32, 30, 28), (122, 116, 108)


@dataclass(frozen=True)
class _Geometry:
    """Where things are on a sheet, pixels; everything follows the width of a picture."""

    tile: tuple[int, int]  # width and height of a picture
    text: int  # height of the writing
    left: int  # where the first column begins, right of the row labels
    has_sources: bool  # are the first row and column set apart?

    @property
    def gap(self) -> int:
        return max(4, self.tile[0] // 32)

    @property
    def margin(self) -> int:
        return 2 * self.text

    @property
    def top(self) -> int:
        return self.margin + round(1.5 * self.text)

    def corner(self, column: int, row: int) -> tuple[int, int]:
        """The upper left corner of a place."""
        apart = self.text if self.has_sources else 0
        return (
            self.left + column * (self.tile[0] + self.gap) + (apart if column else 0),
            self.top + row * (self.tile[1] + self.gap) + (apart if row else 0),
        )

    def size(self, columns: int, rows: int) -> tuple[int, int]:
        """Of a whole sheet: the last picture, the caption and the margins."""
        x, y = self.corner(columns - 1, rows - 1)
        return x + self.tile[0] + self.margin, y + self.tile[1] + round(4.5 * self.text)


def labelled_sheet(
    pictures: Sequence[Sequence[Image.Image | None]],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    caption: str,
    has_sources: bool = False,
) -> Image.Image:
    """Lay PICTURES out with a label left of each row and above each column, and a line below them all.

    Args:
        pictures: rows of pictures of one size; None leaves a place free. Pictures less than 128 pixels wide
            are enlarged by a whole number.
        row_labels: one for each row; may be empty.
        column_labels: one for each column; may be empty.
        caption: what is shown, in a few words.
        has_sources: the first row and the first column are where the others come from, and stand apart.

    Raises:
        UsageError: the sheet would be larger than a picture file can be.
    """
    first = next(picture for row in pictures for picture in row if picture is not None)
    geometry = _geometry(first.size, row_labels, has_sources)
    font = ImageFont.load_default(geometry.text)
    width, height = geometry.size(len(column_labels), len(row_labels))
    width = max(width, geometry.left + round(font.getlength(caption)) + geometry.margin)
    check_side((width, height))
    sheet = Image.new("RGB", (width, height), PAPER)
    draw = ImageDraw.Draw(sheet)
    for row, places in enumerate(pictures):
        for column, picture in enumerate(places):
            if picture is not None:
                sheet.paste(_enlarged(picture, geometry.tile), geometry.corner(column, row))
    for column, label in enumerate(column_labels):
        x, y = geometry.corner(column, 0)
        draw.text((x + geometry.tile[0] / 2, y - geometry.text / 2), label, INK, font, anchor="ms")
    for row, label in enumerate(row_labels):
        x, y = geometry.corner(0, row)
        draw.text((x - geometry.text / 2, y + geometry.tile[1] / 2), label, INK, font, anchor="rm")
    draw.text((geometry.left, height - round(1.75 * geometry.text)), caption, FAINT, font, anchor="ls")
    return sheet


def check_side(size: tuple[int, int], advice: str = "Ask for fewer pictures.") -> None:
    """Refuse a sheet of SIZE (width, height) that no file can hold; ADVICE says what to ask for.

    Raises:
        UsageError: it is too large.
    """
    if max(size) > LARGEST_SIDE:
        raise UsageError(
            f"The sheet would be {size[0]} x {size[1]} pixels; files hold at most {LARGEST_SIDE} a side. "
            + advice
        )


def _geometry(size: tuple[int, int], row_labels: Sequence[str], has_sources: bool) -> _Geometry:
    factor = -(-SMALLEST_TILE // size[0])
    tile = size[0] * factor, size[1] * factor
    text = max(14, tile[0] // 14)
    font = ImageFont.load_default(text)
    widest = max(font.getlength(label) for label in row_labels)
    return _Geometry(tile, text, round(2 * text + (widest + text / 2 if widest else 0)), has_sources)


def _enlarged(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture if picture.size == size else picture.resize(size, Image.Resampling.BICUBIC)
