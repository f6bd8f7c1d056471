"""Compares our training step with the naive one (naive.py) on one machine, in turns, in one run.

python benchmarks/cpu_step.py                    # three sizes, about 15 minutes on two cores
python benchmarks/cpu_step.py --rounds 2 --sizes 16:256 --json none

An iteration is Gmain + Greg/4 + Dmain + Dreg/16 + the average of the generator, by the medians of each. The
goal is a geometric mean of 1.5 over the three sizes. Nothing else should run on the machine.
"""

import argparse
from math import prod
from pathlib import Path
from statistics import median
from typing import Any

import naive
import torch
from naive import NaiveTraining
from recording import RESULTS, circumstances, write

from adatune.bench.config import BenchConfig, Setting, resolve, train_config
from adatune.bench.timing import Stopwatch
from adatune.bench.training import by_phase, interval_of, new_state, random_pictures, to_device
from adatune.training.step import training_step

SIZES = "32:2048,64:2048,64:16384"
CYCLE = 16  # a step at a multiple of it has every phase
GOAL = 1.5


def compare(setting: Setting, device: torch.device, rounds: int) -> dict[str, Any]:
    """Milliseconds by phase of both, and how many times as fast ours is."""
    images = to_device(random_pictures(setting, device), device)
    ours = new_state(setting, device)
    plain = NaiveTraining(train_config(setting, device), (ours.G, ours.D), device)
    for round_number in range(rounds + 1):
        if round_number < 2:  # the first round warms up
            watches = Stopwatch(device), Stopwatch(device)
        ours.step = CYCLE * round_number
        training_step(ours, images, None, watches[0].run)
        for name, phase in plain.phases(images).items():
            watches[1].run(name, phase)
    found = [by_phase(watch.milliseconds()) for watch in watches]
    intervals = {name: interval_of(name, ours.config) for name in found[1]}
    iterations = [sum(median(times[name]) / intervals[name] for name in intervals) for times in found]
    return {
        "resolution": setting.resolution,
        "channel_base": setting.channel_base,
        "batch": setting.batch,
        "rounds": rounds,
        "ours_ms": {name: median(times) for name, times in found[0].items()} | {"iteration": iterations[0]},
        "naive_ms": {name: median(times) for name, times in found[1].items()} | {"iteration": iterations[1]},
        "times_as_fast": iterations[1] / iterations[0],
        "times_as_fast_by_phase": {
            name: median(found[1][name]) / median(found[0][name]) for name in intervals
        },
    }


def main() -> None:
    """Measure every size and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=SIZES, help="resolution:channel base, ...")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--json", type=Path, default=RESULTS / "cpu_step.json", help="file, or none")
    parser.add_argument(
        "--filters", choices=("folded", "depthwise"), default="folded", help="of the naive step"
    )
    options = parser.parse_args()
    naive.filters_are_depthwise = options.filters == "depthwise"
    device = torch.device("cpu")
    result = circumstances(device)
    rows: list[dict[str, Any]] = []
    for size in options.sizes.split(","):
        resolution, base = map(int, size.split(":"))
        config = BenchConfig(resolution=resolution, channel_base=base, batch=options.batch, ops="torch")
        rows.append(compare(resolve(config, "cpu"), device, options.rounds))
        row = rows[-1]
        print(
            f"{resolution}x{resolution}, base {base}: {row['ours_ms']['iteration']:.0f} ms, naive "
            f"{row['naive_ms']['iteration']:.0f} ms, {row['times_as_fast']:.2f} times as fast "
            + " ".join(f"{name} {ratio:.2f}" for name, ratio in row["times_as_fast_by_phase"].items()),
            flush=True,
        )
    mean = prod(row["times_as_fast"] for row in rows) ** (1 / len(rows))
    print(f"geometric mean {mean:.2f} (goal {GOAL})")
    if str(options.json) != "none":
        write(
            options.json,
            {**result, "naive_filters": options.filters, "sizes": rows, "geometric_mean": mean, "goal": GOAL},
        )


if __name__ == "__main__":
    main()
