"""What the tests of whole runs share."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def dataset(tmp_path: Path) -> Path:
    """Six pictures of noise, of crops that were 5:4."""
    folder = tmp_path / "datasets" / "spots"
    (folder / "images").mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(6):
        Image.fromarray(rng.integers(0, 255, (16, 16, 3), dtype=np.uint8)).save(
            folder / f"images/{index:08d}.png"
        )
    (folder / "dataset.json").write_text('{"labels": null}')
    (folder / "prep.json").write_text('{"aspect": 1.25}')
    return folder
