"""Drives the real command on 16x16 pictures and a network of 30,000 parameters."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from adatune.cli.main import main

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TINY = "channel_base = 256\nchannel_max = 16\nz_dim = 16\nw_dim = 16\nbatch = 4\nlength_kimg = 0.012\n"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path
    monkeypatch.setenv("ADATUNE_HOME", str(folder))
    images = folder / "datasets/faces/images"
    images.mkdir(parents=True)
    for index in range(6):
        pixels = np.random.default_rng(index).integers(0, 256, (16, 16, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(images / f"{index:08d}.png")
    (folder / "datasets/faces/dataset.json").write_text('{"labels": null}')
    (folder / "tiny.toml").write_text(TINY)
    return folder


@pytest.fixture
def adatune(capsys: pytest.CaptureFixture[str]) -> Run:
    """Calls the command as the shell would, in this process: torch takes seconds to import."""

    def run(*arguments: str) -> "subprocess.CompletedProcess[str]":
        code = 0
        try:
            main(["train", *arguments])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        return subprocess.CompletedProcess([*arguments], code, *capsys.readouterr())

    return run


def test_a_run_is_planned_trained_and_continued(home: Path, adatune: Run) -> None:
    config = ["--config", str(home / "tiny.toml")]
    planned = adatune(*config, "--dry-run", "--json")
    assert json.loads(planned.stdout)["images_with_mirrored"] == 12
    assert not (home / "runs").exists()

    trained = adatune(*config, "--snap-kimg", "0.008", "--mirror=0")
    assert trained.returncode == 0, trained.stderr
    assert "6 real images, no mirrored copies" in trained.stdout
    run = home / "runs/00000-faces"
    assert (run / "network-000000.008.safetensors").is_file()
    assert (run / "network-000000.012.safetensors").is_file()

    refused = adatune("--resume", "latest", "--gamma", "3")
    assert refused.returncode == 2
    assert "--gamma cannot change when 00000-faces goes on" in refused.stderr
    assert "adatune train --data" in refused.stderr
    assert "network-000000.012.safetensors --gamma" in refused.stderr

    continued = adatune("--resume", "0", "--kimg", "0.02")
    assert continued.returncode == 0, continued.stderr
    assert (run / "network-000000.020.safetensors").is_file()
    assert "length_kimg = 0.02" in (run / "config.toml").read_text()
    kimgs = [json.loads(line)["kimg"] for line in (run / "stats.jsonl").read_text().splitlines()]
    assert kimgs == sorted(set(kimgs))


def test_a_run_of_two_processes_speaks_once_and_is_planned_for_both(
    home: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    (home / "tiny.toml").write_text(TINY.replace("batch = 4", "batch = 8"))
    options = ["--config", str(home / "tiny.toml"), "--gpus", "2", "--device", "cpu", "--kimg", "0.008"]
    with pytest.raises(SystemExit) as leaving:
        main(["train", *options])
    assert leaving.value.code == 0
    written = capfd.readouterr()
    assert written.out.count("Dataset ") == written.out.count("Done: ") == 1
    assert written.err.count("Saved network-000000.008") == 1
    run = home / "runs/00000-faces"
    assert "gpus = 2" in (run / "config.toml").read_text()
    assert "micro_batch = 4" in (run / "config.toml").read_text()
    assert (run / "network-000000.008.safetensors").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--outdir", "x"], 2, "adatune train has no --outdir"),
        (["--snap", "1", "--snap-kimg", "1"], 2, "contradict each other"),
        (["--data", "nothing"], 1, "There is no dataset --data nothing. In"),
        (["--aug", "fixed"], 2, "--aug fixed needs its strength"),
        (["--aug-p", "much"], 2, "neither a number"),
        (["--cfg", "paper"], 2, "--cfg paper is not known"),
        (["--resume", "77"], 1, "There is no run 77"),
        (["--config", "missing.toml"], 1, "There is no missing.toml"),
        (["--freezed", "b4"], 2, "--freezed b4 is no block"),
        (["--gpus", "3"], 2, "does not give each GPU whole minibatch-std groups"),
        (["--gpus", "0"], 2, "--gpus is 0; it must be above 0"),
    ],
)
@pytest.mark.usefixtures("home")
def test_wrong_use_is_one_clear_error(adatune: Run, arguments: list[str], code: int, words: str) -> None:
    result = adatune(*arguments, "--dry-run")
    assert result.returncode == code
    assert words in result.stderr
    assert "Traceback" not in result.stderr
