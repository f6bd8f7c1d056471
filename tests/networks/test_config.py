"""The architecture record."""

from dataclasses import FrozenInstanceError

import pytest

from adatune.networks import NetworkConfig


def test_the_defaults_are_the_published_512_network():
    config = NetworkConfig()
    assert config.resolutions == [4, 8, 16, 32, 64, 128, 256, 512]
    assert config.num_ws == 16
    assert [config.feature_maps(r) for r in (4, 64, 128, 256, 512)] == [512, 512, 256, 128, 64]


def test_half_precision_is_the_top_four_resolutions_and_never_4x4():
    assert [r for r in NetworkConfig().resolutions if NetworkConfig().is_fp16(r)] == [64, 128, 256, 512]
    small = NetworkConfig(resolution=16)
    assert [r for r in small.resolutions if small.is_fp16(r)] == [8, 16]
    none = NetworkConfig(num_fp16_res=0)
    assert not any(none.is_fp16(r) for r in none.resolutions)


@pytest.mark.parametrize("resolution", [0, 2, 48, 2048])
def test_a_resolution_that_is_no_power_of_two_from_4_to_1024_is_refused(resolution):
    with pytest.raises(ValueError, match=f"resolution is {resolution}"):
        NetworkConfig(resolution=resolution)


def test_an_unknown_architecture_and_an_empty_width_are_refused_by_name():
    with pytest.raises(ValueError, match="g_architecture is 'unet'"):
        NetworkConfig(g_architecture="unet")
    with pytest.raises(ValueError, match="w_dim is 0"):
        NetworkConfig(w_dim=0)


def test_it_cannot_be_changed_and_survives_a_dictionary():
    config = NetworkConfig(resolution=64, c_dim=3)
    with pytest.raises(FrozenInstanceError):
        config.c_dim = 4
    assert NetworkConfig(**config.to_dict()) == config
