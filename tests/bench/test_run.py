import json

import pytest
import torch

from adatune.bench.config import BenchConfig
from adatune.bench.run import bench, count

SMALL = BenchConfig(
    subjects=("generation", "augmentation"),
    resolution=16,
    channel_base=128,
    batch=4,
    repeats=1,
    device="cpu",
    ops="torch",
)


def test_only_what_is_asked_for_is_measured_and_said():
    said = []
    result = bench(SMALL, said.append)
    assert said == ["Generation", "Augmentation"]
    assert (result.training, result.preparation) == (None, None)
    assert len(result.generation) == 2
    values = json.loads(json.dumps(result.as_json()))
    assert values["machine"]["torch"]
    assert values["setting"]["batch"] == 4
    assert values["augmentation"][0]["images_per_second"] > 0


def test_counts_are_plain_values_and_weighted_by_the_intervals():
    result = count(BenchConfig(resolution=16, channel_base=128, batch=4, ops="torch"))
    values = json.loads(json.dumps(result.as_json()))
    assert result.is_card
    assert values["phases"]["Gmain"]["bytes_moved"] == result.phases["Gmain"].bytes_moved
    launches = {name: counts.launches for name, counts in result.phases.items()}
    expected = launches["Gmain"] + launches["Greg"] / 4 + launches["Dmain"] + launches["Dreg"] / 16
    average = expected + launches["average"]
    assert result.average(lambda counts: counts.launches) == pytest.approx(average)
    assert sum(row[1] for row in result.largest(1000)) == pytest.approx(average)
    sizes = [size for _, _, size in result.largest(5)]
    assert sizes == sorted(sizes, reverse=True)


def test_counting_leaves_the_card_as_it_was():
    count(BenchConfig(resolution=8, channel_base=64, batch=2, ops="torch"))
    assert not torch.empty(1, device="meta").is_cuda
