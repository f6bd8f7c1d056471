"""The generate command from its options to its files."""

import json

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from adatune.checkpoints import save_network
from adatune.cli.generate import generate
from adatune.home import new_run_folder
from adatune.networks import Generator, NetworkConfig


@pytest.fixture(autouse=True)
def run_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    config = NetworkConfig(
        resolution=8, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1, c_dim=2
    )
    torch.manual_seed(0)
    folder = new_run_folder("faces")
    (folder / "config.toml").touch()
    save_network(folder / "network-000001.safetensors", Generator(config), metadata={"aspect": 1.25})
    return folder


def invoke(*arguments):
    result = CliRunner().invoke(generate, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_without_a_network_the_newest_run_is_used_and_keeps_the_pictures(run_folder):
    invoke("--seeds", "0-2,9", "--class", "1")
    folder = run_folder / "generated" / "network-000001"
    names = ["seed0000.png", "seed0001.png", "seed0002.png", "seed0009.png"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert Image.open(folder / names[0]).size == (8, 10)


def test_a_sheet_takes_as_many_seeds_as_it_holds(tmp_path):
    result = invoke("00000-faces", "--grid", "3x2", "--class", "0", "--format", "jpg", "--square", "--json")
    details = json.loads(result.stdout)
    assert details["seeds"] == list(range(6))
    (file,) = details["files"]
    assert Image.open(file).size == (24, 16)
    assert file.endswith("grid3x2-seeds0000-0005.jpg")


def test_psi_and_trunc_are_the_same_option(tmp_path):
    for option in ("--psi", "--trunc"):
        invoke("--seeds", "3", "--class", "0", option, "0.2", "--out", str(tmp_path / option))
    first, second = ((tmp_path / option / "seed0003.png").read_bytes() for option in ("--psi", "--trunc"))
    assert first == second


def test_the_network_may_be_an_option_and_noise_has_its_seed(tmp_path, run_folder):
    network = str(run_folder / "network-000001.safetensors")
    for seed in ("0", "1"):
        out = str(tmp_path / seed)
        invoke(
            "--network",
            network,
            "--seeds",
            "0",
            "--class",
            "0",
            "--noise",
            "random",
            "--noise-seed",
            seed,
            "--out",
            out,
        )
    assert (tmp_path / "0" / "seed0000.png").is_file()
    assert (tmp_path / "1" / "seed0000.png").is_file()


def test_every_class_of_the_network_has_its_row(tmp_path, run_folder):
    details = json.loads(invoke("--class", "all", "--seeds", "0-2", "--json").stdout)
    assert details["settings"] == ["class 0", "class 1"]
    assert details["files"] == [
        str(run_folder / "generated" / "network-000001" / "classes-seeds0000-0002.png")
    ]


def test_layers_may_have_their_own_truncation_and_noise(tmp_path):
    def pixels(*options):
        invoke("--seeds", "3", "--class", "0", "--out", str(tmp_path), *options)
        return (tmp_path / "seed0003.png").read_bytes()

    assert pixels("--psi", "0.5", "--cutoff", "4") == pixels("--psi", "0.5")
    assert pixels("--psi", "0.5", "--cutoff", "0") == pixels("--psi", "1") != pixels("--psi", "0.5")
    assert pixels("--psi", "0.5", "--layer-psi", "0-3:1") == pixels("--psi", "1")
    assert pixels("--noise-layers", "none") == pixels("--noise", "none")


def test_a_page_to_browse_is_announced_and_the_draw_repeats(tmp_path):
    result = invoke("--browse", "4", "--seed", "2", "--class", "1")
    assert "Drawing 4 pictures with" in result.stderr
    file = result.stdout.strip().splitlines()[-1].removeprefix("Look at it: ")
    again = json.loads(invoke("--browse", "4", "--seed", "2", "--class", "1", "--json").stdout)
    assert again["files"] == [file]
    assert len(again["seeds"]) == 4
    assert max(again["seeds"]) > 2**24
