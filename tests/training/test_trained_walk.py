"""A walk that trains: how far it moves whom, and its way to disk and back."""

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from adatune.augment.edits import NAMES
from adatune.networks import Generator
from adatune.training.config import TrainConfig
from adatune.training.trained_walk import TrainedWalk, reach_of

CONFIG = TrainConfig(
    data="none", resolution=8, z_dim=8, w_dim=8, mapping_layers=1, channel_base=64, channel_max=8,
    steer="color",
)  # fmt: skip


def test_about_every_other_picture_is_moved_either_way_up_to_the_reach() -> None:
    trained = TrainedWalk(CONFIG, Generator(CONFIG.network))
    draws = torch.rand(4000, 4, generator=torch.Generator().manual_seed(0))
    sliders = trained.sliders(draws)
    rests = (sliders == 0).all(dim=1)
    assert 0.45 < rests.float().mean() < 0.55
    assert sliders.min() == pytest.approx(-reach_of("color"), rel=0.01)
    assert sliders.max() == pytest.approx(reach_of("color"), rel=0.01)
    assert abs(float(sliders.mean())) < 0.01
    assert (trained.sliders(draws, are_all_moved=True) != 0).all()


@pytest.mark.parametrize("name", ["shiftx", "shifty"])
def test_shifts_are_by_whole_pixels(name: str) -> None:
    trained = TrainedWalk(replace(CONFIG, steer=name, resolution=64), Generator(CONFIG.network))
    draws = torch.rand(2000, 2, generator=torch.Generator().manual_seed(0))
    pixels = trained.edit.alphas_of(trained.sliders(draws, are_all_moved=True))
    assert sorted({round(x, 4) for x in pixels.flatten().tolist()}) == list(range(-12, 13))


@pytest.mark.parametrize("name", NAMES)
def test_every_edit_has_a_reach(name: str) -> None:
    assert 0 < reach_of(name) <= 1


def test_what_was_saved_goes_on_alike(tmp_path: Path) -> None:
    first, second = (TrainedWalk(CONFIG, Generator(CONFIG.network)) for _ in range(2))

    def step(trained: TrainedWalk, number: int) -> None:
        generator = torch.Generator().manual_seed(number)
        trained.optimizer.flat.gradients.copy_(
            torch.randn(len(trained.optimizer.flat.gradients), generator=generator)
        )
        trained.optimizer.step()

    step(first, 1)
    torch.save(first.state_dict(), tmp_path / "walk.pt")
    second.load_state_dict(torch.load(tmp_path / "walk.pt", weights_only=True))
    for trained in (first, second):
        step(trained, 2)
    assert torch.equal(first.walk.state_dict()["vectors"], second.walk.state_dict()["vectors"])
