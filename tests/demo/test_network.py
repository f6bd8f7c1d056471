import numpy as np
import torch
from safetensors import safe_open

from adatune.checkpoints import load
from adatune.demo.network import DEMO32, demo_training, make_demo_network, repository_network_file
from adatune.networks import Discriminator, Generator


def count(network):
    return sum(parameter.numel() for parameter in network.parameters())


def test_both_networks_have_about_260_thousand_parameters():
    assert count(Generator(DEMO32)) == 263_987
    assert count(Discriminator(DEMO32)) == 288_993


def test_the_training_from_scratch_uses_no_source_and_no_augmentation(tmp_path):
    config = demo_training(tmp_path)
    assert (config.resume, config.augs) == ("", "none")
    assert config.network == DEMO32


def test_a_short_training_writes_three_networks_and_goes_on_when_called_again(tmp_path):
    output = tmp_path / "small.safetensors"
    make_demo_network(output, tmp_path / "work", faces=24, length_kimg=0.032)
    first = load(output)
    make_demo_network(output, tmp_path / "work", faces=24, length_kimg=0.064)
    second = load(output)

    assert (first.metadata["kimg"], second.metadata["kimg"]) == (0.032, 0.064)
    assert "no photo" in second.metadata["source"].lower()
    assert second.aspect == 1.25
    assert not torch.equal(first.G.synthesis.b4.const, second.G.synthesis.b4.const)
    assert not torch.equal(second.G.synthesis.b4.const, second.G_ema.synthesis.b4.const)
    assert second.D is not None


def test_the_network_that_ships_is_small_and_says_how_it_was_made():
    path = repository_network_file()
    assert path.stat().st_size < 4_000_000
    with safe_open(path, framework="np") as file:
        assert set(file.metadata()) == {"adatune"}
    network = load(path)
    assert network.config == DEMO32
    assert "drawn" in network.metadata["source"]
    assert network.metadata["kimg"] > 50


def test_the_network_that_ships_draws_different_faces():
    network = load("demo32")
    latents = torch.from_numpy(np.stack([np.random.RandomState(seed).randn(64) for seed in range(8)]))
    with torch.no_grad():
        images = network.G_ema(latents.float(), noise="const")
    assert images.shape == (8, 3, 32, 32)
    assert images.std(dim=0).mean() > 0.1  # of [-1, 1]
