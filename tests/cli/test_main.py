"""Exit codes and errors of the real command."""

import os
import signal
import subprocess
import sys
import time
from functools import partial

import pytest
import torch

from adatune.checkpoints import save_network
from adatune.networks import Generator, NetworkConfig

COMMAND = [sys.executable, "-m", "adatune"]


@pytest.fixture
def network(tmp_path):
    config = NetworkConfig(
        resolution=8, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1, conv_clamp=None
    )
    torch.manual_seed(0)
    save_network(tmp_path / "tiny.safetensors", Generator(config))
    return str(tmp_path / "tiny.safetensors")


def run(folder, *arguments, **environment):
    settings = {**os.environ, "ADATUNE_HOME": str(folder), **environment}
    return subprocess.run([*COMMAND, *arguments], capture_output=True, text=True, env=settings, check=False)


def test_a_command_that_is_done_leaves_with_0(tmp_path, network):
    result = run(tmp_path, "generate", network, "--seeds", "1", "--out", str(tmp_path / "new"))
    assert (result.returncode, result.stdout) == (0, f"Look at them: {tmp_path}/new/seed0001.png\n")


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["generate"], 1, "Error: There is no run in"),
        (["generate", "ffhq521"], 2, "Error: There is no network 'ffhq521'"),
        (["generate", "--seeds", "9-1"], 2, "Error: --seeds 9-1: the range 9-1 runs backwards. Write 1-9."),
        (["generate", "--grid", "8"], 2, "Error: --grid '8' is not COLUMNSxROWS"),
        (
            ["generate", "--psi", "high"],
            2,
            "Error: Invalid value for '--psi' / '--trunc': 'high' is not a valid float.",
        ),
        (["generate", "--outdir", "x"], 2, "Error: adatune generate has no --outdir"),
        (["degenerate"], 2, "Error: No such command 'degenerate'."),
    ],
)
def test_a_mistake_is_a_few_lines_on_stderr_and_a_code(tmp_path, arguments, code, words):
    result = run(tmp_path, *arguments)
    assert result.returncode == code
    assert result.stdout == ""
    assert result.stderr.startswith(words)
    assert len(result.stderr.splitlines()) <= 3


def test_debug_shows_the_traceback_wherever_it_is_written(tmp_path):
    for arguments in (["--debug", "generate"], ["generate", "--debug"]):
        assert "Traceback" in run(tmp_path, *arguments).stderr
    assert "Traceback" in run(tmp_path, "generate", ADATUNE_DEBUG="1").stderr


def test_a_folder_that_cannot_be_written_is_an_error_without_a_traceback(tmp_path, network):
    (tmp_path / "file").touch()
    result = run(tmp_path, "generate", network, "--out", str(tmp_path / "file" / "sub"))
    assert result.returncode == 1
    assert result.stderr.splitlines()[-1].startswith("Error: Not a directory")


def test_an_interrupted_command_leaves_with_130_and_whole_files(tmp_path, network):
    out = tmp_path / "out"
    arguments = [*COMMAND, "generate", network, "--seeds", "0-99999", "--out", str(out)]
    # A shell starts background jobs with SIGINT ignored, and what they start inherits it.
    heeding = partial(signal.signal, signal.SIGINT, signal.SIG_DFL)
    with subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, preexec_fn=heeding) as process:
        while not (out / "seed0003.png").exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate()
    assert process.returncode == 130
    assert errors.splitlines()[-1] == "Interrupted."
    assert [path for path in out.iterdir() if not path.name.startswith("seed")] == []
