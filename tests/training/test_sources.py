"""The networks that a run starts from."""

from pathlib import Path

import pytest
import torch

from adatune.checkpoints import save_network
from adatune.errors import RunError
from adatune.networks import Discriminator, Generator
from adatune.training.config import TrainConfig
from adatune.training.sources import fresh_networks, starting_networks

CONFIG = TrainConfig(
    data="none",
    resolution=8,
    z_dim=8,
    w_dim=8,
    mapping_layers=1,
    channel_base=64,
    channel_max=8,
    batch=4,
    micro_batch=4,
)


def save_source(
    path: Path, with_discriminator: bool = True, config: TrainConfig = CONFIG
) -> tuple[Generator, Discriminator]:
    torch.manual_seed(11)
    G_ema, D = Generator(config.network), Discriminator(config.network)
    save_network(path, G_ema, D=D if with_discriminator else None, config=config.network, metadata={})
    return G_ema, D


def equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    return all(
        torch.equal(x, y) for x, y in zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    )


def test_fresh_networks_follow_the_seed_and_leave_torch_alone() -> None:
    torch.manual_seed(1)
    before = torch.random.get_rng_state()
    first, second = fresh_networks(CONFIG), fresh_networks(CONFIG)
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(equal(a, b) for a, b in zip(first, second, strict=True))
    assert equal(first[0], first[2])


def test_all_three_networks_come_from_the_source(tmp_path: Path) -> None:
    path = tmp_path / "source.safetensors"
    G_ema, D = save_source(path)
    config = TrainConfig(**{**CONFIG.__dict__, "resume": str(path), "mbstd_group": 2})
    networks = starting_networks(config)
    assert equal(networks[0], G_ema)
    assert equal(networks[1], D)
    assert equal(networks[2], G_ema)
    assert networks[1].b4.mbstd_group == 2


def test_a_source_without_discriminator_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "light.safetensors"
    save_source(path, with_discriminator=False)
    with pytest.raises(RunError, match="holds no discriminator"):
        starting_networks(TrainConfig(**{**CONFIG.__dict__, "resume": str(path)}))


def test_a_source_of_another_architecture_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    save_source(path, config=TrainConfig(**{**CONFIG.__dict__, "w_dim": 4}))
    with pytest.raises(RunError, match="not of the architecture"):
        starting_networks(TrainConfig(**{**CONFIG.__dict__, "resume": str(path)}))
