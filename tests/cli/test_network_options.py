"""Options that commands share."""

import click
import pytest
import torch
from click.testing import CliRunner

from adatune.checkpoints import save_network
from adatune.cli.network_options import device_options, load_network, look_options, network_options
from adatune.errors import UsageError
from adatune.networks import Generator, NetworkConfig


@click.command()
@network_options
@look_options
@device_options
def command(**options):
    """Show what came in."""
    click.echo(repr(sorted(options.items())))


def given(*arguments):
    return CliRunner().invoke(command, arguments, catch_exceptions=False).output


def test_the_network_is_an_argument_an_option_or_the_newest_run():
    assert "('network', 'a.pkl')" in given("a.pkl")
    assert "('network', 'a.pkl')" in given("--network", "a.pkl")
    assert "('network', 'latest')" in given()
    assert "network_option" not in given()


def test_truncation_has_two_names_and_one_default():
    assert "('psi', 0.7)" in given()
    assert given("--psi", "0.5") == given("--trunc", "0.5") != given()


def test_the_help_is_that_of_the_command():
    assert "Show what came in." in given("--help")


def test_a_network_is_loaded_where_it_is_asked_for(tmp_path):
    torch.manual_seed(0)
    config = NetworkConfig(resolution=8, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)
    file = tmp_path / "a.safetensors"
    save_network(file, Generator(config), metadata={"aspect": 1.25})
    path, networks = load_network(str(file), "cpu")
    assert path == file
    assert networks.aspect == 1.25
    assert next(networks.G_ema.parameters()).device.type == "cpu"
    with pytest.raises(UsageError, match="There is no network 'b"):
        load_network("b.safetensors", "cpu")
