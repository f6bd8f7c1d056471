"""Sheets of fakes and reals."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from adatune.data.dataset import open_dataset
from adatune.training.config import TrainConfig
from adatune.training.sample_grid import save_fakes, save_reals, sheet_size
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState


@pytest.mark.parametrize(("resolution", "expected"), [(32, (8, 8)), (512, (8, 8)), (1024, (4, 4))])
def test_sheets_stay_below_4096_pixels(resolution: int, expected: tuple[int, int]) -> None:
    assert sheet_size(resolution) == expected


CONFIG = TrainConfig(
    data="none",
    resolution=16,
    z_dim=8,
    w_dim=8,
    mapping_layers=1,
    channel_base=64,
    channel_max=8,
    batch=4,
    micro_batch=4,
)


def test_fakes_are_those_of_fixed_latents_with_the_aspect_undone(tmp_path: Path) -> None:
    state = TrainingState(CONFIG, fresh_networks(CONFIG), None, torch.device("cpu"))
    save_fakes(state, tmp_path / "first.jpg", 1.25)
    state.step += 100
    save_fakes(state, tmp_path / "second.jpg", 1.25)
    assert (tmp_path / "first.jpg").read_bytes() == (tmp_path / "second.jpg").read_bytes()
    with Image.open(tmp_path / "first.jpg") as sheet:
        assert sheet.size == (8 * 16, 8 * 20)
        tiles = np.asarray(sheet).reshape(8, 20, 8, 16, 3).swapaxes(1, 2).reshape(64, -1)
    assert len(np.unique(tiles, axis=0)) == 64


def test_reals_of_a_grey_dataset_are_shown_in_their_order(tmp_path: Path) -> None:
    folder = tmp_path / "grey"
    (folder / "images").mkdir(parents=True)
    for index in range(3):
        Image.new("L", (16, 16), index * 100).save(folder / "images" / f"{index}.png")
    save_reals(open_dataset(folder), tmp_path / "reals.jpg")
    with Image.open(tmp_path / "reals.jpg") as sheet:
        assert sheet.size == (48, 16)
        shades = [sheet.getpixel((16 * index + 8, 8)) for index in range(3)]
    assert shades == [(0, 0, 0), (100, 100, 100), (200, 200, 200)]
