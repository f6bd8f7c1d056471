import torch

from adatune.bench.config import BenchConfig, resolve
from adatune.bench.generation import bench_generation


def test_one_picture_and_a_batch_are_timed():
    setting = resolve(BenchConfig(resolution=8, channel_base=64, batch=3, repeats=2), "cpu")
    results = bench_generation(setting, torch.device("cpu"))
    assert [row.batch for row in results] == [1, 3]
    assert [row.times.repeats for row in results] == [2, 2]
    assert results[1].images_per_second == 3000 / results[1].times.median
