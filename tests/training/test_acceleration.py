"""How steps are taken on a device follows from the settings, and what cannot be used is said."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
import torch

from adatune import kernels
from adatune.errors import UsageError
from adatune.training.acceleration import prepare_device, step_taker
from adatune.training.config import TrainConfig
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState
from adatune.training.step import training_step

CPU = torch.device("cpu")
CONFIG = TrainConfig(
    data="none", resolution=16, z_dim=16, w_dim=16, mapping_layers=2, channel_base=512, channel_max=32,
    batch=4, micro_batch=4, augs="none", seed=3,
)  # fmt: skip


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    yield
    kernels.set_ops("auto")


def test_a_cpu_takes_plain_steps_with_plain_operations() -> None:
    prepare_device(CONFIG, CPU, pytest.fail)
    assert not kernels.may_fuse("epilogue", torch.zeros(1))
    assert step_taker(CONFIG, CPU, pytest.fail) is training_step


def test_what_the_settings_say_of_kernels_is_what_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRITON_INTERPRET")
    prepare_device(replace(CONFIG, ops="torch"), CPU, pytest.fail)
    with pytest.raises(UsageError, match="--ops fused needs a CUDA card"):
        prepare_device(replace(CONFIG, ops="fused"), CPU, pytest.fail)


def test_bfloat16_on_a_cpu_rounds_the_convolutions_and_nothing_that_is_kept() -> None:
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    states = []
    for precision in ("fp32", "bf16"):
        config = replace(CONFIG, precision=precision)
        prepare_device(config, CPU, pytest.fail)
        state = TrainingState(config, fresh_networks(config), None, CPU)
        step_taker(config, CPU, pytest.fail)(state, images, None)
        states.append(state)
    exact, rough = (state.statistics.means() for state in states)
    for name in ("loss_G", "loss_D", "r1", "path_length"):
        assert exact[name] != rough[name]
        assert rough[name] == pytest.approx(exact[name], rel=0.05), name
    kept = [*states[1].G.state_dict().values(), *states[1].D.state_dict().values()]
    assert all(value.dtype == torch.float32 for value in kept)
