import os
from pathlib import Path

import pytest

from adatune.cli.main import main
from adatune.training import run_folder
from adatune.training.config import TrainConfig
from adatune.training.config_file import write_config


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    folder = run_folder.create("faces")
    write_config(folder / "config.toml", TrainConfig(data="faces"))
    for images in (50_000, 60_000, 100_000, 110_000):
        (folder / f"network-{run_folder.kimg_name(images)}.safetensors").write_bytes(b"x" * 1_000_000)
    return folder


@pytest.mark.parametrize(("option", "left"), [("--dry-run", 4), ("--yes", 2)])
def test_snapshots_go_only_when_told_to(
    run: Path, option: str, left: int, capsys: pytest.CaptureFixture[str]
) -> None:
    main(["clean", "latest", option])
    assert len(run_folder.list_snapshots(run)) == left
    assert "2.0 MB in 2 files" in capsys.readouterr().out


def test_what_killed_commands_left_among_the_pictures_goes_and_what_living_ones_write_stays(
    run: Path,
) -> None:
    folder = run / "generated" / "network-000050"
    folder.mkdir(parents=True)
    dead, living = folder / ".a.1000000000.tmp.png", folder / f".a.{os.getpid()}.tmp.png"  # no such process
    own = folder / ".b.1000000000.tmp"  # a folder: none of ours
    own.mkdir()
    for path in (dead, living):
        path.touch()
    for path in (dead, living, own):
        os.utime(path, (0, 0))
    main(["clean", "latest", "--yes"])
    assert sorted(folder.iterdir()) == sorted([living, own])
