"""The commands that make directions, from their options to their files."""

import json
import sys

import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from adatune.checkpoints import save_network
from adatune.cli.directions import directions
from adatune.errors import FeaturesUnavailable, UsageError
from adatune.home import new_run_folder
from adatune.latent import direction_search, text_scores
from adatune.networks import Discriminator, Generator, NetworkConfig

CONFIG = NetworkConfig(resolution=16, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(direction_search, "SAMPLES", 2000)
    torch.manual_seed(0)
    folder = new_run_folder("faces")
    (folder / "config.toml").touch()
    file = folder / "network-000001.safetensors"
    save_network(file, Generator(CONFIG), D=Discriminator(CONFIG), metadata={"aspect": 1.25})
    return tmp_path


def invoke(*arguments):
    result = CliRunner().invoke(directions, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


@pytest.fixture
def photos(tmp_path):
    """Light and dark pictures, six of each, and a table that says which is which."""
    random = np.random.default_rng(0)
    (tmp_path / "all").mkdir()
    lines = ["source,label"]
    for number in range(12):
        pixels = random.integers(0, 100, (20, 16, 3)) + (150 if number < 6 else 0)
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / "all" / f"{number}.png")
        lines.append(f"{number}.png,{'light' if number < 6 else 'dark'}")
    (tmp_path / "all.csv").write_text("\n".join(lines))
    return tmp_path / "all"


def test_all_of_a_search_is_in_the_document():
    result = invoke("find", "--method", "ganspace", "--layers", "coarse", "--count", "2", "--name", "pose",
                    "--json")  # fmt: skip
    details = json.loads(result.stdout)
    assert [details[name] for name in ("name", "method", "layers", "count")] == ["pose", "ganspace", "0-2", 2]
    assert details["network"] == "00000-faces/network-000001"
    assert len(details["deviations"]) == len(details["shares"]) == 2


def test_seeds_make_a_direction_that_is_listed_and_tested():
    result = invoke("from-seeds", "--positive", "1-6", "--negative", "7-12", "--name", "smile",
                    "--method", "svm", "--layers", "1-3")  # fmt: skip
    assert "of the time (chance: 50%)" in result.stderr
    assert "adatune directions apply smile" in result.stdout
    (listed,) = json.loads(invoke("list", "--json").stdout)
    assert (listed["name"], listed["layers"], listed["positive"]) == ("smile", "1-3", [1, 2, 3, 4, 5, 6])
    assert "smile" in invoke("list").stdout


@pytest.fixture(autouse=True)
def without_lpips(monkeypatch):
    """Where the package is missing, the network's own discriminator compares: nothing is downloaded."""
    monkeypatch.setitem(sys.modules, "lpips", None)


def test_labelled_photos_make_a_direction_and_leave_what_was_found(home, photos):
    result = invoke("from-photos", "--photos", "all", "--labels", "all.csv", "--trait", "light", "--aligned",
                    "--steps", "2", "--name", "light")  # fmt: skip
    assert "Examples: 6 that have it, 6 that lack it\n" in result.stderr
    assert "compared by: discriminator" in result.stderr
    assert "Perceptual distance of what was found, median:" in result.stderr
    assert "of the time (chance: 50%)" in result.stderr
    folder = home / "runs" / "00000-faces" / "generated" / "network-000001" / "directions-light"
    assert f"Wrote {folder / 'found-again.png'}\n" in result.stdout
    assert "adatune directions apply light" in result.stdout
    again = invoke("from-photos", "--positive", str(folder / "positive.npz"), "--negative",
                   str(folder / "negative.npz"), "--name", "again", "--json")  # fmt: skip
    details = json.loads(again.stdout)
    assert details["examples"] == [6, 6]
    assert "Projecting" not in again.stderr
    first, second = json.loads(invoke("list", "--json").stdout)
    assert first["deviations"] == second["deviations"]


def test_what_is_wrong_with_photos_is_said_before_the_projection(photos):
    for extra in (["--photos", "all"], ["--positive", "all"], ["--photos", "all", "--positive", "all"], []):
        with pytest.raises(UsageError, match="Which photos have it, and which lack it"):
            invoke("from-photos", "--name", "a", *extra)
    with pytest.raises(UsageError, match=r"--trait is missing. The labels are dark, light"):
        invoke("from-photos", "--photos", "all", "--labels", "all.csv", "--name", "a")
    with pytest.raises(UsageError, match="has 6 layers"):
        invoke("from-photos", "--photos", "all", "--labels", "all.csv", "--trait", "dark", "--aligned",
               "--name", "a", "--layers", "9")  # fmt: skip


def test_examples_that_differ_by_chance_alone_are_warned_of():
    result = invoke("from-seeds", "--positive", "0-99", "--negative", "100-199", "--name", "nothing")
    assert "Warning: the direction may be of chance" in result.stderr


def test_two_texts_make_a_direction_that_says_which(monkeypatch):
    monkeypatch.setattr(text_scores, "WEIGHTS", None)  # as it is drawn: the weights are a download
    monkeypatch.setattr(text_scores, "MODEL", "ViT-S-32-alt")
    result = invoke("from-text", "a smiling face", "--against", "a face", "--seeds", "0-19", "--share", "0.3",
                    "--name", "smile", "--layers", "coarse", "--json")  # fmt: skip
    details = json.loads(result.stdout)
    assert (details["text"], details["against"], details["method"]) == ("a smiling face", "a face", "svm")
    assert len(set(details["positive"] + details["negative"])) == 12


def test_without_clip_the_error_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "open_clip", None)
    with pytest.raises(FeaturesUnavailable, match=r"adatune\[text\]"):
        invoke("from-text", "old", "--name", "a")
