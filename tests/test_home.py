"""Where things live, and files that are whole or not there."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from adatune.errors import RunError, UsageError
from adatune.home import (
    check_name,
    datasets_folder,
    home,
    is_leftover,
    list_runs,
    new_run_folder,
    newest_run,
    pretrained_folder,
    runs_folder,
    write_atomically,
    write_text,
)


@pytest.fixture(autouse=True)
def home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    return tmp_path


def test_the_three_folders_move_together(tmp_path):
    assert [f().parent for f in (datasets_folder, runs_folder, pretrained_folder)] == [tmp_path] * 3


def test_without_the_variable_it_is_the_current_folder(monkeypatch):
    monkeypatch.delenv("ADATUNE_HOME")
    assert home() == Path()


def test_runs_are_numbered_in_the_order_they_were_started():
    assert list_runs() == []
    names = [new_run_folder("faces").name for _ in range(3)]
    assert names == ["00000-faces", "00001-faces", "00002-faces"]
    (runs_folder() / "notes").mkdir()
    assert newest_run().name == "00002-faces"
    assert new_run_folder("a").name == "00003-a"


def test_no_run_is_an_error_that_says_how_to_start_one():
    with pytest.raises(RunError, match="Start one with 'adatune train'"):
        newest_run()


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "a\\b", "-x", "a:b", "a\nb"])
def test_a_name_that_no_folder_can_have_is_refused(name):
    with pytest.raises(UsageError, match="--name"):
        check_name(name, "--name")


def test_names_of_people_are_names():
    assert check_name("Zoë & Ann 2", "--name") == "Zoë & Ann 2"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "a.txt"
    write_text(path, "old\n")

    def fail(temporary):
        temporary.write_text("half")
        raise OSError("disk")

    with pytest.raises(OSError, match="disk"):
        write_atomically(path, fail)
    assert path.read_text() == "old\n"
    assert list(tmp_path.iterdir()) == [path]


KILLED = """
import os, signal, sys
from pathlib import Path
from adatune.home import write_atomically

def write(path):
    path.write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

write_atomically(Path(sys.argv[1]), write)
"""


def make_old(path: Path) -> None:
    """Let PATH be written two hours ago."""
    then = time.time() - 7200
    os.utime(path, (then, then))


def test_what_a_killed_write_left_is_known_by_its_dead_process_after_an_hour(tmp_path):
    killed = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "a.b.png")], check=False)
    assert killed.returncode == -signal.SIGKILL
    (left,) = tmp_path.iterdir()
    assert not is_leftover(left)  # the process may run on another machine
    make_old(left)
    assert is_leftover(left)


def test_what_a_living_process_writes_is_no_leftover_however_slow_it_is(tmp_path):
    path = tmp_path / f".film.{os.getpid()}.tmp.mp4"
    path.touch()
    make_old(path)
    assert not is_leftover(path)


@pytest.mark.parametrize("name", ["film.mp4", ".film.mp4", ".film.tmp.mp4", "film.1000000000.tmp.mp4"])
def test_what_is_not_ours_is_no_leftover(tmp_path, name):
    (tmp_path / name).touch()
    make_old(tmp_path / name)
    assert not is_leftover(tmp_path / name)
    assert is_leftover(tmp_path / ".gone.1000000000.tmp.mp4") is False


def test_others_may_read_what_safetensors_writes_as_they_may_any_new_file(tmp_path):
    path, plain = tmp_path / "a.safetensors", tmp_path / "plain"
    plain.touch()
    write_atomically(path, lambda temporary: save_file({"a": torch.zeros(2)}, temporary))
    assert path.stat().st_mode == plain.stat().st_mode
    assert load_file(path)["a"].shape == (2,)


def test_a_mode_that_the_writer_set_does_not_stay(tmp_path):
    write_atomically(tmp_path / "a", lambda temporary: (temporary.write_text("a"), temporary.chmod(0o600)))
    (tmp_path / "plain").touch()
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_text_is_written_as_utf8_with_its_own_line_ends(tmp_path):
    write_text(tmp_path / "a", "é\r\n")
    assert (tmp_path / "a").read_bytes() == b"\xc3\xa9\r\n"
