from pathlib import Path

import pytest
from PIL import Image

from adatune.prep.config import PrepConfig
from adatune.prep.store import Store
from adatune.prep.workers import default_workers, examine_all

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_processes_measures_the_same(tmp_path: Path, workers: int) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    portrait = Image.open(ASTRONAUT).convert("RGB").resize((170, 200))
    names = [f"{number:02d}.png" for number in range(16)]
    for number, name in enumerate(names):
        portrait.crop((number, 0, 170, 200)).save(photos / name)
    store = Store(tmp_path / "datasets" / "d")
    store.claim(photos)
    config = PrepConfig(size=16, workers=workers)
    found = dict(examine_all(photos, [(name[:2], name) for name in names], config, store.dataset))
    assert sorted(record.source for record in found.values()) == names
    assert all(store.read(key) == record for key, record in found.items())
    levels = [record.roll for _, record in sorted(found.items())]
    assert max(levels) - min(levels) < 3


def test_the_machine_can_hold_at_least_one_worker() -> None:
    assert default_workers() >= 1
