from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adatune.data.dataset import Dataset, open_dataset
from adatune.data.loader import Loader, batch_items, pass_order
from adatune.errors import DatasetError

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Settings:
    seed: int = 0
    mirror: bool = False
    mirror_y: bool = False
    cond: bool = False


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 300), st.integers(0, 60), st.integers(1, 25))
def test_a_batch_is_a_window_of_one_endless_sequence(
    seed: int, position: int, count: int, num_items: int
) -> None:
    passes = -(-(position + count) // num_items)
    sequence = np.concatenate([pass_order(seed, index, num_items) for index in range(passes)] + [np.zeros(0)])
    assert np.array_equal(
        batch_items(seed, position, count, num_items), sequence[position : position + count]
    )


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(0, 2**40), st.integers(1, 500))
def test_every_pass_shows_each_item_once(seed: int, pass_index: int, num_items: int) -> None:
    assert sorted(pass_order(seed, pass_index, num_items).tolist()) == list(range(num_items))


def test_passes_and_seeds_have_orders_of_their_own() -> None:
    orders = {tuple(pass_order(seed, index, 50)) for seed in (0, 1, 2**63) for index in range(4)}
    assert len(orders) == 12


def test_each_item_comes_at_each_place_equally_often() -> None:
    # 5 items, 20,000 passes: each of the 25 counts is binomial with mean 4000 and standard deviation 57.
    counts = np.zeros((5, 5))
    for index in range(20_000):
        counts[np.arange(5), pass_order(7, index, 5)] += 1
    assert abs(counts - 4000).max() < 5 * 57


def test_the_order_of_a_seed_never_changes() -> None:
    # Computed once with NumPy 2; a change would break the continuation of every older run.
    assert pass_order(3, 2, 12).tolist() == ORDER_OF_SEED_3_PASS_2


ORDER_OF_SEED_3_PASS_2 = [1, 4, 2, 8, 10, 5, 3, 6, 7, 9, 0, 11]


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    for index in range(5):
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / f"{index}.png")
    rows = ", ".join(f'["{i}.png", {i % 3}]' for i in range(5))
    (tmp_path / "dataset.json").write_text(f'{{"labels": [{rows}]}}')
    return open_dataset(tmp_path)


def serve(
    dataset: Dataset, settings: Settings, position: int, count: int
) -> tuple[torch.Tensor, torch.Tensor | None]:
    with Loader(dataset, settings, CPU) as loader:
        return loader.batch(position, count)


def test_pixels_lie_between_minus_one_and_one(dataset: Dataset) -> None:
    images, labels = serve(dataset, Settings(), 0, 5)
    expected = torch.as_tensor(dataset.read(batch_items(0, 0, 5, 5))).float() / 127.5 - 1
    assert images.dtype == torch.float32
    assert torch.equal(images, expected)
    assert images.min() >= -1
    assert images.max() <= 1
    assert labels is None


def test_a_loader_that_starts_in_the_middle_serves_what_the_first_would_have(dataset: Dataset) -> None:
    settings = Settings(seed=5, mirror=True)
    with Loader(dataset, settings, CPU) as first:
        served = [first.batch(position, 4)[0] for position in range(0, 40, 4)]
    with Loader(dataset, settings, CPU) as second:
        assert all(torch.equal(second.batch(p, 4)[0], served[p // 4]) for p in (20, 24, 36, 8))


@pytest.mark.parametrize(
    ("mirror", "mirror_y", "copies"), [(False, False, 1), (True, False, 2), (False, True, 2), (True, True, 4)]
)
def test_one_pass_shows_each_image_in_each_flip_once(
    dataset: Dataset, mirror: bool, mirror_y: bool, copies: int
) -> None:
    images, _ = serve(dataset, Settings(mirror=mirror, mirror_y=mirror_y), 0, 5 * copies)
    plain = torch.as_tensor(dataset.read(range(5))).float() / 127.5 - 1
    wanted = (
        [plain]
        + [plain.flip(3)] * mirror
        + [plain.flip(2)] * mirror_y
        + [plain.flip(2, 3)] * (mirror and mirror_y)
    )
    shown = sorted(tuple(image.flatten().tolist()) for image in images)
    assert shown == sorted(tuple(image.flatten().tolist()) for image in torch.cat(wanted))


def test_flipping_leaves_the_pictures_in_memory_as_they_are(dataset: Dataset) -> None:
    before = dataset.read(range(5))
    serve(dataset, Settings(mirror=True), 0, 10)
    assert np.array_equal(dataset.read(range(5)), before)


def test_labels_go_with_their_images(dataset: Dataset) -> None:
    _, labels = serve(dataset, Settings(mirror=True, cond=True), 3, 9)
    assert labels is not None
    assert labels.argmax(1).tolist() == [int(i) % 5 % 3 for i in batch_items(0, 3, 9, 10)]


def test_a_batch_larger_than_the_dataset_runs_over_several_passes(dataset: Dataset) -> None:
    assert len(serve(dataset, Settings(), 2, 23)[0]) == 23


def test_a_damaged_picture_stops_the_run_with_its_name(dataset: Dataset) -> None:
    path = dataset.path / "3.png"
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DatasetError, match=r"3\.png"):
        serve(dataset, Settings(), 0, 5)


@pytest.mark.parametrize(("mirror", "mirror_y"), [(False, False), (True, False), (False, True), (True, True)])
def test_batches_from_the_device_are_those_from_the_main_memory(
    dataset: Dataset, mirror: bool, mirror_y: bool
) -> None:
    settings = Settings(seed=9, mirror=mirror, mirror_y=mirror_y, cond=True)
    own = slice(mirror, None, 2)
    with Loader(dataset, settings, CPU, own) as host, Loader(dataset, settings, CPU, own) as resident:
        resident.move_to_device(lambda words: None)
        for position, count in ((0, 4), (4, 4), (8, 7), (3, 23)):
            (images, labels), (same_images, same_labels) = (
                x.batch(position, count) for x in (host, resident)
            )
            assert labels is not None and same_labels is not None  # noqa: PT018
            assert torch.equal(images, same_images)
            assert torch.equal(labels, same_labels)
