"""Runs of 16x16 networks: their settings, processes that train them, and what two of them have in common."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from adatune.training.config import TrainConfig
from adatune.training.config_file import write_config

Process = subprocess.Popen[str]

TIMES = {"seconds_per_kimg", "seconds_total"}
START = """
import sys
from pathlib import Path
from adatune.training.config_file import read_config
from adatune.training.loop import train
from adatune.training.processes import taking_part
with taking_part() as processes:
    train(read_config(Path(sys.argv[1])), Path(sys.argv[2]), processes)
"""
RESUME = """
import sys
from pathlib import Path
from adatune.training.loop import resume
resume(Path(sys.argv[2]))
"""


def make_config(dataset: Path, **changes: object) -> TrainConfig:
    values = {
        "data": str(dataset), "resolution": 16, "z_dim": 8, "w_dim": 8, "mapping_layers": 1,
        "channel_base": 128, "channel_max": 8, "batch": 4, "micro_batch": 4, "length_kimg": 0.08,
        "tick_kimg": 0.02, "snap_ticks": 1,
        "ada_kimg": 0.1, "keep_last": 2, "device": "cpu", "augs": "color",
    }  # fmt: skip
    return TrainConfig(**{**values, **changes})  # pyright: ignore[reportArgumentType]


def start_process(program: str, config: TrainConfig, folder: Path, **variables: str) -> Process:
    folder.mkdir(parents=True, exist_ok=True)
    write_config(folder.with_suffix(".toml"), config)
    arguments = ["-c", program, str(folder.with_suffix(".toml")), str(folder)]
    return start_python(arguments, **variables)


def start_python(arguments: list[str], **variables: str) -> Process:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **variables}
    return subprocess.Popen(
        [sys.executable, *arguments],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def start_together(start: Callable[..., Process], count: int, port: int) -> list[Process]:
    """COUNT processes as torchrun starts them, rank by rank: START is given their variables."""
    shared = {"WORLD_SIZE": str(count), "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    return [start(**shared, RANK=str(rank), LOCAL_RANK=str(rank)) for rank in range(count)]


def wait_for(path: Path, process: Process) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline, f"{path.name} did not come"
        time.sleep(0.005)


def rows(folder: Path) -> list[dict[str, object]]:
    lines = (folder / "stats.jsonl").read_text().splitlines()
    return [{key: value for key, value in json.loads(line).items() if key not in TIMES} for line in lines]


def read_state(folder: Path) -> dict[str, object]:
    """A run's state.pt, without what differs from one repetition to the next."""
    state = torch.load(folder / "state.pt", weights_only=True)
    state.pop("seconds")
    return state


def assert_same_run(first: Path, second: Path) -> None:
    """The same bytes in every file that says something about the networks."""
    networks = sorted(path.name for path in first.glob("network-*"))
    assert networks == sorted(path.name for path in second.glob("network-*"))
    for name in networks:
        assert (first / name).read_bytes() == (second / name).read_bytes(), name
    assert rows(first) == rows(second)
    assert_equal(read_state(first), read_state(second), "state")


def assert_equal(first: object, second: object, name: str, tolerance: float = 0.0) -> None:
    """All that two nested values hold is equal, floats within TOLERANCE, absolute and relative."""
    if isinstance(first, dict):
        assert first.keys() == second.keys()  # pyright: ignore
        for key in first:
            assert_equal(first[key], second[key], f"{name}.{key}", tolerance)  # pyright: ignore
    elif isinstance(first, list):
        for index, (a, b) in enumerate(zip(first, second, strict=True)):  # pyright: ignore
            assert_equal(a, b, f"{name}.{index}", tolerance)
    elif isinstance(first, torch.Tensor) or (tolerance and isinstance(first, float)):
        torch.testing.assert_close(
            first, second, rtol=tolerance, atol=tolerance, msg=lambda text: f"{name}: {text}"
        )
    else:
        assert first == second, name
