"""The blend command from its options to its files."""

import json

import pytest
import torch
from click.testing import CliRunner

from adatune.checkpoints import save_network
from adatune.cli.blend import blend
from adatune.errors import UsageError
from adatune.networks import Generator, NetworkConfig

CONFIG = NetworkConfig(resolution=16, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    torch.manual_seed(0)
    parent = Generator(CONFIG)
    save_network("parent.safetensors", parent, metadata={"aspect": 1.25})
    for weight in parent.parameters():
        weight.data.add_(0.1 * torch.randn(weight.shape))
    save_network("child.safetensors", parent, metadata={"aspect": 1.25})
    save_network("stranger.safetensors", Generator(CONFIG))
    return tmp_path


def invoke(*arguments):
    result = CliRunner().invoke(blend, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def test_a_blend_is_written_and_says_what_to_do_with_it(home):
    result = invoke("parent.safetensors", "child.safetensors", "--at", "8")
    file = home / "blends" / "parent+child-8.safetensors"
    assert result.stdout == f"Make pictures with it: adatune generate {file}\n"
    assert file.is_file()
    assert "Warning" not in result.stderr


def test_a_sheet_alone_writes_no_network(home):
    details = json.loads(invoke("parent.safetensors", "child.safetensors", "--sheet", "--json").stdout)
    assert details["files"] == [str(home / "blends" / "parent+child-sheet.png")]
    assert [path.name for path in (home / "blends").iterdir()] == ["parent+child-sheet.png"]


def test_all_that_was_made_is_in_the_document_and_strangers_are_named():
    result = invoke("parent.safetensors", "stranger.safetensors", "--at", "4", "--sheet", "--seeds", "1",
                    "--out", "b.safetensors", "--smooth", "0.5", "--mapping", "high", "--json")  # fmt: skip
    details = json.loads(result.stdout)
    assert [details[name] for name in ("at", "smooth", "mapping")] == [4, 0.5, "high"]
    assert details["files"][0] == "b.safetensors"
    assert details["files"][1].endswith("parent+stranger-smooth0.5-mapping-high-sheet.png")
    assert "nothing in common" in details["warning"]
    assert "Warning: parent and stranger have nothing in common" in result.stderr


def test_without_a_place_to_join_them_the_sheet_is_named():
    with pytest.raises(UsageError, match="Look at --sheet first"):
        invoke("parent.safetensors", "child.safetensors")


def test_a_file_is_replaced_only_when_asked_to():
    for extra in ([], ["--replace"]):
        invoke("parent.safetensors", "child.safetensors", "--at", "8", *extra)
    with pytest.raises(UsageError, match="exists"):
        invoke("parent.safetensors", "child.safetensors", "--at", "4", "--out", "child.safetensors")


def test_options_of_other_tools_are_answered():
    with pytest.raises(UsageError, match="where the networks meet is --at"):
        CliRunner().invoke(blend, ["a", "b", "--split_res", "64"], catch_exceptions=False)
