"""The dataset in the memory of the device."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from adatune.data.dataset import Dataset, open_dataset
from adatune.data.resident import ResidentImages, fits_on, resident_bytes
from adatune.errors import DatasetError

CPU = torch.device("cpu")


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    for index in range(21):  # more than one part of 8 pictures
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index:02d}.png")
    return open_dataset(tmp_path)


def load(dataset: Dataset, said: list[str]) -> ResidentImages:
    return ResidentImages(dataset, True, True, False, CPU, said.append)


def test_every_picture_comes_out_as_it_lies_on_disk(dataset: Dataset) -> None:
    images, labels = load(dataset, []).batch(np.arange(21))
    assert torch.equal(images, torch.as_tensor(dataset.read(range(21))).float() / 127.5 - 1)
    assert labels is None


def test_the_quarters_of_the_items_are_the_four_flips(dataset: Dataset) -> None:
    resident = load(dataset, [])
    plain, *flipped = (resident.batch(np.array([quarter * 21 + 5]))[0] for quarter in range(4))
    for image, dims in zip(flipped, ((3,), (2,), (2, 3)), strict=True):
        assert torch.equal(image, plain.flip(dims))


def test_loading_is_announced_with_its_size(dataset: Dataset) -> None:
    said: list[str] = []
    load(dataset, said)
    assert said == ["Loading 21 pictures into the memory of the device (0.00 GB)."]
    assert resident_bytes(dataset) == 21 * 3 * 16 * 16


def test_a_damaged_picture_is_named_while_loading(dataset: Dataset) -> None:
    path = dataset.path / "17.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DatasetError, match=r"17\.png"):
        load(dataset, [])


def test_only_a_card_with_memory_of_its_own_holds_the_dataset(dataset: Dataset) -> None:
    assert not fits_on(CPU, dataset)
    assert not fits_on(torch.device("mps"), dataset)
