from functools import partial
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.prep.config import PrepConfig
from adatune.prep.examine import Examined, examine
from adatune.prep.faces import FaceFinder
from adatune.prep.photos import open_photo
from adatune.prep.review import Box
from adatune.prep.sources import Source

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"  # public domain (NASA)
SMALL = PrepConfig(size=64)


@pytest.fixture(scope="module")
def finder() -> FaceFinder:
    return FaceFinder()


def _examine(
    path: Path, finder: FaceFinder, config: PrepConfig = SMALL, boxes: dict[int, Box] | None = None
) -> list[Examined]:
    return examine(path.name, partial(open_photo, Source(path.name, path)), config, finder, boxes)


def test_a_portrait_is_measured_and_cut_out(finder: FaceFinder) -> None:
    ((record, crop),) = _examine(ASTRONAUT, finder)
    assert crop is not None
    assert crop.shape == (64, 64, 3)
    assert record.has_crop
    assert (record.faces, record.face, record.turn) == (1, 0, 0)
    assert abs(record.yaw) < 25
    assert record.upscale == pytest.approx(64 / (4 * record.eye_px), rel=1e-3)


def test_a_photo_decoded_small_gives_nearly_the_crop_of_one_decoded_whole(
    tmp_path: Path, finder: FaceFinder
) -> None:
    large = Image.open(ASTRONAUT).convert("RGB").resize((3200, 3840), Image.Resampling.BICUBIC)
    large.save(tmp_path / "a.jpg", quality=95)
    large.save(tmp_path / "a.png", compress_level=1)
    ((small, reduced),) = _examine(tmp_path / "a.jpg", finder)
    ((whole, full),) = _examine(tmp_path / "a.png", finder)
    assert reduced is not None
    assert full is not None
    assert np.abs(np.asarray(small.corners) - np.asarray(whole.corners)).max() < 0.01 * 4 * whole.eye_px
    assert np.abs(reduced.astype(float) - full).mean() < 3


def test_all_faces_of_a_photo_are_numbered_from_the_largest(tmp_path: Path, finder: FaceFinder) -> None:
    portrait = Image.open(ASTRONAUT).convert("RGB")
    pair = Image.new("RGB", (portrait.width * 2, portrait.height), "grey")
    pair.paste(portrait.resize((portrait.width * 3 // 4, portrait.height * 3 // 4)), (0, 0))
    pair.paste(portrait, (portrait.width, 0))
    pair.save(tmp_path / "pair.png")
    found = _examine(tmp_path / "pair.png", finder, PrepConfig(size=64, faces="all"))
    assert [record.face for record, _ in found] == [0, 1]
    assert found[0][0].eye_px == pytest.approx(found[1][0].eye_px * 4 / 3, rel=0.05)
    assert min(x for x, _ in found[0][0].corners) > portrait.width * 0.8
    ((only, _),) = _examine(tmp_path / "pair.png", finder)
    assert (only.faces, only.face) == (2, 0)


def test_a_box_by_hand_replaces_the_face_and_works_without_one(tmp_path: Path, finder: FaceFinder) -> None:
    Image.effect_noise((300, 200), 60).convert("RGB").save(tmp_path / "noise.png")
    ((nothing, crop),) = _examine(tmp_path / "noise.png", finder)
    assert (nothing.problem, crop, nothing.has_crop) == ("no-face", None, False)
    box = Box(40, 20, 80, 100)
    ((by_hand, crop),) = _examine(tmp_path / "noise.png", finder, boxes={0: box})
    assert crop is not None
    assert by_hand.box_by_hand
    assert by_hand.corners == ((40, 20), (120, 20), (120, 120), (40, 120))


def test_a_prepared_picture_passes_untouched(tmp_path: Path, finder: FaceFinder) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "square.png")
    ((record, crop),) = _examine(tmp_path / "square.png", finder, PrepConfig(size=64, align="none"))
    assert record.upscale == 1
    np.testing.assert_array_equal(crop, pixels)


def test_what_cannot_be_read_has_its_reason(tmp_path: Path, finder: FaceFinder) -> None:
    (tmp_path / "cut.jpg").write_bytes(ASTRONAUT.read_bytes()[:3000])
    ((record, crop),) = _examine(tmp_path / "cut.jpg", finder)
    assert (record.problem, crop) == ("unreadable", None)
    assert record.detail
