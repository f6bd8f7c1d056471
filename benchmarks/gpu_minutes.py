"""The first minutes on a card: four runs of at most ten minutes that decide what is worth doing next.

Never run on a card so far. On a CPU all of it runs at small sizes (--device cpu). Needs torch, triton, numpy.
Where adatune is not installed: PYTHONPATH=. before each command.

python benchmarks/gpu_minutes.py --stage 1 --json benchmarks/results/gpu_minutes-1.json
python benchmarks/gpu_minutes.py --stage 2 --json benchmarks/results/gpu_minutes-2.json
python benchmarks/gpu_minutes.py --stage 3 --json benchmarks/results/gpu_minutes-3.json
python benchmarks/gpu_minutes.py --stage 4 --json benchmarks/results/gpu_minutes-4.json

1: what the card can do, whether the kernels are right, what convolutions reach in each layout and format,
what the element-wise kernels reach. 2: training by phase, plain and fused, eager and from graphs, with
memory; losses of fused against plain steps; a continuation. 3: ours and the naive step (naive.py) in one run.
4: generation against the bare synthesis loop, and projection, both at 512, fused and plain.

Each piece is tried on its own, has a time limit, and is written as soon as it ends. Clocks are read before
and after each piece and never set.
"""

import argparse
import gc
import signal
import subprocess
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from gpu_drawing import DRAWN, Drawing, generation, projection
from gpu_layers import convolution_table, elementwise_table
from gpu_training import (
    COMPARED,
    MAIN,
    TRAINED,
    Run,
    comparison,
    continuation,
    loss_curves,
    profile,
    training,
)
from recording import circumstances, write

from adatune.device import pick_device, set_up_device

_CLOCKS = "clocks.sm,clocks.mem,power.draw,temperature.gpu"
Piece = Callable[[], Any]


def pieces(stage: int, device: torch.device) -> dict[str, tuple[int, Piece]]:
    """The pieces of STAGE in their order: name, limit in seconds, what to call."""
    is_card = device.type == "cuda"
    if stage == 1:
        return {
            "ceilings": (60, lambda: _ceilings(device)),
            "kernels": (120, lambda: _kernels(device)),
            "convolutions": (240, lambda: convolution_table(device)),
            "elementwise": (90, lambda: elementwise_table(device)),
        }
    small = Run("8 plain, eager", 8, 4, "torch", False, 64)
    runs, compared, main_run = (TRAINED, COMPARED, MAIN) if is_card else ([small], [small], small)
    check = {"kernels": (120, lambda: _kernels(device))} if is_card else {}  # none is used unchecked
    if stage == 2:
        return {
            **check,
            **{run.name: (100, lambda run=run: training(run, device)) for run in runs},
            "launches": (60, lambda: profile(main_run, device)),
            "losses": (120, lambda: loss_curves(main_run, device, steps=200 if is_card else 4)),
            "continuation": (60, lambda: continuation(main_run, device)),
        }
    if stage == 4:
        tiny = {"32 plain": Drawing(32, 256, 2, 1, 2, "torch")}
        drawn, rounds = (DRAWN, 5) if is_card else (tiny, 1)
        return check | {
            **{
                f"generation {name}": (90, lambda d=d: generation(d, device, rounds))
                for name, d in drawn.items()
            },
            **{f"projection {name}": (120, lambda d=d: projection(d, device)) for name, d in drawn.items()},
        }
    return check | {
        f"comparison {run.resolution}": (180, lambda run=run: comparison(run, device)) for run in compared
    }


def _ceilings(device: torch.device) -> dict[str, Any]:
    from dataclasses import asdict

    from adatune.bench.ceilings import measure_ceilings

    return asdict(measure_ceilings(device))


def _kernels(device: torch.device) -> dict[str, str]:
    """Kernels that are wrong here, with the difference; all others agree with plain torch."""
    from adatune.kernel_check import check_kernels

    return check_kernels(device)


def clocks() -> str:
    """What the driver says about speed and heat; empty without one."""
    command = ["nvidia-smi", f"--query-gpu={_CLOCKS}", "--format=csv,noheader"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Raise TimeoutError in the middle of Python code that takes longer."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"stopped after {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def attempt(piece: Piece, limit: int, device: torch.device) -> dict[str, Any]:
    """The result of PIECE, or why there is none."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    before, started = clocks(), time.monotonic()
    try:
        with at_most(limit):
            found = {"result": piece()}
    except Exception:  # whatever it is, the next piece may work: keep the reason and go on
        found = {"failed": traceback.format_exc(limit=-4)}
    return {**found, "seconds": time.monotonic() - started, "clocks": [before, clocks()]}


def main() -> None:
    """Run one stage."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stage", type=int, choices=(1, 2, 3, 4), required=True)
    parser.add_argument("--json", type=Path, required=True)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--seconds", type=int, default=560, help="start nothing new after so long")
    options = parser.parse_args()
    device, started = pick_device(options.device), time.monotonic()
    set_up_device(device, "auto", deterministic=False)
    result = {**circumstances(device), "stage": options.stage, "stages": {}}
    for name, (limit, piece) in pieces(options.stage, device).items():
        left = options.seconds - int(time.monotonic() - started)
        if left <= 0:
            result["stages"][name] = {"failed": "no time was left"}
        else:
            result["stages"][name] = attempt(piece, min(limit, left), device)
        write(options.json, result)
        outcome = result["stages"][name]
        print(f"{name}: {outcome.get('seconds', 0):.0f} s {outcome.get('failed', 'done')}", flush=True)


if __name__ == "__main__":
    main()
