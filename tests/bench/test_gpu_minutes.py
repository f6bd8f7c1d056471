"""benchmarks/gpu_minutes.py runs without a card: a mistake in it would cost minutes on one."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT)}


@pytest.mark.parametrize("stage", [1, 2, 3, 4])
def test_every_piece_of_a_stage_gives_a_result(stage, tmp_path):
    arguments = ["--stage", str(stage), "--json", str(tmp_path / "found.json"), "--device", "cpu"]
    script = str(BENCHMARKS / "gpu_minutes.py")
    subprocess.run([sys.executable, script, *arguments], check=True, env=ENVIRONMENT)
    found = json.loads((tmp_path / "found.json").read_text())
    assert found["machine"]["torch"]
    assert found["stages"]
    for name, outcome in found["stages"].items():
        assert "result" in outcome, f"{name}: {outcome['failed']}"


def test_a_piece_that_fails_or_takes_too_long_is_recorded_and_the_next_one_runs(tmp_path):
    code = f"""
import sys, time
sys.path.insert(0, {str(BENCHMARKS)!r})
import torch
from gpu_minutes import attempt
cpu = torch.device("cpu")
assert "ZeroDivisionError" in attempt(lambda: 1 / 0, 5, cpu)["failed"]
assert "stopped after 1 s" in attempt(lambda: time.sleep(20), 1, cpu)["failed"]
assert attempt(lambda: 7, 1, cpu)["result"] == 7
"""
    subprocess.run([sys.executable, "-c", code], check=True, env=ENVIRONMENT, timeout=60)
