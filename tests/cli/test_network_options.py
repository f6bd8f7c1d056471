"""Options that commands share."""

import click
import pytest
import torch
from click.testing import CliRunner

from adatune import kernels
from adatune.checkpoints import save_network
from adatune.cli.main import main
from adatune.cli.network_options import device_options, load_network, look_options, network_options
from adatune.errors import UsageError
from adatune.kernel_check import OF_NETWORKS
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


@click.command()
@network_options
@device_options
def load(network, device, as_json):
    """Load a network."""
    path, networks = load_network(network, device)
    device, precision = next(networks.G_ema.parameters()).device, networks.G_ema.synthesis.b8.precision
    click.echo(f"{path.name} {networks.aspect} {device} {precision}")


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "_checked", set(OF_NETWORKS))
    torch.manual_seed(0)
    config = NetworkConfig(resolution=8, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)
    save_network(tmp_path / "a.safetensors", Generator(config), metadata={"aspect": 1.25})
    yield str(tmp_path / "a.safetensors")
    kernels.set_ops("auto")


def loaded(*arguments):
    return CliRunner().invoke(load, [*arguments, "--device", "cpu"], catch_exceptions=False).output


def test_a_network_is_loaded_where_and_as_it_is_asked_for(file):
    assert loaded(file) == "a.safetensors 1.25 cpu auto\n"
    assert loaded(file, "--precision", "fp32") == "a.safetensors 1.25 cpu fp32\n"
    with pytest.raises(UsageError, match="There is no network 'b"):
        loaded("b.safetensors")


@pytest.mark.parametrize(("ops", "is_fused"), [("auto", False), ("torch", False), ("fused", True)])
def test_kernels_are_used_as_asked(file, ops, is_fused):
    loaded(file, "--ops", ops)
    assert kernels.may_fuse("epilogue", torch.zeros(1)) == is_fused


def test_a_command_without_these_options_computes_as_by_default(file):
    with click.Context(command):
        _, networks = load_network(file, "cpu")
    assert networks.G_ema.synthesis.b8.precision == "auto"


@pytest.mark.parametrize("command", ["generate", "mix", "video --seeds 1,2", "project a.jpg --network"])
def test_kernels_on_a_cpu_end_in_wrong_usage(command, file, capsys, monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET")
    with pytest.raises(SystemExit) as leaving:
        main([*command.split(), file, "--ops", "fused", "--device", "cpu"])
    assert leaving.value.code == 2
    assert "Error: --ops fused needs a CUDA card and the package triton" in capsys.readouterr().err
