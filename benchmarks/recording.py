"""Results as files: what was measured, on what, by which command, from which commit."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch

from adatune import home
from adatune.bench.machine import load, machine

RESULTS = Path(__file__).parent / "results"


def commit() -> str:
    """The commit that is measured, marked where the tree has other changes; empty outside a repository."""
    folder = Path(__file__).parent
    try:
        name = subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True, check=True
        ).stdout.strip()
        changes = subprocess.run(
            ["git", "status", "--porcelain", "--untracked-files=no"],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{name} with changes" if changes else name


def circumstances(device: torch.device) -> dict[str, Any]:
    """Machine, versions, command, commit and load: goes into every result."""
    script = Path(sys.argv[0]).name
    return {
        "command": " ".join(["python", f"benchmarks/{script}", *sys.argv[1:]]),
        "commit": commit(),
        "load_before": load(),
        "machine": machine(device),
    }


def write(path: Path, result: dict[str, Any]) -> None:
    """Write RESULT as JSON, whole or not at all."""
    home.write_text(path, json.dumps(rounded(result), indent=1) + "\n")


def rounded(value: Any) -> Any:
    """Floats to five digits, which is more than was measured."""
    if isinstance(value, float):
        return float(f"{value:.5g}")
    if isinstance(value, dict):
        return {key: rounded(item) for key, item in value.items()}
    return [rounded(item) for item in value] if isinstance(value, list | tuple) else value
