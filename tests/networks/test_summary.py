import pytest

from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.networks.summary import summarize_discriminator, summarize_generator

CONFIGS = [
    NetworkConfig(resolution=32, z_dim=16, w_dim=16, channel_base=256, channel_max=16, c_dim=3),
    NetworkConfig(
        resolution=16, channel_base=256, channel_max=16, g_architecture="resnet", d_architecture="skip"
    ),
    NetworkConfig(
        resolution=16, channel_base=256, channel_max=16, g_architecture="orig", d_architecture="orig"
    ),
]


def test_the_published_512_networks_have_the_published_numbers_of_parameters():
    G, D = summarize_generator(NetworkConfig()), summarize_discriminator(NetworkConfig())
    assert (G.parameters, D.parameters) == (30_276_583, 28_982_849)
    rows = {row.name: row.parameters for row in (*G.rows, *D.rows)}
    expected = {
        "synthesis.b4.conv1": 2_622_465,
        "synthesis.b4.torgb": 264_195,
        "synthesis.b512.conv0": 139_457,
        "synthesis.b512.conv1": 69_761,
        "synthesis.b512.torgb": 33_027,
        "b512.fromrgb": 256,
        "b512.conv0": 36_928,
        "b512.conv1": 73_856,
        "b512.skip": 8_192,
        "b4.conv": 2_364_416,
        "b4.fc": 4_194_816,
        "b4.out": 513,
    }
    assert {name: rows[name] for name in expected} == expected


@pytest.mark.parametrize("config", CONFIGS)
def test_every_parameter_and_buffer_is_counted_once(config):
    for network, summary in (
        (Generator(config), summarize_generator(config)),
        (Discriminator(config), summarize_discriminator(config)),
    ):
        assert summary.parameters == sum(p.numel() for p in network.parameters())
        assert summary.buffers == sum(b.numel() for b in network.buffers())


def test_the_four_highest_resolutions_are_half_precision_on_a_gpu():
    rows = summarize_generator(NetworkConfig()).rows
    half = {row.name.split(".")[1] for row in rows if row.dtype == "float16"}
    assert half == {"b64", "b128", "b256", "b512"}
