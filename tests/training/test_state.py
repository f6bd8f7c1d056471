"""What a run remembers, and its way to disk and back."""

import errno
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adatune.errors import RunError
from adatune.training.config import TrainConfig
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState, load_state, save_state, write_state
from adatune.training.step import training_step

CONFIG = TrainConfig(
    data="none", resolution=8, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8, batch=4,
    micro_batch=4, seed=5,
)  # fmt: skip


def new_state(config: TrainConfig = CONFIG) -> TrainingState:
    return TrainingState(config, fresh_networks(config), None, torch.device("cpu"))


def train(state: TrainingState, steps: int) -> None:
    for _ in range(steps):
        generator = torch.Generator().manual_seed(state.images_shown)
        training_step(state, torch.rand(4, 3, 8, 8, generator=generator) * 2 - 1, None)


def flat(value: object, name: str = "") -> dict[str, object]:
    if isinstance(value, dict):
        return {k: v for key, item in value.items() for k, v in flat(item, f"{name}.{key}").items()}
    if isinstance(value, list):
        return {k: v for index, item in enumerate(value) for k, v in flat(item, f"{name}.{index}").items()}
    return {name: value}


@pytest.mark.parametrize("steer", ["", "zoom"])
def test_a_continued_state_equals_the_unbroken_one_bit_for_bit(tmp_path: Path, steer: str) -> None:
    unbroken, first, second = (new_state(replace(CONFIG, steer=steer)) for _ in range(3))
    train(unbroken, 7)
    train(first, 3)
    save_state(first.state_dict(), tmp_path / "state.pt")
    load_state(second, tmp_path / "state.pt")
    train(second, 4)

    expected, found = flat(unbroken.state_dict()), flat(second.state_dict())
    assert expected.keys() == found.keys()
    for name, value in expected.items():
        same = torch.equal(value, found[name]) if isinstance(value, torch.Tensor) else value == found[name]
        assert same, name


def test_the_file_holds_data_only(tmp_path: Path) -> None:
    save_state(new_state().state_dict(), tmp_path / "state.pt")
    saved = torch.load(tmp_path / "state.pt", weights_only=True)
    assert {
        "G",
        "D",
        "G_ema",
        "generator_optimizer",
        "discriminator_optimizer",
        "strength",
        "path_length_mean",
    } <= set(saved)


def test_a_full_disk_is_an_error_that_says_so() -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011
        write_state(new_state().state_dict(), Path("/dev/full"))
    assert caught.value.errno == errno.ENOSPC


def test_p_reaches_the_pipe_again(tmp_path: Path) -> None:
    state = new_state(replace(CONFIG, initial_p=0.25))
    save_state(state.state_dict(), tmp_path / "state.pt")
    again = new_state()
    load_state(again, tmp_path / "state.pt")
    assert again.p == 0.25
    assert again.augment_pipe is not None
    assert again.augment_pipe.p.item() == 0.25


@pytest.mark.parametrize("damage", ["missing", "truncated", "empty", "text", "other network"])
def test_a_file_that_cannot_be_continued_from_is_refused(tmp_path: Path, damage: str) -> None:
    path = tmp_path / "state.pt"
    other = new_state(replace(CONFIG, channel_max=4) if damage == "other network" else CONFIG)
    save_state(other.state_dict(), path)
    content = path.read_bytes()
    match damage:
        case "missing":
            path.unlink()
        case "truncated":
            path.write_bytes(content[: len(content) // 2])
        case "empty":
            path.write_bytes(b"")
        case "text":
            path.write_text("<html>not found</html>")
    with pytest.raises(RunError, match=r"state\.pt"):
        load_state(new_state(), path)


@pytest.mark.parametrize(("logit", "moves"), [(3.0, 1), (-3.0, -1)])
def test_p_rises_when_the_discriminator_overfits_and_falls_when_it_underfits(
    logit: float, moves: int
) -> None:
    state = new_state(replace(CONFIG, initial_p=0.5, ada_kimg=100))
    for _ in range(4):
        state.observe_reals(torch.full([4, 1], logit))
    state.adjust_strength()
    assert state.p == pytest.approx(0.5 + moves * 4 * 4 / 100_000, abs=1e-12)


def test_a_fixed_strength_stays() -> None:
    state = new_state(replace(CONFIG, aug_p=0.3))
    state.observe_reals(torch.ones(4, 1))
    state.adjust_strength()
    assert state.p == 0.3


def test_freeze_g_switches_path_lengths_off() -> None:
    assert new_state().has_path_length
    assert not new_state(replace(CONFIG, freeze_g=1)).has_path_length
