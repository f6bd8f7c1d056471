"""Freeze-D, Freeze-G, Freeze-M: which parameters stay trainable."""

import pytest
import torch

from adatune.errors import UsageError
from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.training.freeze import discriminator_layers, trainable_discriminator, trainable_generator

CONFIG = NetworkConfig(
    resolution=32, z_dim=8, w_dim=8, mapping_layers=3, channel_base=64, channel_max=8, c_dim=2
)


@pytest.fixture(scope="module")
def networks() -> tuple[Generator, Discriminator]:
    with torch.device("meta"):
        return Generator(CONFIG), Discriminator(CONFIG)


def test_layers_count_from_the_image_side() -> None:
    assert discriminator_layers(NetworkConfig(resolution=16)) == [
        "b16.fromrgb", "b16.conv0", "b16.conv1", "b16.skip", "b8.conv0", "b8.conv1", "b8.skip",
    ]  # fmt: skip


@pytest.mark.parametrize(("count", "blocks"), [(4, ["b32"]), (7, ["b32", "b16"]), (10, ["b32", "b16", "b8"])])
def test_4_7_and_10_layers_are_one_to_three_whole_blocks(
    networks: tuple[Generator, Discriminator], count: int, blocks: list[str]
) -> None:
    trainable = trainable_discriminator(networks[1], count)
    assert {name.split(".")[0] for name in trainable} == {"b32", "b16", "b8", "b4", "mapping"} - set(blocks)


def test_the_4x4_end_never_freezes(networks: tuple[Generator, Discriminator]) -> None:
    with pytest.raises(UsageError, match="--freezed 11 is too many"):
        trainable_discriminator(networks[1], 11)


def test_freeze_g_holds_mapping_constant_and_the_lowest_blocks(
    networks: tuple[Generator, Discriminator],
) -> None:
    trainable = trainable_generator(networks[0], 2, 0)
    assert {".".join(name.split(".")[:2]) for name in trainable} == {"synthesis.b16", "synthesis.b32"}


def test_freeze_m_holds_the_first_mapping_layers_and_the_embedding(
    networks: tuple[Generator, Discriminator],
) -> None:
    everything = set(trainable_generator(networks[0], 0, 0))
    held = everything - set(trainable_generator(networks[0], 0, 2))
    assert held == {
        f"mapping.{layer}.{kind}" for layer in ("fc0", "fc1", "embed") for kind in ("weight", "bias")
    }


@pytest.mark.parametrize(("freeze_g", "freeze_m"), [(5, 0), (0, 4)])
def test_more_than_there_is_is_refused(
    networks: tuple[Generator, Discriminator], freeze_g: int, freeze_m: int
) -> None:
    with pytest.raises(UsageError, match="too many"):
        trainable_generator(networks[0], freeze_g, freeze_m)
