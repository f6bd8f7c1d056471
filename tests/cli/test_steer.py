"""The steer command from its options to its files."""

import json

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from adatune.checkpoints import save_network
from adatune.cli.directions import directions
from adatune.cli.steer import steer
from adatune.errors import UsageError
from adatune.home import new_run_folder
from adatune.latent.direction_files import read_directions
from adatune.networks import Discriminator, Generator, NetworkConfig

SMALL = ("--steps", "3", "--limit-samples", "8", "--seeds", "0-1", "--features", "discriminator")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    config = NetworkConfig(resolution=16, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)
    torch.manual_seed(0)
    folder = new_run_folder("faces")
    (folder / "config.toml").touch()
    networks = Generator(config), Discriminator(config)
    save_network(folder / "network-000001.safetensors", *networks, metadata={"aspect": 1.25})
    return tmp_path


def invoke(*arguments):
    result = CliRunner().invoke(steer, [*arguments, *SMALL], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_walk_of_the_newest_run_is_learned_shown_measured_and_applied(home):
    result = invoke("shiftx", "--json")
    details = json.loads(result.stdout)
    assert details["name"] == "shiftx-w+"
    assert details["loss"] > 0
    (limits,) = details["limits"]
    assert [row["alpha"] for row in limits["rows"]] == [
        -6.25,
        -4.6875,
        -3.125,
        -1.5625,
        0,
        1.5625,
        3.125,
        4.6875,
        6.25,
    ]
    assert "Learning shiftx in w+" in result.stderr
    assert "3 steps of 4 pictures, loss perceptual (discriminator)" in result.stderr
    generated = home / "runs" / "00000-faces" / "generated" / "network-000001"
    assert details["files"] == [
        str(home / "directions" / "walks" / "shiftx-w+.safetensors"),
        str(home / "directions" / "shiftx-w+.safetensors"),
        *(str(generated / f"steer-shiftx-w+-{end}") for end in ("sheet.png", "limits.png", "limits.json")),
    ]
    applied = CliRunner().invoke(directions, ["apply", "shiftx-w+", "--steps", "3"], catch_exceptions=False)
    assert applied.exit_code == 0, applied.output


def test_people_are_told_the_range_and_the_command_that_uses_it():
    output = invoke("zoom", "--alphas", "0.5,2").stdout
    assert "Recommended: " in output
    assert "KID x1000" in output
    assert "Use it: adatune directions apply zoom-w+ --strength " in output


def test_the_same_seed_gives_the_same_files(home):
    made = []
    for out in ("a", "b"):
        invoke("zoom", "--replace", "--out", str(home / out))
        walk = (home / "directions" / "walks" / "zoom-w+.safetensors").read_bytes()
        made.append([walk, *(path.read_bytes() for path in sorted((home / out).iterdir()))])
    assert made[0] == made[1]


def test_a_nonlinear_walk_is_kept_and_used_again(home):
    invoke("brightness", "--nonlinear", "--space", "z", "--no-limits", "--name", "light")
    sheet = home / "runs/00000-faces/generated/network-000001/steer-light-sheet.png"
    first = sheet.read_bytes()
    sheet.unlink()
    files = json.loads(invoke("brightness", "--use", "--name", "light", "--no-limits", "--json").stdout)[
        "files"
    ]
    assert files == [str(sheet)]
    assert sheet.read_bytes() == first


def test_limits_of_a_used_walk_say_how_it_was_learned(home):
    invoke("zoom", "--name", "near", "--batch", "2", "--no-limits")
    invoke("zoom", "--use", "--name", "near", "--alphas", "0.5,2", "--out", str(home / "out"))
    said = json.loads((home / "out" / "steer-near-limits.json").read_text())
    assert (said["edit"], said["space"], said["steps"], said["batch"]) == ("zoom", "w+", 3, 2)


def test_a_walk_trained_with_the_network_comes_first_unless_another_is_asked_for(home):
    invoke("zoom", "--no-limits")
    invoke("zoom", "--no-limits", "--seed", "9", "--name", "other")
    other = home / "directions" / "walks" / "other.safetensors"
    other.rename(home / "runs" / "00000-faces" / "walk-zoom-000001.safetensors")
    said = invoke("zoom", "--use", "--no-limits").stdout
    assert "adatune directions apply zoom-00000-faces-network-000001 " in said
    learned, other, trained = (
        read_directions(home / "directions" / f"{name}.safetensors").vectors
        for name in ("zoom-w+", "other", "zoom-00000-faces-network-000001")
    )
    assert torch.equal(trained, other)
    assert not torch.equal(trained, learned)
    assert "directions apply" not in invoke("zoom", "--use", "--name", "zoom-w+", "--no-limits").stdout
    with pytest.raises(UsageError, match=r"no walk 'zoom-w\+-nonlinear'"):
        CliRunner().invoke(steer, ["zoom", "--use", "--nonlinear", *SMALL], catch_exceptions=False)


def test_an_edit_of_ones_own_is_learned(home):
    (home / "mine.py").write_text(
        "def darken(images, alpha):\n    return images - alpha, images[:, :1] * 0 + 1\n"
    )
    details = json.loads(
        invoke(
            "own", "--edit-file", f"{home}/mine.py:darken", "--name", "dark", "--no-limits", "--json"
        ).stdout
    )
    assert details["edit"] == "darken"


def test_a_dataset_gives_its_spread(home):
    folder = home / "datasets" / "faces" / "images"
    folder.mkdir(parents=True)
    for index in range(4):
        Image.new("RGB", (16, 16), (50 * index,) * 3).save(folder / f"{index}.png")
    assert "The photos themselves vary from" in invoke("brightness", "--data", "faces").stdout


def test_mistakes_are_answered(home):
    for arguments, words in (
        (["own"], "takes both"),
        (["zoom", "--edit-file", "a.py:b"], "takes both"),
        (["zoom", "--samples", "4"], "Leave one out"),
        (["zoom", "--learning-rate", "1"], "--lr"),
        (["zoom", "--alphas", "-1"], "--alphas '-1'"),
        (["zoom", "--use", "--name", "none"], "no walk 'none'"),
        (["color", "--nonlinear"], "Use brightness"),
    ):
        with pytest.raises(UsageError, match=words):
            CliRunner().invoke(steer, [*arguments, *SMALL], catch_exceptions=False)
    assert not (home / "directions").exists()
