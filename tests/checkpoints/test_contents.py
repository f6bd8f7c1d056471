import pytest
import torch

from adatune.checkpoints.contents import Contents, build_networks, checked_config
from adatune.errors import UnreadableNetwork
from adatune.networks import Generator, NetworkConfig

CONFIG = NetworkConfig(resolution=8, z_dim=8, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2)
CPU = torch.device("cpu")


def test_a_built_network_draws_what_the_original_draws():
    torch.manual_seed(0)
    original = Generator(CONFIG)
    built = build_networks(Contents(CONFIG, None, None, dict(original.state_dict())), CPU).G_ema
    z = torch.randn(2, 8)
    assert torch.equal(built(z, noise="const"), original(z, noise="const"))


def test_a_file_without_the_filter_gets_the_published_one():
    original = Generator(CONFIG)
    weights = {n: w for n, w in original.state_dict().items() if not n.endswith("resample_filter")}
    built = build_networks(Contents(CONFIG, None, None, weights), CPU).G_ema
    expected = torch.tensor([1.0, 3.0, 3.0, 1.0]).outer(torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
    assert torch.equal(built.synthesis.b8.resample_filter, expected)


@pytest.mark.parametrize("change", ["missing", "extra", "shape"])
def test_weights_that_do_not_fit_are_never_loaded_in_part(change):
    weights = dict(Generator(CONFIG).state_dict())
    if change == "missing":
        del weights["mapping.fc1.bias"]
    elif change == "extra":
        weights["mapping.fc2.bias"] = torch.zeros(8)
    else:
        weights["mapping.fc1.bias"] = torch.zeros(9)
    with pytest.raises(UnreadableNetwork, match=r"mapping\.fc[12]\.bias"):
        build_networks(Contents(CONFIG, None, None, weights), CPU)


def test_a_true_in_place_of_a_number_is_refused():
    with pytest.raises(UnreadableNetwork, match="c_dim"):
        checked_config({**CONFIG.to_dict(), "c_dim": True})


def test_a_config_survives_its_dictionary():
    assert checked_config(CONFIG.to_dict()) == CONFIG
