"""The directions commands from their options to their files."""

import json
import shlex
from pathlib import Path

import click
import numpy as np
import pytest
import torch
from click.testing import CliRunner
from PIL import Image

from adatune.checkpoints import save_network
from adatune.cli.directions import directions
from adatune.errors import UsageError
from adatune.home import new_run_folder
from adatune.latent import direction_search
from adatune.networks import Generator, NetworkConfig

CONFIG = NetworkConfig(resolution=16, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(direction_search, "SAMPLES", 2000)
    torch.manual_seed(0)
    folder = new_run_folder("faces")
    (folder / "config.toml").touch()
    save_network(folder / "network-000001.safetensors", Generator(CONFIG), metadata={"aspect": 1.25})
    save_network("stranger.safetensors", Generator(CONFIG))
    return tmp_path


def invoke(*arguments):
    result = CliRunner().invoke(directions, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_from_finding_to_the_sheets_with_the_newest_run(home):
    said = invoke("find", "--count", "3").stdout
    name = "00000-faces-network-000001-sefa"
    assert f"Wrote {home / 'directions' / name}.safetensors." in said
    assert said.endswith(f"adatune directions sheet {name}\n")
    details = json.loads(invoke("sheet", name, "--steps", "3", "--count", "2", "--json").stdout)
    assert details["strengths"] == [-3, 0, 3]
    assert [row.split()[0] for row in details["rows"]] == ["0", "1"]
    assert details["warning"] is None
    (file,) = details["files"]
    expected = home / "runs" / "00000-faces" / "generated" / "network-000001"
    assert file == str(expected / f"directions-{name}-sheet-seed0000.png")
    assert Image.open(file).size[0] > 3 * 128
    said = invoke("apply", name, "--number", "2", "--seeds", "5", "--steps", "2", "--out", "here").stdout
    file = f"here/directions-{name}-2-seeds0005-0005.png"
    assert said == f"Look at it: {file}\n"
    Image.open(file).verify()


def test_an_empty_list_says_how_to_begin():
    assert "adatune directions find" in invoke("list").stdout
    assert json.loads(invoke("list", "--json").stdout) == []


def test_a_stranger_is_warned_of_and_a_name_is_not_taken_twice():
    invoke("find", "--name", "shape")
    result = invoke("apply", "shape", "stranger.safetensors", "--seeds", "1", "--steps", "2")
    assert "Warning: shape was found in 00000-faces/network-000001, which this network" in result.stderr
    with pytest.raises(UsageError, match="exists"):
        invoke("find", "--name", "shape")
    invoke("find", "--name", "shape", "--replace")


def test_portraits_stand_upright_unless_they_are_to_stay_square():
    invoke("find", "--name", "shape")
    sizes = []
    for extra in ([], ["--square"]):
        details = json.loads(invoke("apply", "shape", "--seeds", "1", "--json", *extra).stdout)
        sizes.append(np.asarray(Image.open(details["files"][0])).shape)
    assert sizes[0][0] - sizes[1][0] == 32
    assert sizes[0][1] == sizes[1][1]


def test_options_of_other_tools_are_answered():
    with pytest.raises(UsageError, match="--strength -3:3"):
        invoke("apply", "x", "--degree", "5")


def test_the_examples_of_the_readme_parse():
    lines = (Path(__file__).parents[2] / "README.md").read_text().splitlines()
    examples = [shlex.split(line)[2:] for line in lines if line.startswith("adatune directions ")]
    assert {example[0] for example in examples} == set(directions.commands)
    for name, *arguments in examples:
        directions.commands[name].make_context(name, arguments)


@pytest.mark.parametrize("name", directions.commands)
def test_each_command_has_an_example_that_parses_and_options_that_say_what_they_do(name):
    command = directions.commands[name]
    lines = [line.strip() for line in (command.help or "").splitlines()]
    examples = [line for line in lines if line.startswith(f"adatune directions {name}")]
    assert examples
    for example in examples:
        command.make_context(name, shlex.split(example)[3:])
    for parameter in command.params:
        assert not isinstance(parameter, click.Option) or parameter.help, parameter.name
