from html.parser import HTMLParser

import pytest

from adatune.prep.config import PrepConfig
from adatune.prep.contact_sheet import contact_sheet
from adatune.prep.judge import REASONS
from adatune.prep.manifest import Row
from adatune.prep.record import Record


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.scripts = 0
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in {"src", "href"}]
        self.scripts += tag == "script"

    def handle_data(self, data: str) -> None:
        self.text += data


def _read(rows: list[Row]) -> _Reader:
    reader = _Reader()
    reader.feed(contact_sheet("faces", PrepConfig(), rows))
    return reader


@pytest.mark.parametrize("reason", ["", *REASONS])
def test_each_reason_has_a_group_and_the_page_needs_no_other_file(reason: str) -> None:
    corners = [[0.0, 0.0], [4.0, 0.0], [4.0, 5.0], [0.0, 5.0]]
    record = Record(
        "x.jpg", width=9, height=9, corners=corners, photo_thumbnail="QQ==", crop_thumbnail="QQ=="
    )
    page = _read([Row(record, reason, "")])
    assert f"#{reason or 'kept'}" in page.addresses
    assert all(address.startswith(("#", "data:image/webp;base64,")) for address in page.addresses)
    assert "x.jpg" in page.text


def test_a_file_name_cannot_inject_markup_or_break_the_encoding() -> None:
    page = _read(
        [Row(Record("<script>alert(1)</script>\udcff\n.jpg", "unreadable", "bad"), "unreadable", "")]
    )
    assert page.scripts == 0
    assert "<script>alert(1)</script>" in page.text
    page.text.encode("utf-8")
