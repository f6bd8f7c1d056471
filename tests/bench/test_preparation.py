import os

import numpy as np
from PIL import Image

from adatune.bench.preparation import bench_preparation


def test_photos_are_prepared_elsewhere_and_nothing_is_left(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path / "home"))
    (tmp_path / "photos").mkdir()
    for seed in range(2):
        pixels = np.random.default_rng(seed).integers(0, 255, (64, 80, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(tmp_path / "photos" / f"{seed}.png")
    result = bench_preparation(tmp_path / "photos", 32, align="none")
    assert (result.found, result.kept, result.size) == (2, 2, 32)
    assert result.photos_per_second == 2 / result.seconds
    assert os.environ["ADATUNE_HOME"] == str(tmp_path / "home")
    assert not (tmp_path / "home").exists()
