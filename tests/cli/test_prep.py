import json
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from adatune.cli.prep import prep


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path / "home"))
    folder = tmp_path / "cats"
    folder.mkdir()
    pixels = np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(folder / "cat.png")
    (folder / "note.txt").write_text("no picture")
    return folder


def test_the_summary_says_found_kept_why_not_where_and_what_next(photos: Path) -> None:
    ended = CliRunner().invoke(prep, [str(photos), "--size", "64", "--align", "none"])
    assert ended.exit_code == 0
    for words in (
        "Found 2 photos",
        "found",
        "kept",
        "unreadable",
        "contact-sheet.html",
        "adatune train --data cats",
    ):
        assert words in ended.stdout


def test_json_is_the_only_thing_on_stdout(photos: Path) -> None:
    ended = CliRunner().invoke(
        prep, [str(photos), "--size", "64", "--align", "none", "--no-mirror", "--json"]
    )
    result = json.loads(ended.stdout)
    assert (result["name"], result["found"], result["kept"]) == ("cats", 2, 1)
    assert result["reasons"] == {"unreadable": 1}
    assert result["mirror"] is False
