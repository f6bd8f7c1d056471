"""What `adatune steer` is asked for: what is refused, and when; the rest is tested with the command."""

from pathlib import Path

import pytest
import torch
from PIL import Image

from adatune.checkpoints import LoadedNetworks
from adatune.errors import DatasetError, UsageError
from adatune.latent.sliders import SliderConfig, make_slider
from adatune.networks import Discriminator, Generator, NetworkConfig

NETWORK = NetworkConfig(resolution=16, z_dim=8, w_dim=8, channel_base=64, channel_max=8, mapping_layers=1)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    return tmp_path


def networks():
    torch.manual_seed(3)
    generator = Generator(NETWORK).eval().requires_grad_(requires_grad=False)
    discriminator = Discriminator(NETWORK).eval().requires_grad_(requires_grad=False)
    return LoadedNetworks(NETWORK, None, discriminator, generator, None, 1.0, {})


def passed(items, count, verb="", noun=""):
    return iter(items)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"steps": 3, "samples": 9}, "say the same thing"),
        ({"lr": 0.0}, "--lr 0.0 must be above 0"),
        ({"lr": float("nan")}, "--lr nan must be above 0"),
        ({"edit": "own"}, "takes both"),
        ({"edit_file": "mine.py:f"}, "takes both"),
        ({"seeds": "x"}, "--seeds"),
        ({"psi": float("nan")}, "--psi"),
        ({"limit_samples": 1}, "--limit-samples"),
    ],
    ids=str,
)
def test_slips_are_told_before_there_is_a_network(asked, words):
    with pytest.raises(UsageError, match=words):
        SliderConfig(**{"edit": "zoom", **asked})


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"edit": "zoom", "label": 2}, "--class 2"),
        ({"edit": "color", "nonlinear": True}, "one slider"),
        ({"edit": "zoom", "alphas": "1"}, "--alphas"),
        ({"edit": "zoom", "name": ""}, "name"),
        ({"edit": "zoom", "use": True}, "no walk"),
    ],
    ids=str,
)
def test_what_does_not_fit_the_network_is_refused_before_anything_is_learned(asked, words, home):
    with pytest.raises(UsageError, match=words):
        make_slider(SliderConfig(**asked), Path("net.safetensors"), networks(), pytest.fail, passed)
    assert list(home.iterdir()) == []


def test_a_dataset_without_a_spread_is_refused_before_anything_is_learned(home):
    (home / "one").mkdir()
    Image.new("RGB", (16, 16)).save(home / "one" / "0.png")
    config = SliderConfig("zoom", data=str(home / "one"))
    with pytest.raises(DatasetError, match="holds one picture"):
        make_slider(config, Path("net.safetensors"), networks(), pytest.fail, passed)
    assert [path.name for path in home.iterdir()] == ["one"]


def test_samples_are_steps_of_the_batch_that_the_edit_has(home):
    said = []
    config = SliderConfig("brightness", samples=20, has_limits=False, out=home / "out")
    made = make_slider(config, home / "net.safetensors", networks(), said.append, passed)
    assert "3 steps of 8 pictures, loss l2" in said[0]
    assert (made.name, made.space, made.limits) == ("brightness-w+", "w+", [])
    assert all(file.is_file() for file in made.files)
    assert made.directions is not None
