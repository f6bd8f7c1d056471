import errno
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adatune.errors import RunError
from adatune.training import run_folder

STATS_LINES = [f'{{"tick": {i}, "step": {i * 10}}}\n' for i in range(1, 6)]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    return tmp_path


def make_run(name: str) -> Path:
    folder = run_folder.create(name)
    (folder / "config.toml").write_text('data = "x"\n')
    return folder


@pytest.mark.parametrize(
    ("images", "name"),
    [(0, "000000"), (16, "000000.016"), (200_000, "000200"), (1_500, "000001.500"), (25_000_000, "025000")],
)
def test_names_count_kimg(images: int, name: str) -> None:
    assert run_folder.kimg_name(images) == name


@given(st.integers(0, 10**10))
def test_the_name_of_a_snapshot_tells_its_images_exactly(images: int) -> None:
    assert run_folder.images_of(Path(f"network-{run_folder.kimg_name(images)}.safetensors")) == images


def test_other_files_are_no_snapshots() -> None:
    for name in ("network-best.safetensors", "fakes-000001.jpg", ".network-000001.12.tmp.safetensors"):
        assert run_folder.images_of(Path(name)) is None


def test_runs_are_found_by_number_name_folder_and_latest(home: Path) -> None:
    first, second = make_run("faces"), make_run("cats")
    assert [first.name, second.name] == ["00000-faces", "00001-cats"]
    assert (
        run_folder.find_run("0")
        == run_folder.find_run("00000")
        == run_folder.find_run("00000-faces")
        == first
    )
    assert run_folder.find_run("latest") == run_folder.find_run(str(second)) == second
    assert all(run_folder.is_run(text) for text in ("latest", "7", "00001-cats", str(first)))
    assert not any(run_folder.is_run(text) for text in ("ffhq512", "cats", "a.pkl", "", str(home)))


def test_a_run_that_does_not_exist_lists_those_that_do(home: Path) -> None:
    make_run("faces")
    with pytest.raises(RunError, match=r"no run 4 in .*00000-faces"):
        run_folder.find_run("4")


def test_statistics_are_json_lines_without_nan(tmp_path: Path) -> None:
    run_folder.append_stats(tmp_path, {"tick": 1, "step": 4, "r_t": math.nan, "loss_G": math.inf, "p": None})
    run_folder.append_stats(tmp_path, {"tick": 2, "step": 8, "r_t": 0.25, "loss_G": 1.5, "p": 0.0})
    lines = (tmp_path / "stats.jsonl").read_text().splitlines()
    assert json.loads(lines[0]) == {"tick": 1, "step": 4, "r_t": None, "loss_G": None, "p": None}
    assert run_folder.read_stats(tmp_path)[1]["loss_G"] == 1.5


@given(st.integers(0, 60), st.integers(0, 30))
def test_truncation_leaves_whole_lines_up_to_the_step(
    tmp_path_factory: pytest.TempPathFactory, step: int, cut: int
) -> None:
    folder = tmp_path_factory.mktemp("run")
    text = "".join(STATS_LINES)
    (folder / "stats.jsonl").write_text(text[: len(text) - cut])  # the process died inside a write
    whole = text[: len(text) - cut].count("\n")
    run_folder.truncate_stats(folder, step)
    kept = (folder / "stats.jsonl").read_text()
    assert kept == "".join(STATS_LINES[: min(whole, step // 10)])


def test_truncating_before_the_first_tick_is_harmless(tmp_path: Path) -> None:
    run_folder.truncate_stats(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


def write_snapshots(folder: Path, images: list[int]) -> None:
    for count in images:
        name = run_folder.kimg_name(count)
        (folder / f"network-{name}.safetensors").write_bytes(b"12345")
        (folder / f"fakes-{name}.jpg").write_bytes(b"123")


def kept_names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("network-*"))


def test_the_last_and_one_each_hundred_kimg_stay(tmp_path: Path) -> None:
    write_snapshots(
        tmp_path, [0, 16_000, 50_000, 99_999, 100_000, 116_000, 200_008, 216_008, 232_008, 248_008]
    )
    (tmp_path / "state.pt").write_bytes(b"1")
    run_folder.prune(tmp_path, keep_last=3, keep_every_kimg=100)
    names = ["000100", "000200.008", "000216.008", "000232.008", "000248.008"]
    assert kept_names(tmp_path) == [f"network-{name}.safetensors" for name in names]
    assert sorted(path.name for path in tmp_path.glob("fakes-*")) == [f"fakes-{name}.jpg" for name in names]
    assert (tmp_path / "state.pt").exists()


@settings(deadline=None)
@given(st.lists(st.integers(0, 2_000_000), min_size=1, max_size=30, unique=True), st.integers(1, 4))
def test_pruning_after_each_snapshot_keeps_what_pruning_once_would(
    tmp_path_factory: pytest.TempPathFactory, images: list[int], keep_last: int
) -> None:
    stepwise, at_once = tmp_path_factory.mktemp("a"), tmp_path_factory.mktemp("b")
    for count in sorted(images):
        write_snapshots(stepwise, [count])
        run_folder.prune(stepwise, keep_last, 100)
        assert (stepwise / f"network-{run_folder.kimg_name(count)}.safetensors").exists()
    write_snapshots(at_once, images)
    run_folder.prune(at_once, keep_last, 100)
    assert kept_names(stepwise) == kept_names(at_once)


def test_a_walk_goes_with_the_network_that_it_was_trained_with(tmp_path: Path) -> None:
    write_snapshots(tmp_path, [1000, 11_000, 12_000])
    for kimg in ("000001", "000011", "000012"):
        (tmp_path / f"walk-zoom-{kimg}.safetensors").write_bytes(b"1")
    files = run_folder.files_of_snapshot(tmp_path / "network-000001.safetensors")
    assert [path.name for path in files][1:] == ["walk-zoom-000001.safetensors", "network-000001.safetensors"]
    run_folder.prune(tmp_path, keep_last=2, keep_every_kimg=100)
    assert sorted(path.name for path in tmp_path.glob("walk-*")) == [
        "walk-zoom-000011.safetensors", "walk-zoom-000012.safetensors"
    ]  # fmt: skip


def test_the_first_sheet_of_samples_has_no_network_and_stays(tmp_path: Path) -> None:
    (tmp_path / "fakes-000000.jpg").write_bytes(b"1")
    write_snapshots(tmp_path, [1000, 2000, 3000])
    run_folder.prune(tmp_path, 1, 100)
    assert (tmp_path / "fakes-000000.jpg").exists()


def test_taking_a_run_over_removes_what_a_killed_write_left(tmp_path: Path) -> None:
    # A real process, killed by itself in the middle of an atomic write.
    code = (
        "import os, signal, sys; from pathlib import Path; from adatune.home import write_atomically\n"
        "def write(path): path.write_bytes(b'half'); os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_atomically(Path(sys.argv[1]), write)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "state.pt")], check=False)
    (tmp_path / "log.txt").write_text("kept")
    assert len(run_folder.leftovers(tmp_path)) == 1
    with run_folder.lock(tmp_path):
        assert run_folder.leftovers(tmp_path) == []
    assert (tmp_path / "log.txt").exists()


@pytest.mark.parametrize(
    ("has_state", "advice"), [(True, "go on with.*--resume"), (False, "start the run again")]
)
def test_a_full_disk_says_how_to_go_on(tmp_path: Path, has_state: bool, advice: str) -> None:
    if has_state:
        (tmp_path / run_folder.STATE).touch()
    with pytest.raises(RunError, match=advice), run_folder.explaining_full_disk(tmp_path):
        raise OSError(errno.ENOSPC, "full")


def test_a_full_disk_is_explained(tmp_path: Path) -> None:
    with (
        pytest.raises(RunError, match=r"is full.*adatune clean"),
        run_folder.explaining_full_disk(tmp_path),
        open("/dev/full", "wb", buffering=0) as file,
    ):
        file.write(b"x")


@pytest.mark.parametrize("error", [OSError(errno.EACCES, "denied"), ValueError("else")])
def test_other_errors_pass_as_they_are(tmp_path: Path, error: Exception) -> None:
    with pytest.raises(type(error)), run_folder.explaining_full_disk(tmp_path):
        raise error


def test_what_safetensors_says_on_a_full_disk_is_recognised(tmp_path: Path) -> None:
    words = "Error while serializing: I/O error: No space left on device (os error 28)"
    with pytest.raises(RunError, match="is full"), run_folder.explaining_full_disk(tmp_path):
        raise RuntimeError(words)


def test_the_log_grows_by_lines(tmp_path: Path) -> None:
    run_folder.append_log(tmp_path, "one")
    run_folder.append_log(tmp_path, "two ä")
    assert (tmp_path / "log.txt").read_bytes() == "one\ntwo ä\n".encode()
