import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from adatune import home as home_module
from adatune.data.dataset import open_dataset
from adatune.errors import AdatuneError, DatasetError, FolderInUse, PhotosError, UsageError
from adatune.folder_lock import locked
from adatune.prep.config import PrepConfig
from adatune.prep.prepare import PrepProgress, PrepResult, prep, prepare

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"  # public domain (NASA)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "my photos"
    (folder / "sub").mkdir(parents=True)
    portrait = Image.open(ASTRONAUT).convert("RGB")
    portrait.save(folder / "a.png")
    portrait.rotate(10, Image.Resampling.BICUBIC).crop((60, 30, 290, 300)).save(folder / "sub" / "b\n写.png")
    portrait.resize((255, 300)).save(folder / "smaller copy.jpg")
    portrait.filter(ImageFilter.GaussianBlur(9)).save(folder / "soft.png")
    covered = portrait.copy()
    ImageDraw.Draw(covered).rectangle((120, 120, 220, 190), fill="black")
    covered.save(folder / "covered.png")
    Image.effect_noise((200, 200), 60).convert("RGB").save(folder / "noise.png")
    (folder / "empty.jpg").touch()
    return folder


def _rows(result: PrepResult) -> dict[str, dict[str, str]]:
    with (result.dataset / "manifest.csv").open(newline="", encoding="utf-8") as file:
        return {row["source"]: row for row in csv.DictReader(file)}


def _state(folder: Path) -> dict[str, tuple[int, bytes]]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(folder)): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


def test_each_photo_gets_its_row_and_the_right_reason(photos: Path) -> None:
    before = _state(photos)
    result = prep(photos, size=64)
    rows = _rows(result)
    reasons = {source: row["reason"] for source, row in rows.items()}
    assert reasons.pop("covered.png") in {"occluded", "no-face"}
    assert reasons.pop("soft.png") in {"blurred", "no-face"}
    assert reasons == {
        "a.png": "",
        "sub/b\n写.png": "",
        "smaller copy.jpg": "duplicate",
        "noise.png": "no-face",
        "empty.jpg": "unreadable",
    }
    assert [rows[name]["output"] for name in ("a.png", "sub/b\n写.png")] == [
        "images/00000000.png",
        "images/00000001.png",
    ]
    assert (result.name, result.found, result.kept) == ("my-photos", 7, 2)
    assert json.loads((result.dataset / "dataset.json").read_text()) == {"labels": None}
    described = json.loads((result.dataset / "prep.json").read_text())
    assert (described["aspect"], described["size"], described["mirror"]) == (1.25, 64, True)
    assert sorted(path.name for path in (result.dataset / "images").iterdir()) == [
        "00000000.png",
        "00000001.png",
    ]
    assert Image.open(result.dataset / "images" / "00000000.png").size == (64, 64)
    pictures = [path for path in result.dataset.rglob("*.png") if path.parent.name != "images"]
    assert pictures == []
    assert _state(photos) == before


def test_a_second_run_touches_nothing_and_changes_follow_the_folder(photos: Path) -> None:
    first = prep(photos, size=32, keep_duplicates=True)
    state = _state(first.dataset)
    second = prep(photos, size=32, keep_duplicates=True)
    assert second.reused == 7
    assert _state(first.dataset) == state
    (photos / "a.png").unlink()
    third = prep(photos, size=32, keep_duplicates=True)
    assert (third.found, third.reused) == (6, 6)
    assert third.kept == first.kept - 1
    fourth = prep(photos, size=16, keep_duplicates=True)
    assert fourth.reused == 0
    assert Image.open(fourth.dataset / "images" / "00000000.png").size == (16, 16)


def test_a_changed_threshold_judges_again_without_measuring_again(photos: Path) -> None:
    kept = prep(photos, size=32).kept
    stricter = prep(photos, size=32, max_yaw=90.0, max_upscale=3.0, max_occlusion=1.0, keep_duplicates=True)
    assert stricter.reused == 7
    assert stricter.kept > kept


def test_a_killed_run_continues_to_the_same_dataset(photos: Path, home: Path) -> None:
    script = (
        "import os, signal, sys\n"
        "from adatune.prep.prepare import prep\n"
        "def stop(p):\n"
        "    if p.done == 3: os.kill(os.getpid(), signal.SIGKILL)\n"
        "prep(sys.argv[1], size=32, progress=stop)\n"
    )
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    ended = subprocess.run([sys.executable, "-c", script, str(photos)], env=environment, check=False)
    assert ended.returncode == -signal.SIGKILL
    assert not (home / "datasets" / "my-photos" / "prep.json").exists()
    continued = prep(photos, size=32)
    assert continued.reused == 3
    unbroken = prep(photos, size=32, name="other")
    for path in sorted((unbroken.dataset / "images").iterdir()):
        assert path.read_bytes() == (continued.dataset / "images" / path.name).read_bytes()
    assert (unbroken.dataset / "manifest.csv").read_bytes() == (
        continued.dataset / "manifest.csv"
    ).read_bytes()


def test_any_photo_is_squared_without_alignment(tmp_path: Path) -> None:
    folder = tmp_path / "cats"
    folder.mkdir()
    Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 96, 3), np.uint8)).save(folder / "cat.png")
    result = prep(folder, size=32, align="none")
    assert result.kept == 1
    assert json.loads((result.dataset / "prep.json").read_text())["aspect"] == 1.0


def test_progress_announces_the_work_before_it_begins(photos: Path) -> None:
    seen: list[PrepProgress] = []
    prepare(photos, PrepConfig(size=32), seen.append)
    assert [step.done for step in seen] == list(range(8))
    assert seen[0].total == 7


@pytest.mark.parametrize(
    "kind", ["missing", "pipe", "empty", "faceless", "foreign", "other", "inside", "setting"]
)
def test_what_cannot_work_is_said_clearly(tmp_path: Path, home: Path, kind: str) -> None:
    folder = tmp_path / "p"
    folder.mkdir()
    error: type[AdatuneError] = PhotosError
    settings: dict[str, object] = {"size": 16}
    if kind == "missing":
        folder = tmp_path / "nowhere"
    elif kind == "pipe":
        folder = tmp_path / "pipe"
        os.mkfifo(folder)
    elif kind == "faceless":
        Image.new("RGB", (99, 99)).save(folder / "black.png")
    elif kind == "foreign":
        error = DatasetError
        (folder / "x.png").touch()
        (home / "datasets" / "p").mkdir(parents=True)
        (home / "datasets" / "p" / "precious.txt").write_text("mine")
    elif kind == "other":
        error = DatasetError
        for name in ("q", "p"):
            (tmp_path / name).mkdir(exist_ok=True)
            Image.new("RGB", (99, 99)).save(tmp_path / name / "black.png")
        settings = {"size": 16, "align": "none", "name": "same"}
        prep(tmp_path / "q", **settings)
    elif kind == "inside":
        error = UsageError
        folder = home / "datasets" / "d" / "images"
        folder.mkdir(parents=True)
        settings = {"name": "d"}
    elif kind == "setting":
        error = UsageError
        settings = {"colour": "red"}
    with pytest.raises(error, match=r"\w+.*\."):
        prep(folder, **settings)
    if kind == "foreign":
        assert (home / "datasets" / "p" / "precious.txt").read_text() == "mine"


def test_killing_the_command_leaves_no_worker_behind(photos: Path) -> None:
    portrait = Image.open(ASTRONAUT).convert("RGB")
    for number in range(16):
        portrait.crop((number, 0, 340, 400)).save(photos / f"{number}.png")
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "adatune", "prep", str(photos), "--size", "32", "--workers", "2"]
    process = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.DEVNULL,
        start_new_session=True,
    )
    cache = Path(os.environ["ADATUNE_HOME"]) / "datasets" / "my-photos" / ".cache"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and len(list(cache.glob("*.json"))) < 3:
        time.sleep(0.05)
    process.kill()
    process.wait()
    while time.monotonic() < deadline and _is_alive(process.pid):
        time.sleep(0.1)
    assert not _is_alive(process.pid)
    assert prep(photos, size=32, workers=1).found == 23


def _is_alive(session: int) -> bool:
    """Whether any process of a session is left."""
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = entry.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z" and int(fields[3]) == session:
            return True
    return False


@pytest.fixture
def pets(tmp_path: Path) -> Path:
    """Twelve pictures of no face, in two sub-folders."""
    folder = tmp_path / "pets"
    for number in range(12):
        kind = folder / ("cats", "dogs")[number % 2]
        kind.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(number).integers(0, 255, (40, 32, 3), np.uint8)
        Image.fromarray(pixels).save(kind / f"{number:02d}.png")
    return folder


def test_a_zip_gives_the_pictures_that_its_folder_gives(pets: Path, tmp_path: Path) -> None:
    shutil.make_archive(str(tmp_path / "packed"), "zip", pets)
    plain = prep(pets, size=16, align="none")
    packed = prep(tmp_path / "packed.zip", size=16, align="none")
    assert packed.name == "packed"
    assert list(_rows(packed)) == list(_rows(plain))
    pairs = zip(sorted(plain.dataset.glob("images/*")), sorted(packed.dataset.glob("images/*")), strict=True)
    assert all(one.read_bytes() == other.read_bytes() for one, other in pairs)


def test_a_video_gives_every_nth_frame(tmp_path: Path) -> None:
    writer = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (64, 48))
    for number in range(20):
        frame = np.random.default_rng(number).integers(0, 255, (6, 8, 3), np.uint8)
        writer.write(cv2.resize(frame, (64, 48), interpolation=cv2.INTER_NEAREST))
    writer.release()
    result = prep(tmp_path / "clip.avi", size=16, align="none", every=5)
    assert list(_rows(result)) == [f"clip.avi#{number:06d}" for number in (0, 5, 10, 15)]
    assert result.kept == 4
    with pytest.raises(UsageError, match="--every is for the frames of a video"):
        prep(tmp_path, size=16, align="none", every=5, name="other")


def test_labels_validation_and_zip_hold_together(pets: Path, tmp_path: Path) -> None:
    result = prep(
        pets, size=16, align="none", labels="folders", validation=0.3, archive=tmp_path / "out" / "pets.zip"
    )
    rows = _rows(result)
    assert result.kept + result.validation == 12
    assert 0 < result.validation < 12
    assert {row["label"] for row in rows.values()} == {"cats", "dogs"}
    for place in (result.dataset, tmp_path / "out" / "pets.zip"):
        dataset = open_dataset(place)
        assert (len(dataset), dataset.c_dim, dataset.resolution) == (result.kept, 2, 16)
        trained = [row for row in rows.values() if row["split"] == "train"]
        assert dataset.labels is not None
        assert [int(label.argmax()) for label in dataset.labels] == [
            row["label"] == "dogs" for row in trained
        ]
    aside = open_dataset(result.dataset.with_name("pets-validation"))
    assert (len(aside), aside.c_dim, aside.is_validation) == (result.validation, 2, True)
    described = json.loads((result.dataset / "prep.json").read_text())
    assert (described["classes"], described["split"]) == (["cats", "dogs"], "train")


def test_a_photo_without_its_label_is_told_before_anything_changes(pets: Path) -> None:
    before = _state(prep(pets, size=16, align="none").dataset)
    Image.effect_noise((40, 40), 60).convert("RGB").save(pets / "stray.png")
    with pytest.raises(PhotosError, match=r"1 photo in no sub-folder.*stray\.png"):
        prep(pets, size=16, align="none", labels="folders")
    after = _state(home_module.datasets_folder() / "pets")
    published = {name: state for name, state in before.items() if not name.startswith(".cache")}
    assert {name: after[name] for name in published} == published


def test_a_review_is_heeded_kept_and_forgotten(pets: Path, tmp_path: Path) -> None:
    (tmp_path / "review.csv").write_text("source,face,decision\ncats/00.png,0,drop\n")
    (tmp_path / "crops.csv").write_text("source,x,y,width,height\ndogs/01.png,3,4,16,16\n")
    config = PrepConfig(size=16, align="none")
    result = prepare(pets, config, review=tmp_path / "review.csv", crops=tmp_path / "crops.csv")
    row = _rows(result)["cats/00.png"]
    assert (row["status"], row["reason"], row["reviewed"]) == ("rejected", "review", "drop")
    assert (result.kept, result.reviewed) == (11, 1)
    cut = np.asarray(Image.open(pets / "dogs" / "01.png"))[4:20, 3:19]
    output = _rows(result)["dogs/01.png"]["output"]
    np.testing.assert_array_equal(np.asarray(Image.open(result.dataset / output)), cut)
    (tmp_path / "review.csv").unlink()
    assert prepare(pets, config).kept == 11
    forgotten = prepare(pets, config, forget_review=True)
    assert (forgotten.kept, forgotten.reviewed) == (12, 0)
    assert prepare(pets, config).kept == 12


def test_two_at_once_do_not_write_the_same_dataset(pets: Path, home: Path) -> None:
    prep(pets, size=16, align="none")
    with locked(home / "datasets" / "pets" / ".cache"), pytest.raises(FolderInUse, match="in use"):
        prep(pets, size=16, align="none")


def test_both_faces_of_a_pair_become_pictures(tmp_path: Path) -> None:
    folder = tmp_path / "pair"
    folder.mkdir()
    portrait = Image.open(ASTRONAUT).convert("RGB")
    pair = Image.new("RGB", (portrait.width * 2, portrait.height), (120, 118, 116))
    pair.paste(portrait, (0, 0))
    pair.paste(portrait.resize((portrait.width * 3 // 4, portrait.height * 3 // 4)), (portrait.width, 60))
    pair.save(folder / "pair.png")
    with (prep(folder, size=32, faces="all").dataset / "manifest.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(row["source"], row["face"], row["status"]) for row in rows] == [
        ("pair.png", "0", "accepted"),
        ("pair.png", "1", "accepted"),
    ]
    with pytest.raises(PhotosError, match="1 several-faces"):
        prep(folder, size=32, faces="single")
