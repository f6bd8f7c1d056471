import pytest
import torch
from pickle_files import dump_named, named_network, named_tensor, persistent

import adatune
from adatune.errors import UnreadableNetwork
from adatune.networks import Discriminator, Generator, NetworkConfig

CONFIG = NetworkConfig(resolution=16, z_dim=8, w_dim=8, channel_base=128, channel_max=8, mapping_layers=2)
SIZES = {"z_dim": 8, "w_dim": 8, "c_dim": 0, "img_resolution": 16, "img_channels": 3}
MAPPING = {"mapping_kwargs": {"num_layers": 2}}
CHANNELS = {"channel_base": 128, "channel_max": 8}


@pytest.fixture
def generator():
    torch.manual_seed(0)
    return Generator(CONFIG)


def _same(ours, theirs):
    return all(
        torch.equal(a, b)
        for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True)
    )


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_options_at_the_top_level_have_the_defaults_of_the_later_code_base(protocol, generator, tmp_path):
    network = named_network(generator, SIZES | MAPPING | CHANNELS)
    model = adatune.load(dump_named({"G_ema": network}, tmp_path / "n.pkl", protocol))
    assert (model.config.num_fp16_res, model.config.conv_clamp) == (4, 256)
    assert (model.G, model.D) == (None, None)
    assert _same(model.G_ema, generator)


def test_nested_options_have_the_defaults_of_the_first_code_base(generator, tmp_path):
    network = named_network(generator, SIZES | MAPPING | {"synthesis_kwargs": CHANNELS})
    model = adatune.load(dump_named({"G_ema": network}, tmp_path / "n.pkl"))
    assert (model.config.num_fp16_res, model.config.conv_clamp) == (0, None)


def test_frozen_weights_that_are_buffers_are_read_as_weights(tmp_path):
    torch.manual_seed(0)
    G, D = Generator(CONFIG), Discriminator(CONFIG)
    d_options = {"c_dim": 0, "img_resolution": 16, "img_channels": 3, **CHANNELS}
    networks = {
        "G_ema": named_network(G, SIZES | MAPPING | CHANNELS),
        "D": named_network(D, d_options, group="_buffers"),
    }
    model = adatune.load(dump_named(networks, tmp_path / "n.pkl"))
    assert _same(model.D, D)
    assert sum(p.numel() for p in model.D.parameters()) == sum(p.numel() for p in D.parameters())


def test_the_strength_of_the_augmentation_is_read(generator, tmp_path):
    networks = {
        "G_ema": named_network(generator, SIZES | MAPPING | CHANNELS),
        "augment_pipe": persistent({"_buffers": {"p": named_tensor(torch.tensor(0.25))}}, "AugmentPipe"),
    }
    assert adatune.load(dump_named(networks, tmp_path / "n.pkl")).augment_p == 0.25


def test_networks_that_clamp_differently_are_refused(generator, tmp_path):
    d_options = {"img_resolution": 16, "conv_clamp": None, **CHANNELS}
    networks = {
        "G_ema": named_network(generator, SIZES | MAPPING | CHANNELS),
        "D": named_network(Discriminator(CONFIG), d_options),
    }
    with pytest.raises(UnreadableNetwork, match="clamps its generator and its discriminator differently"):
        adatune.load(dump_named(networks, tmp_path / "n.pkl"))


def test_a_network_with_another_activation_is_refused(generator, tmp_path):
    options = SIZES | {"mapping_kwargs": {"num_layers": 2, "activation": "relu"}} | CHANNELS
    with pytest.raises(UnreadableNetwork, match="uses another activation"):
        adatune.load(dump_named({"G_ema": named_network(generator, options)}, tmp_path / "n.pkl"))
