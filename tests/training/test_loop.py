"""Whole runs on a tiny dataset: what is written, how a killed run goes on, how an interrupted one stops."""

import json
import signal
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from tiny_runs import RESUME, START, assert_same_run, make_config, rows, start_process, wait_for

import adatune
from adatune.errors import FolderInUse, UsageError
from adatune.training.loop import resume, train


def test_a_run_leaves_networks_state_statistics_and_pictures(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "00000-spots"
    folder.mkdir(parents=True)
    assert train(make_config(dataset), folder) == folder

    # Snapshots at every tick, of which the last two are kept.
    assert sorted(path.name for path in folder.glob("network-*")) == [
        "network-000000.060.safetensors",
        "network-000000.080.safetensors",
    ]
    for name in (
        "config.toml",
        "state.pt",
        "log.txt",
        "reals.jpg",
        "fakes-000000.jpg",
        "fakes-000000.080.jpg",
    ):
        assert (folder / name).stat().st_size > 0, name
    with Image.open(folder / "fakes-000000.080.jpg") as sheet:
        assert sheet.size == (8 * 16, 8 * 20)  # the 5:4 of the crops is undone
    assert [row["step"] for row in rows(folder)] == [5, 10, 15, 20]
    measured = {
        "p",
        "r_t",
        "loss_G",
        "loss_D",
        "loss_G_reg",
        "loss_D_reg",
        "path_length",
        "r1",
        "score_real",
        "sign_fake",
    }
    first = rows(folder)[0]
    assert measured <= first.keys()
    assert all(isinstance(first[name], float) for name in measured)

    model = adatune.load(str(folder))
    assert model.aspect == 1.25
    assert model.augment_p == pytest.approx(rows(folder)[-1]["p"])
    averaged = load_file(folder / "network-000000.080.safetensors")
    state = torch.load(folder / "state.pt", weights_only=True)
    assert torch.equal(averaged["G_ema.synthesis.b4.const"], state["G_ema"]["synthesis.b4.const"])


def test_a_killed_run_ends_with_the_bytes_of_the_unbroken_one(dataset: Path, tmp_path: Path) -> None:
    config = make_config(dataset)
    unbroken, killed = tmp_path / "unbroken", tmp_path / "killed"
    process = start_process(START, config, unbroken)
    assert process.wait(300) == 0, process.communicate()

    process = start_process(START, config, killed)
    wait_for(killed / "network-000000.040.safetensors", process)
    process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    process = start_process(RESUME, config, killed)
    assert process.wait(300) == 0, process.communicate()

    assert_same_run(unbroken, killed)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_saves_and_goes_on_as_if_it_had_not_been(
    dataset: Path, tmp_path: Path, number: signal.Signals
) -> None:
    config = make_config(dataset)
    unbroken, interrupted = tmp_path / "unbroken", tmp_path / "interrupted"
    assert start_process(START, config, unbroken).wait(300) == 0

    process = start_process(START, config, interrupted)
    wait_for(interrupted / "network-000000.020.safetensors", process)
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    assert "Stopped and saved at" in errors
    assert "adatune train --resume interrupted" in errors
    process = start_process(RESUME, config, interrupted)
    assert process.wait(300) == 0, process.communicate()
    assert_same_run(unbroken, interrupted)


def test_a_longer_length_goes_on_from_the_end(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    train(make_config(dataset, length_kimg=0.04), folder)
    resume(folder, {"length_kimg": 0.08})
    assert [row["step"] for row in rows(folder)] == [5, 10, 15, 20]


def test_hours_stop_the_run_saved(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    train(make_config(dataset, hours=1e-9), folder)
    assert (folder / "network-000000.004.safetensors").is_file()
    assert torch.load(folder / "state.pt", weights_only=True)["step"] == 1


def test_two_processes_do_not_train_in_one_folder(dataset: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    process = start_process(START, make_config(dataset, length_kimg=50, tick_kimg=0.004), folder)
    try:
        wait_for(folder / "state.pt", process)
        with pytest.raises(FolderInUse):
            resume(folder)
    finally:
        process.kill()
        process.communicate()


def test_labels_come_from_the_dataset(dataset: Path, tmp_path: Path) -> None:
    labels = [[f"{index:08d}.png", index % 3] for index in range(6)]
    (dataset / "dataset.json").write_text(json.dumps({"labels": labels}))
    folder = tmp_path / "run"
    folder.mkdir()
    train(make_config(dataset, cond=True, c_dim=3, length_kimg=0.008), folder)
    assert adatune.load(str(folder)).config.c_dim == 3


def test_a_run_for_several_gpus_is_not_trained_on_one(dataset: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="adatune train --gpus 2"):
        train(make_config(dataset, gpus=2, batch=8), tmp_path / "run")
    assert not (tmp_path / "run").exists()
