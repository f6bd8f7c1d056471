import torch

from adatune.bench.augmentation import bench_augmentation
from adatune.bench.config import BenchConfig, resolve

CPU = torch.device("cpu")


def test_each_depth_of_differentiation_is_timed():
    setting = resolve(BenchConfig(resolution=16, batch=2, repeats=1), "cpu")
    results = bench_augmentation(setting, CPU)
    assert [row.name for row in results] == ["forward", "first derivative", "second derivative"]
    assert all(row.images_per_second == 2000 / row.times.median for row in results)


def test_without_augmentation_there_is_nothing_to_time():
    assert bench_augmentation(resolve(BenchConfig(augs="none"), "cpu"), CPU) == []
