import base64
import io
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from browser import Browser, open_browser
from PIL import Image

from adatune.prep.config import PrepConfig
from adatune.prep.contact_sheet import contact_sheet, picture_type
from adatune.prep.judge import REASONS, judge_all
from adatune.prep.manifest import Row
from adatune.prep.record import Record
from adatune.prep.review import read_review, review_text

CONFIG = PrepConfig(keep_duplicates=True)  # all photos here are one picture
CORNERS = ((0.0, 0.0), (4.0, 0.0), (4.0, 5.0), (0.0, 5.0))
AWKWARD = [
    "two\nlines.jpg",
    "carriage\r\nreturn\ttab.jpg",
    'a "quoted", name.jpg',
    "</script><script>window.hacked = 1</script>.jpg",
    '"><img src=x onerror="window.hacked = 1">.jpg',
    "caf\udce9 latin-1 \udcff.jpg",
    "back\\slash\\u0041 \\\\.jpg",
    "=1+1.jpg",
    "-dash.jpg",
    " spaces at both ends ",
    "semi;colon.jpg",
    "雪と桜/👩🏽‍🎨 \u202etxt.jpg",
    "line\u2028separator\ufeff\x7f\x85.jpg",
    "clip.mp4#000120",
    "$title ${name} &amp; $$.jpg",
]


def _picture(width: int, height: int, kind: str = "WEBP", noise: int = 0) -> str:
    pixels = np.full((height, width, 3), (120, 90, 160), np.uint8)
    if noise:
        pixels = np.random.default_rng(noise).integers(0, 255, (height, width, 3), np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, quality=50)
    return base64.b64encode(buffer.getvalue()).decode()


PHOTO, CROP = _picture(9, 9), _picture(4, 5)


def _record(source: str, **measured) -> Record:
    pictures = {"photo_thumbnail": PHOTO, "crop_thumbnail": CROP, "corners": CORNERS}
    return Record(source, **{"width": 9, "height": 9, "faces": 1, "score": 1.0} | pictures | measured)


def _faceless(source: str) -> Record:
    return Record(source, "no-face", "no face found", width=9, height=9, photo_thumbnail=PHOTO)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with open_browser(tmp_path_factory.mktemp("browser")) as browser:
        yield browser
        assert browser.problems == []


def _open(browser: Browser, folder: Path, rows: list[Row], report: tuple[str, ...] = ()) -> None:
    page = folder / "contact-sheet.html"
    page.write_text(contact_sheet("faces", CONFIG, rows, report), "utf-8")
    browser.open(page.as_uri())


def _toggle(source: str) -> str:
    return f'article[aria-label^="{source}"] .toggle'


def _focused(browser: Browser) -> str:
    return browser.evaluate("document.activeElement.querySelector('.open')?.title")


def _checked(browser: Browser) -> list[bool]:
    switches = "[...document.querySelectorAll('article .toggle')]"
    return browser.evaluate(f"{switches}.map(s => s.getAttribute('aria-checked') === 'true')")


def _shown(browser: Browser) -> list[str]:
    cards = "[...document.querySelectorAll('article:not([hidden])')]"
    return browser.evaluate(f"{cards}.map(card => card.querySelector('.open').title)")


def _export(browser: Browser) -> Path:
    browser.click("#export")
    path = browser.wait_for_download()
    return path.rename(path.with_name(f"{len(list(path.parent.iterdir()))}.csv"))


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
    reader.feed(contact_sheet("faces", CONFIG, rows))
    return reader


@pytest.mark.parametrize("reason", ["", *REASONS])
def test_each_reason_has_a_group_and_the_page_needs_no_other_file(reason: str) -> None:
    page = _read([Row(_record("x.jpg"), reason)])
    assert f"#{reason or 'kept'}" in page.addresses
    assert all(address.startswith(("#", "data:image/webp;base64,")) for address in page.addresses)
    assert "x.jpg" in page.text


def test_a_file_name_cannot_inject_markup_or_break_the_encoding() -> None:
    page = _read([Row(Record("<script>alert(1)<\\script>\udcff\n.jpg", "unreadable", "bad"), "unreadable")])
    assert page.scripts == 1  # ours
    assert "<script>alert(1)<" in page.text
    page.text.encode("utf-8")


@pytest.mark.parametrize(("kind", "mime"), [("JPEG", "image/jpeg"), ("WEBP", "image/webp")])
def test_the_type_of_a_picture_is_told_by_its_first_characters(kind: str, mime: str) -> None:
    assert picture_type(_picture(8, 8, kind)) == mime


def test_pictures_crop_scores_and_advice_are_seen(browser: Browser, tmp_path: Path) -> None:
    rows = judge_all([_record("a.jpg", occlusion=0.9, upscale=2), _record("b.jpg")], CONFIG)
    _open(browser, tmp_path, rows, ("Try --freezed 10 & look for <larger> photos.",))
    assert browser.evaluate("document.querySelector('.report').textContent") == (
        "Try --freezed 10 & look for <larger> photos."
    )
    assert browser.evaluate("document.querySelector('.result').naturalWidth") == 4
    outline = "document.querySelector('polygon').points"
    assert browser.evaluate(f"[...{outline}].map(point => [point.x, point.y])") == [list(p) for p in CORNERS]
    over = "[...document.querySelectorAll('.over, .warn')].map(score => score.dataset.score)"
    assert browser.evaluate(over) == ["upscale", "occlusion"]
    assert "enlarged 2.0 times" in browser.evaluate("document.querySelector('#occluded').textContent")


def test_what_is_decided_by_mouse_and_keyboard_comes_back_from_the_exported_file(
    browser: Browser, tmp_path: Path
) -> None:
    names = ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    rows = judge_all([_record(n, occlusion=0.9 * (n in "c.jpg d.jpg")) for n in names], CONFIG)
    _open(browser, tmp_path, rows)
    assert not browser.evaluate("!!document.querySelector('#bar').offsetHeight")
    browser.click(_toggle("a.jpg"))
    browser.click(_toggle("c.jpg"))
    browser.press("ArrowRight", " ")  # d.jpg, kept
    assert _checked(browser) == [False, True, True, True]
    assert browser.evaluate("document.querySelector('#changes').textContent") == "3 changes"
    browser.press("d", "Home", "k", "j", "l", "d")  # d.jpg dropped again, a.jpg kept again, b.jpg dropped
    expected = {("b.jpg", 0): False, ("c.jpg", 0): True}
    exported = _export(browser)
    assert read_review(exported) == expected
    assert exported.read_text() == review_text(expected)


def test_every_file_name_survives_the_page_and_its_export(browser: Browser, tmp_path: Path) -> None:
    records = [_record(name, face=face) for name in AWKWARD for face in (0, 1)]
    _open(browser, tmp_path, [Row(record) for record in records])
    browser.evaluate("document.querySelectorAll('.toggle').forEach(toggle => toggle.click())")
    expected = {(record.source, record.face): False for record in records}
    exported = _export(browser)
    assert read_review(exported) == expected
    assert exported.read_bytes() == review_text(expected).encode()
    assert browser.evaluate("window.hacked") is None


def test_decisions_survive_a_reload_and_can_still_be_undone(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, [Row(_record(name)) for name in ("a.jpg", "caf\udce9.jpg", "c.jpg")])
    browser.press("d", "ArrowRight", "d")
    browser.reload()
    assert _checked(browser) == [False, False, True]
    browser.press("u")
    assert _checked(browser) == [False, True, True]
    browser.click("#reset")
    assert _checked(browser) == [True, True, True]
    browser.click("#undo")
    browser.reload()
    assert _checked(browser) == [False, True, True]


def test_an_applied_review_is_exported_again_with_what_was_changed_since(
    browser: Browser, tmp_path: Path
) -> None:
    records = [_record(name, occlusion=0.9 * (name != "a.jpg")) for name in ("a.jpg", "b.jpg", "c.jpg")]
    decisions = {("a.jpg", 0): False, ("b.jpg", 0): True}
    _open(browser, tmp_path, judge_all(records, CONFIG, decisions))
    assert "kept by you" in browser.evaluate("document.querySelector('#kept').textContent")
    assert "dropped by you" in browser.evaluate("document.querySelector('#review').textContent")
    browser.press("e")
    assert browser.wait_for_download().read_text() == review_text(decisions)
    browser.click(_toggle("c.jpg"))
    assert read_review(_export(browser)) == {**decisions, ("c.jpg", 0): True}
    browser.click(_toggle("a.jpg"))  # as the program would have it
    assert read_review(_export(browser)) == {("b.jpg", 0): True, ("c.jpg", 0): True}


def test_what_a_review_has_settled_is_no_change_any_more(browser: Browser, tmp_path: Path) -> None:
    records = [_record("a.jpg"), _record("b.jpg")]
    _open(browser, tmp_path, judge_all(records, CONFIG))
    browser.press("d")
    _open(browser, tmp_path, judge_all(records, CONFIG, read_review(_export(browser))))
    assert browser.evaluate("document.querySelector('#bar').hidden")
    browser.press("End", "k")  # a.jpg, which stands in the last group now
    _open(browser, tmp_path, judge_all(records, CONFIG, read_review(_export(browser))))
    assert browser.evaluate("document.querySelector('#bar').hidden")
    assert _checked(browser) == [True, True]


def test_a_photo_without_a_crop_cannot_be_kept_and_says_why(browser: Browser, tmp_path: Path) -> None:
    rows = judge_all([_record("a.jpg"), _faceless("b.jpg")], CONFIG)
    _open(browser, tmp_path, rows)
    browser.click(_toggle("b.jpg"))
    browser.press("End", "k")
    assert _checked(browser) == [True, False]
    assert "no face was found" in browser.evaluate("document.querySelector('#said').textContent")


def test_a_duplicate_leads_to_the_photo_that_is_kept_for_it(browser: Browser, tmp_path: Path) -> None:
    rows = [Row(_record("a.jpg"), "duplicate", repeats="folder/<b>.jpg"), Row(_record("folder/<b>.jpg"))]
    _open(browser, tmp_path, rows)
    assert (
        browser.evaluate("document.querySelector('#duplicate .tags').textContent")
        == f"same as {rows[0].repeats}"
    )
    browser.click("#duplicate a")
    assert _focused(browser) == rows[0].repeats


def test_the_page_can_be_walked_with_the_keyboard_alone(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, [Row(_record(f"{index}.jpg")) for index in range(7)])
    browser.evaluate("document.querySelector('#help').focus()")
    browser.press("Tab")
    assert _focused(browser) == "0.jpg"
    browser.press("ArrowDown")
    assert _focused(browser) == "3.jpg"  # three in a row at this width
    browser.press("ArrowRight", "ArrowUp")
    assert _focused(browser) == "1.jpg"
    browser.press("End", "ArrowDown", "ArrowLeft")
    assert _focused(browser) == "5.jpg"
    browser.press("Home")
    assert _focused(browser) == "0.jpg"
    browser.press("Shift+Tab")
    assert browser.evaluate("document.activeElement.id") == "help"


def test_the_large_view_decides_moves_and_gives_the_focus_back(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, [Row(_record(f"{index}.jpg", blur=1.5)) for index in range(3)])
    browser.click("article .pictures")
    large = "document.querySelector('#large')"
    assert browser.evaluate(f"{large}.open && {large}.textContent.includes('limit 2.5 px')")
    browser.press("d", "ArrowRight")
    assert browser.evaluate("document.querySelector('#large-name').textContent") == "1.jpg"
    browser.click("#large .toggle")
    browser.press("Escape")
    assert browser.evaluate(f"{large}.open") is False
    browser.wait_for("document.activeElement.querySelector('.open')?.title === '1.jpg'")
    assert _checked(browser) == [False, False, True]
    browser.press("Enter")
    assert browser.evaluate(f"{large}.open") is True


def test_cards_are_found_by_group_and_text_and_ordered_by_a_score(browser: Browser, tmp_path: Path) -> None:
    blurs = {"a.jpg": 0.6, "b.jpg": 2.4, "c.jpg": 9.0, "d.jpg": 2.8}
    rows = judge_all([_record(name, blur=blur) for name, blur in blurs.items()], CONFIG)
    _open(browser, tmp_path, rows)
    choose = "select => { select.dispatchEvent(new Event('input', {bubbles: true})) }"
    browser.evaluate(f"({choose})(Object.assign(document.querySelector('#order'), {{value: 'blur'}}))")
    assert _shown(browser) == ["b.jpg", "a.jpg", "c.jpg", "d.jpg"]
    browser.click("#reverse")
    assert _shown(browser) == ["a.jpg", "b.jpg", "d.jpg", "c.jpg"]
    browser.evaluate(f"({choose})(Object.assign(document.querySelector('#order'), {{value: 'closest'}}))")
    browser.click("#reverse")
    assert _shown(browser) == ["b.jpg", "a.jpg", "d.jpg", "c.jpg"]
    browser.evaluate(f"({choose})(Object.assign(document.querySelector('#group'), {{value: 'blurred'}}))")
    assert _shown(browser) == ["d.jpg", "c.jpg"]
    browser.press("/")
    browser.type("C.JPG")
    assert _shown(browser) == ["c.jpg"]
    browser.press("Enter", "k")
    assert _focused(browser) == "c.jpg"
    assert read_review(_export(browser)) == {("c.jpg", 0): True}
    browser.press("/")
    browser.type("no such name")
    assert _shown(browser) == []
    browser.press("Enter")
    browser.evaluate("document.activeElement.blur()")
    browser.press("d", "Enter")
    assert _checked(browser).count(True) == 3
    browser.click("#all")
    assert len(_shown(browser)) == 4


def test_a_page_that_may_store_nothing_still_decides_and_gives_its_text_to_be_copied(
    browser: Browser, tmp_path: Path
) -> None:
    page = contact_sheet("faces", CONFIG, [Row(_record("caf\udce9.jpg"))])
    browser.open("data:text/html;base64," + base64.b64encode(page.encode()).decode())
    browser.press("d")
    assert "forgets" in browser.evaluate("document.querySelector('#bar').textContent")
    browser.click("#copy")
    copied = browser.wait_for("document.querySelector('#by-hand[open] textarea')?.value")
    assert copied == review_text({("caf\udce9.jpg", 0): False})


def test_every_control_has_a_name_for_screen_readers(browser: Browser, tmp_path: Path) -> None:
    _open(browser, tmp_path, judge_all([_record("a.jpg"), _faceless("b.jpg")], CONFIG))
    browser.press("d")
    names = browser.accessible_names("button", "switch", "link", "combobox", "searchbox", "image", "article")
    assert {"Keep a.jpg", "a.jpg: kept, will be dropped", "Export review.csv"} <= set(names)
    assert "" not in names


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(browser: Browser, tmp_path: Path, scheme: str) -> None:
    _open(browser, tmp_path, [Row(_record("a.jpg"))])
    browser.prefer(scheme)
    on = {"back": "ink soft good yours", "card": "ink soft good bad warn yours", "well": "ink soft"}
    for back, words in {**on, "warn-back": "warn", "yours": "back"}.items():
        for word in words.split():
            assert _contrast(_colour(browser, word), _colour(browser, back)) >= 4.5  # WCAG 2.2, level AA


def _colour(browser: Browser, name: str) -> str:
    return browser.evaluate(f"getComputedStyle(document.body).getPropertyValue('--{name}').trim()")


def _contrast(first: str, second: str) -> float:
    """The contrast ratio of two colours like #fff or #1c1b19. Source: WCAG 2.2, relative luminance."""
    shades: list[float] = []
    for colour in (first, second):
        digits = colour.removeprefix("#")
        pairs = re.findall("..", digits if len(digits) == 6 else "".join(2 * digit for digit in digits))
        parts = [int(pair, 16) / 255 for pair in pairs]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        shades.append(0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2])
    return (max(shades) + 0.05) / (min(shades) + 0.05)


def test_two_thousand_photos_stay_under_40_megabytes_and_can_be_decided(
    browser: Browser, tmp_path: Path
) -> None:
    photos = [_picture(108, 81, noise=index + 1) for index in range(9)]
    crops = [_picture(68, 85, noise=index + 1) for index in range(9)]
    records = [
        _record(
            f"a folder of photos/{index:05d}.jpg",
            photo_thumbnail=photos[index % 9],
            crop_thumbnail=crops[index % 9],
            occlusion=0.9 * (index % 2),
        )
        for index in range(2000)
    ]
    rows = judge_all(records, CONFIG)
    assert len(photos[0]) + len(crops[0]) > 11_000  # of detail-rich photos; portraits take 9,000
    _open(browser, tmp_path, rows)
    assert (tmp_path / "contact-sheet.html").stat().st_size < 40e6
    browser.press("d", "End", "k", "G", "d")
    last, first = "a folder of photos/01999.jpg", "a folder of photos/00000.jpg"
    assert read_review(_export(browser)) == {(first, 0): False, (last, 0): True}
