"""`adatune train --gpus 2` on the CPU: signals, deaths and exit codes."""

import os
import re
import signal
from pathlib import Path

import pytest
from tiny_runs import Process, make_config, read_state, rows, start_python, wait_for

from adatune.training.config_file import write_config
from adatune.training.launch import is_one_of_many, is_orphaned, launch
from adatune.training.loop import resume


def start_command(dataset: Path, **changes: object) -> Process:
    """`adatune train` at home in tmp_path, with the settings of a tiny run."""
    home = dataset.parents[1]
    write_config(home / "settings.toml", make_config(dataset, gpus=2, batch=8, **changes))
    arguments = ["-m", "adatune", "train", "--config", str(home / "settings.toml")]
    return start_python(arguments, ADATUNE_HOME=str(home))


def test_ctrl_c_stops_all_processes_after_the_same_step_with_all_saved(dataset: Path) -> None:
    folder = dataset.parents[1] / "runs/00000-spots"
    process = start_command(dataset, length_kimg=1000, tick_kimg=0.04)
    wait_for(folder / "state.pt", process)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130, errors
    assert output.count("Dataset") == 1  # the plan
    assert errors.count("Stopped and saved at") == 1
    assert "Traceback" not in errors
    stopped = read_state(folder)["images_shown"]
    assert f"Stopped and saved at {stopped / 1000:g} kimg" in errors  # pyright: ignore[reportOperatorIssue]

    length = (stopped + 40) / 1000  # pyright: ignore[reportOperatorIssue]
    resume(folder, {"gpus": 1, "length_kimg": length})
    assert rows(folder)[-1]["kimg"] == length


def test_a_process_that_is_killed_ends_all_of_them(dataset: Path) -> None:
    folder = dataset.parents[1] / "runs/00000-spots"
    process = start_command(dataset, length_kimg=1000, tick_kimg=0.008)
    wait_for(folder / "state.pt", process)
    os.kill(int((folder / ".lock").read_text()), signal.SIGKILL)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "Process 0 of 2 was killed (SIGKILL)" in errors
    assert "Process 1 of 2 lost another one" in errors
    assert "gloo/" not in errors
    assert "Traceback" not in errors
    assert read_state(folder)["step"]


def test_a_mistake_is_told_once(capfd: pytest.CaptureFixture[str]) -> None:
    assert launch(2, ["train", "--data", "nothing", "--gpus", "2", "--device", "cpu"]) == 1
    errors = capfd.readouterr().err
    assert len(re.findall("There is no dataset", errors)) == 1, errors
    assert "lost" not in errors


def test_who_started_a_process_is_in_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not is_one_of_many()
    assert not is_orphaned()
    variables = {"RANK": "0", "WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": "1"}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_one_of_many()
    monkeypatch.setenv("ADATUNE_LAUNCHER", str(os.getppid()))
    assert not is_orphaned()
    monkeypatch.setenv("ADATUNE_LAUNCHER", str(os.getpid()))
    assert is_orphaned()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert not is_one_of_many()
