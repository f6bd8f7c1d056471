"""Wrong input of every kind, driven through the real command: file, command, exit code and first words.

Each row of the tables is one mistake. It must end in one to three lines that say what is wrong, and leave
everything on disk as it was.
"""

import os
import shlex
import socket
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest
import torch
from bad_networks import SMALL
from wrong_files import DATASETS, FACES, NETWORKS, PHOTO, PHOTOS, Mistake, pictures
from wrong_options import GENERATION, TINY, TRAINING
from wrong_steering import STEERING

from adatune.checkpoints import save_network
from adatune.cli.main import main
from adatune.networks import Discriminator, Generator

ROOT = Path(__file__).parents[2]
TABLE = [*NETWORKS, *DATASETS, *PHOTOS, *TRAINING, *GENERATION, *STEERING]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """An 8x8 network with everything that training needs."""
    path = tmp_path_factory.mktemp("network") / "tiny.safetensors"
    torch.manual_seed(0)
    save_network(path, Generator(SMALL), Discriminator(SMALL))
    return path.read_bytes()


@pytest.fixture
def here(tmp_path: Path, tiny: bytes, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a network and a home that holds the 8x8 dataset `faces`."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("ADATUNE_HOME", "home")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.setenv(name, "127.0.0.1")
    (tmp_path / "tiny.safetensors").write_bytes(tiny)
    pictures(f"{FACES}/images", *[(8, 8)] * 4)
    (FACES / "dataset.json").write_text('{"labels": null}')
    return tmp_path


@pytest.fixture(scope="module")
def address() -> str:
    """Of a port that nobody listens at."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"http://127.0.0.1:{server.getsockname()[1]}"


def contents(folder: Path) -> dict[str, bytes | None]:
    """Every file with its bytes, every folder with None."""
    return {
        str(path.relative_to(folder)): None if path.is_dir() else path.read_bytes()
        for path in folder.rglob("*")
    }


def check(mistake: Mistake, code: object, errors: str, address: str) -> None:
    """Compare what a command did with its row."""
    assert code == mistake.code, errors
    assert errors.startswith("Error: " + mistake.words.replace("ADDRESS", address)), errors
    assert mistake.advice in errors
    assert 1 <= len(errors.splitlines()) <= 3
    assert "Traceback" not in errors


@pytest.mark.parametrize("mistake", TABLE, ids=lambda m: f"{m.name}: {m.command}")
def test_a_mistake_ends_in_a_clear_error_and_changes_nothing(
    mistake: Mistake, here: Path, address: str, capsys: pytest.CaptureFixture[str]
) -> None:
    mistake.make()
    before = contents(here)
    with pytest.raises(SystemExit) as leaving:
        main(shlex.split(mistake.command.replace("ADDRESS", address)))
    check(mistake, leaving.value.code, capsys.readouterr().err, address)
    after = contents(here)
    new = {name for name in after.keys() - before.keys() if not fnmatch(name, mistake.leaves)}
    assert not new
    assert {name: after[name] for name in before if name in after} == before
    assert not [name for name in after if ".tmp" in name or name.endswith("canary")]


@pytest.mark.usefixtures("here")
def test_photos_that_could_not_be_used_leave_no_dataset_to_choose(capsys: pytest.CaptureFixture[str]) -> None:
    PHOTO()
    with pytest.raises(SystemExit):
        main(["prep", "photos", "--align", "none"])
    main([*shlex.split(TINY), "--dry-run"])
    assert "faces: 4 real images" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["os.system protocol 4", "several", "unknown command"])
def test_the_command_of_a_shell_says_the_same(name: str, here: Path, address: str) -> None:
    mistake = next(row for row in TABLE if row.name == name)
    mistake.make()
    before = contents(here)
    result = subprocess.run(
        [sys.executable, "-m", "adatune", *shlex.split(mistake.command)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        check=False,
    )
    check(mistake, result.returncode, result.stderr, address)
    assert result.stdout == ""
    assert contents(here) == before
