"""Ctrl-C at any moment of a start ends the command, with real signals."""

import signal
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest

DEMO = Path(__file__).parents[2] / "pretrained" / "demo32.safetensors"
# A shell starts background jobs with SIGINT ignored, and what they start inherits it.
HEEDING = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)


# A part of the library whose import is not the last thing that is done for it.
@pytest.mark.parametrize("module", ["numpy._core.numeric", "torch.nn.functional"])
def test_ctrl_c_while_libraries_are_loaded_ends_the_command(module, tmp_path):
    arguments = ["-v", "-m", "adatune", "generate", str(DEMO), "--seeds", "0-99", "--out", str(tmp_path)]
    with subprocess.Popen(
        [sys.executable, *arguments], stderr=subprocess.PIPE, text=True, preexec_fn=HEEDING
    ) as process:
        for line in process.stderr:  # python -v says each import when it is done
            if line.startswith(f"import '{module}'"):
                process.send_signal(signal.SIGINT)
                break
        else:
            pytest.fail(f"{module} was never imported")
        said = process.stderr.read()
        assert process.wait(60) == 130
    assert "\nInterrupted.\n" in said
    assert "Traceback" not in said
    assert list(tmp_path.iterdir()) == []


def test_once_they_are_loaded_ctrl_c_is_an_interrupt_that_tidies_up():
    program = (
        "import os, signal; from adatune.cli.interrupts import ending_while_loading\n"
        "with ending_while_loading():\n"
        "    import numpy\n"
        "    try: os.kill(os.getpid(), signal.SIGINT)\n"
        "    except KeyboardInterrupt: print('tidied up')\n"
        "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)"
    )
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, preexec_fn=HEEDING
    )
    assert result.stdout == "tidied up\nTrue\n"


def test_where_ctrl_c_is_ignored_it_stays_ignored():
    program = (
        "import signal; from adatune.cli.interrupts import ending_while_loading\n"
        "with ending_while_loading(): print(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)"
    )
    ignoring = partial(signal.signal, signal.SIGINT, signal.SIG_IGN)
    result = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True, preexec_fn=ignoring
    )
    assert result.stdout == "True\n"
