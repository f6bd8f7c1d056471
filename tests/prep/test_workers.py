from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from adatune.prep.config import PrepConfig
from adatune.prep.examine import Task
from adatune.prep.record import Record
from adatune.prep.sources import find_sources
from adatune.prep.store import Store
from adatune.prep.workers import default_workers, examine_all

DATA = Path(__file__).parents[1] / "data"


def portrait(shift: int = 0) -> Image.Image:
    return Image.open(DATA / "astronaut.jpg").convert("RGB").resize((170, 200)).crop((shift, 0, 170, 200))


def examined(photos: Path, config: PrepConfig, place: Path, every: int | None = None) -> dict[str, Record]:
    """The first face of each photo; whatever was kept is what was told."""
    store = Store(place / "datasets" / "d")
    store.claim(photos)
    tasks = [
        Task(f"{number:02d}", source, {}) for number, source in enumerate(find_sources(photos, every=every))
    ]
    found = {task.key: records for task, records in examine_all(tasks, config, store.dataset)}
    assert sorted(found) == [task.key for task in tasks]
    assert all(store.read(key) in (records, None) for key, records in found.items())
    return {task.source.name: found[task.key][0] for task in tasks}


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_processes_measures_the_same(tmp_path: Path, workers: int) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    names = [f"{number:02d}.png" for number in range(16)]
    for number, name in enumerate(names):
        portrait(number).save(photos / name)
    found = examined(photos, PrepConfig(size=16, workers=workers), tmp_path)
    assert list(found) == names
    assert [record.source for record in found.values()] == names
    levels = [record.roll for record in found.values()]
    assert max(levels) - min(levels) < 3


@pytest.mark.parametrize("count", [4, 20])
def test_a_photo_that_crashes_its_decoder_costs_itself_alone(tmp_path: Path, count: int) -> None:
    """One wrong byte, the type of the item that holds the EXIF data, makes pi-heif 1.4 end its process."""
    photos = tmp_path / "photos"
    photos.mkdir()
    damaged = bytearray((DATA / "ramp.heic").read_bytes())
    damaged[176] = 255
    (photos / "crash.heic").write_bytes(damaged)
    for number in range(count - 1):
        portrait(number).save(photos / f"{number:02d}.png")
    found = examined(photos, PrepConfig(size=16, workers=2), tmp_path)
    assert len(found) == count
    assert found.pop("crash.heic").problem == "unreadable"
    assert all(not record.problem for record in found.values())


def test_frames_of_a_video_are_examined_like_photos(tmp_path: Path) -> None:
    video = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"mp4v"), 25, (170, 200))
    for number in range(20):
        picture = np.asarray(portrait()) if number % 10 < 5 else np.zeros((200, 170, 3), np.uint8)
        writer.write(np.ascontiguousarray(picture[:, :, ::-1]))
    writer.release()
    expected = ["", "no-face", "", "no-face"]
    found = examined(video, PrepConfig(size=16), tmp_path / "few", every=5)
    assert [record.problem for record in found.values()] == expected
    assert list(found)[1] == "clip.mp4#000005"
    many = examined(video, PrepConfig(size=16, workers=2), tmp_path / "many", every=1)
    assert [many[name].problem for name in found] == expected
    assert abs(many["clip.mp4#000010"].roll - found["clip.mp4#000010"].roll) < 0.01


def test_a_video_that_promises_more_frames_than_it_has_says_so(tmp_path: Path) -> None:
    video = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(video), cv2.VideoWriter_fourcc(*"MJPG"), 25, (64, 48))
    for number in range(40):
        writer.write(np.full((48, 64, 3), number, np.uint8))
    writer.release()
    data = video.read_bytes()
    video.write_bytes(data[: len(data) * 2 // 3])
    found = list(examined(video, PrepConfig(size=16, align="none"), tmp_path, every=10).values())
    assert found[0].problem == ""
    assert found[-1].detail.startswith("the video ends before this frame")


def test_the_machine_can_hold_at_least_one_worker() -> None:
    assert default_workers() >= 1
