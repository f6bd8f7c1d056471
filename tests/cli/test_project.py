"""The project command from a photo to its files."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from PIL import Image

from adatune.cli.project import project
from adatune.demo.network import repository_network_file as demo_network
from adatune.errors import PhotosError, UsageError
from adatune.home import new_run_folder

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"


@pytest.fixture(autouse=True)
def run_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    folder = new_run_folder("faces")
    (folder / "config.toml").touch()
    shutil.copy(demo_network(), folder / "network-000001.safetensors")
    return folder


def invoke(*arguments):
    options = ["--steps", "3", "--features", "discriminator"]
    result = CliRunner().invoke(project, [*map(str, arguments), *options], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_photo_goes_through_the_newest_run_and_lands_in_its_folder(run_folder):
    result = invoke(ASTRONAUT, "--json")
    details = json.loads(result.stdout)
    folder = run_folder / "generated" / "network-000001" / "projected"
    assert details["features"] == "discriminator"
    assert details["photos"][0]["spaces"].keys() == {"w", "w+"}
    assert details["files"][0] == str(folder / "comparison.png")
    assert all(Path(file).is_file() for file in details["files"])
    assert Image.open(folder / "astronaut" / "photo.png").size == (32, 40)
    assert "portrait54" in result.stderr


def test_a_network_may_be_the_first_argument_and_photos_are_left_out_with_a_reason(tmp_path):
    Image.new("RGB", (80, 80)).save(tmp_path / "dark.png")
    out = tmp_path / "out"
    result = invoke(demo_network(), ASTRONAUT, tmp_path / "dark.png", "--space", "w", "--out", out)
    assert "Left out dark.png: no face found" in result.stderr
    assert result.stdout.startswith("astronaut: W ")
    assert f"Look at it: {out / 'comparison.png'}" in result.stdout
    for first in ("00000-faces", "latest", "demo32"):
        invoke(first, ASTRONAUT, "--space", "w", "--out", out, "--square", "--batch", "1", "--seed", "2")
    assert Image.open(out / "astronaut" / "w.png").size == (32, 32)


def test_aligned_pictures_need_no_face(tmp_path):
    Image.new("RGB", (32, 32), (200, 0, 0)).save(tmp_path / "red.png")
    invoke(tmp_path / "red.png", "--aligned", "--space", "w", "--out", tmp_path / "out")
    assert Image.open(tmp_path / "out" / "red" / "photo.png").getpixel((0, 0)) == (200, 0, 0)
    with pytest.raises(PhotosError, match="--aligned"):
        invoke(tmp_path / "red.png")


def test_a_self_test_needs_no_photo(tmp_path):
    result = invoke("--self-test", "2", "--histogram", "--out", tmp_path / "out")
    assert result.stdout.count("spreads away") == 2
    assert (tmp_path / "out" / "self-test.png").is_file()
    assert (tmp_path / "out" / "histogram.png").is_file()
    with pytest.raises(UsageError, match="--self-test 8"):
        invoke()


def test_options_of_other_tools_are_answered():
    for option, words in (("--target", "arguments"), ("--num-steps", "--steps"), ("--outdir", "--out")):
        with pytest.raises(UsageError, match=words):
            CliRunner().invoke(project, [option, "x"], catch_exceptions=False)
