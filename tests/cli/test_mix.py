"""The mix command from its options to its sheet."""

import json

import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from adatune.checkpoints import save_network
from adatune.cli.mix import mix
from adatune.errors import UsageError
from adatune.home import new_run_folder
from adatune.networks import Generator, NetworkConfig


@pytest.fixture(autouse=True)
def run_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    config = NetworkConfig(
        resolution=16, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1, c_dim=2
    )
    torch.manual_seed(0)
    folder = new_run_folder("faces")
    (folder / "config.toml").touch()
    save_network(folder / "network-000001.safetensors", Generator(config), metadata={"aspect": 1.25})
    return folder


def invoke(*arguments):
    result = CliRunner().invoke(mix, [*arguments, "--class", "1"], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_without_options_four_seeds_are_crossed_with_six_of_the_newest_run(run_folder):
    details = json.loads(invoke("--json").stdout)
    assert details["rows"] == [0, 1, 2, 3]
    assert details["cols"] == [4, 5, 6, 7, 8, 9]
    assert details["layers"] == [0, 1, 2]
    (file,) = details["files"]
    folder = run_folder / "generated" / "network-000001"
    assert file == str(folder / "mix-coarse-rows0000-0003-cols0004-0009.png")
    assert [path.name for path in folder.iterdir()] == ["mix-coarse-rows0000-0003-cols0004-0009.png"]


def test_the_sheet_shows_portraits_upright_unless_they_are_to_stay_square(tmp_path):
    upright = invoke("--rows", "0", "--cols", "1", "--out", str(tmp_path / "a"), "--separate")
    invoke("--rows", "0", "--cols", "1", "--out", str(tmp_path / "b"), "--separate", "--square")
    name = "mix-coarse-rows0000-0000-cols0001-0001"
    assert Image.open(tmp_path / "a" / name / "0000-0001.png").size == (16, 20)
    assert Image.open(tmp_path / "b" / name / "0000-0001.png").size == (16, 16)
    assert upright.stdout == f"Look at it: {tmp_path / 'a' / name}.png\n"


def test_layers_are_named_in_the_file_and_noise_has_its_seed(tmp_path):
    for seed in ("0", "1"):
        invoke("--layers", "1-5", "--rows", "3", "--cols", "2", "--noise", "random", "--noise-seed", seed,
               "--out", str(tmp_path / seed))  # fmt: skip
        assert (tmp_path / seed / "mix-layers1-5-rows0003-0003-cols0002-0002.png").is_file()


def test_options_of_other_tools_are_answered():
    for option, words in (
        ("--styles", "--layers 0-6"),
        ("--outdir", "--out"),
        ("--seeds", "--rows and --cols"),
    ):
        with pytest.raises(UsageError, match=words):
            CliRunner().invoke(mix, [option, "0-6"], catch_exceptions=False)
