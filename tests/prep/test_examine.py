from pathlib import Path

from adatune.prep.config import PrepConfig
from adatune.prep.examine import examine
from adatune.prep.faces import FaceFinder

DATA = Path(__file__).parents[1] / "data"


def test_a_portrait_is_measured_and_cut_out() -> None:
    record, crop = examine(DATA, "astronaut.jpg", PrepConfig(size=64), FaceFinder())
    assert crop is not None
    assert crop.shape == (64, 64, 3)
    assert record.faces == 1
    assert abs(record.yaw) < 25
    assert record.has_crop
