import signal
import subprocess
import sys
from pathlib import Path

import pytest

from adatune.errors import FolderInUse
from adatune.folder_lock import locked

HOLD = """
import sys, time
from pathlib import Path
from adatune.folder_lock import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def start_holder(folder: Path) -> "subprocess.Popen[str]":
    process = subprocess.Popen([sys.executable, "-c", HOLD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_a_second_process_is_refused_with_the_number_of_the_first(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    try:
        with (
            pytest.raises(FolderInUse, match=rf"is in use by another adatune \(process {holder.pid}\)"),
            locked(tmp_path),
        ):
            pass
    finally:
        holder.kill()
        holder.wait()


def test_the_lock_of_a_killed_process_is_free(tmp_path: Path) -> None:
    holder = start_holder(tmp_path)
    holder.send_signal(signal.SIGKILL)
    holder.wait()
    with locked(tmp_path):
        pass


def test_the_lock_is_free_after_use_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="ours"), locked(tmp_path):
        raise ValueError("ours")
    with locked(tmp_path):
        pass
