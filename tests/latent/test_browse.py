"""The page to collect seeds from, opened in a browser: clicked, exported, read back."""

import base64
import io
import re

import numpy as np
import pytest
from browser import open_browser
from PIL import Image

from adatune.errors import UsageError
from adatune.latent.browse import browse_page, browse_page_name, draw_seeds, save_browse_page, thumbnail
from adatune.latent.seeds import parse_seeds


def pictures(count, size=(32, 40)):
    random = np.random.default_rng(0)
    for seed in range(count):
        yield seed * 7, Image.fromarray(random.integers(0, 256, (size[1], size[0], 3), np.uint8))


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    with open_browser(tmp_path_factory.mktemp("browser")) as opened:
        yield opened


@pytest.fixture
def page(tmp_path):
    path = tmp_path / "new folder" / "browse.html"
    save_browse_page(
        pictures(60), path, "my <b>net</b>.pkl", "adatune generate 'my net.pkl' --psi 0.5", "--psi 0.5"
    )
    return path


def collected(browser):
    return browser.evaluate("document.querySelector('#list').textContent")


def test_draws_are_reproducible_different_and_from_all_of_four_billion():
    seeds = draw_seeds(2000, 5)
    assert draw_seeds(10, 5) == seeds[:10]
    assert len(set(seeds)) == 2000
    assert draw_seeds(10, 6) != seeds[:10]
    assert min(seeds) < 2**32 * 0.01
    assert 2**32 * 0.99 < max(seeds) < 2**32
    quarters = np.histogram(seeds, 4, (0, 2**32))[0]
    assert quarters.min() > 400, "each quarter expects 500 with a deviation of 19"


@pytest.mark.parametrize(("count", "draw"), [(0, 0), (-1, 0), (20_001, 0), (5, -1), (5, 2**32)])
def test_a_count_or_draw_that_cannot_be_is_refused(count, draw):
    with pytest.raises(UsageError, match="out of range"):
        draw_seeds(count, draw)


def test_a_thumbnail_is_a_small_webp_of_the_same_shape():
    picture = next(pictures(1, (512, 640)))[1]
    text, aspect = thumbnail(picture)
    opened = Image.open(io.BytesIO(base64.b64decode(text)))
    assert (opened.format, opened.size, aspect) == ("WEBP", (224, 280), 1.25)
    assert Image.open(io.BytesIO(base64.b64decode(thumbnail(next(pictures(1))[1])[0]))).size == (32, 40)


def test_the_page_asks_nothing_of_the_world_and_runs_no_other_script(page):
    text = page.read_text()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', text)[1]
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[\w+/=]+'", policy)
    assert "http" not in re.sub(r"http-equiv", "", text)
    assert text.count("<script") == 1
    assert "<b>net</b>" not in text
    assert browse_page_name([7, 9]) == "browse-2-from7.html"


def test_clicks_and_keys_collect_and_the_export_is_read_back(browser, page):
    browser.open(page.as_uri())
    assert browser.evaluate("document.querySelectorAll('[role=option]').length") == 60
    assert not browser.evaluate("!!document.querySelector('aside:not([hidden])')")
    browser.click("[data-seed='21']")
    browser.click("[data-seed='70']")
    browser.press("ArrowRight", " ", "ArrowRight", "ArrowRight", " ", " ")
    assert collected(browser) == "--seeds 21,70,77"
    columns = browser.evaluate(
        "getComputedStyle(document.querySelector('main')).gridTemplateColumns.split(' ').length"
    )
    browser.press("Home", "ArrowDown", " ")
    assert collected(browser) == f"--seeds 21,70,77,{7 * columns}"
    browser.click("#export")
    text = browser.wait_for_download().read_text()
    assert text == f"--seeds 21,70,77,{7 * columns}\n"
    assert parse_seeds(text.removeprefix("--seeds ")) == [21, 70, 77, 7 * columns]
    names = browser.accessible_names("option")
    assert names[:2] == ["seed 0", "seed 7"]
    assert browser.problems == []


def test_what_is_collected_survives_a_reload_and_can_be_taken_back(browser, page):
    browser.open(page.as_uri())
    browser.click("[data-seed='14']")
    browser.click("[data-seed='28']")
    browser.reload()
    assert collected(browser) == "--seeds 14,28"
    assert browser.evaluate("document.querySelectorAll('[aria-selected=true]').length") == 2
    browser.click("[data-seed='28']")
    assert collected(browser) == "--seeds 14"
    browser.press("u")
    assert collected(browser) == "--seeds 14,28"
    browser.click("#clear")
    assert collected(browser) == ""
    browser.click("#undo")
    assert collected(browser) == "--seeds 14,28"
    assert browser.problems == []


def test_only_collected_are_shown_when_asked_and_a_large_look_names_the_command(browser, page):
    browser.open(page.as_uri())
    browser.click("[data-seed='35']")
    browser.press("o")
    shown = (
        "[...document.querySelectorAll('[role=option]')].filter((card) => card.offsetParent)"
        ".map((card) => card.dataset.seed)"
    )
    assert browser.evaluate(shown) == ["35"]
    browser.press("o")
    assert len(browser.evaluate(shown)) == 60
    browser.press("Enter", "ArrowRight", " ")
    command = browser.evaluate("document.querySelector('#command').textContent")
    assert command == "adatune generate 'my net.pkl' --psi 0.5 --seeds 42"
    assert collected(browser) == "--seeds 35,42"
    browser.press("Escape")
    assert not browser.evaluate("document.querySelector('#large').open")
    browser.click("[data-seed='49']", count=1)
    browser.click("[data-seed='49']", count=2)
    assert browser.evaluate("document.querySelector('#large').open")
    assert collected(browser) == "--seeds 35,42"
    assert browser.problems == []


def test_a_page_without_storage_still_collects_and_says_so(browser, page):
    broken = page.read_text()
    guard = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('denied'); } });"
    broken = re.sub(r"<meta http-equiv[^>]*>", "", broken).replace(
        '"use strict";', f'"use strict";{guard}', 1
    )
    page.write_text(broken)
    browser.open(page.as_uri())
    browser.click("[data-seed='7']")
    assert collected(browser) == "--seeds 7"
    assert "export" in browser.evaluate("document.querySelector('#count').textContent")
    assert browser.problems == []


def test_a_thousand_pictures_open_and_answer_at_once_and_what_is_far_is_not_laid_out(browser, tmp_path):
    picture = thumbnail(next(pictures(1, (224, 280)))[1])[0]
    path = tmp_path / "many.html"
    path.write_text(browse_page([(seed, picture) for seed in range(1000)], "net", "adatune", "", 1.25))
    browser.open(path.as_uri())
    style = "getComputedStyle(document.querySelector('[data-seed=\"999\"]')).contentVisibility"
    assert browser.evaluate(style) == "auto"
    laid_out = (
        "document.querySelector('[data-seed=\"999\"] b').checkVisibility({contentVisibilityAuto: true})"
    )
    assert browser.evaluate(laid_out) is False
    browser.press("End")
    browser.press(" ")
    assert collected(browser) == "--seeds 999"
    assert browser.wait_for(laid_out) is True
    assert browser.problems == []
