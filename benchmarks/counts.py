"""Counts what a training step at 512x512 consists of, ours and the naive one, without computing anything.

python benchmarks/counts.py
"""

from typing import Any

import torch
from naive import NaiveTraining
from recording import RESULTS, circumstances, write

from adatune.bench.config import BenchConfig, Setting, train_config
from adatune.bench.count import Counts, as_if_on_a_card, counting
from adatune.bench.run import count
from adatune.bench.training import interval_of
from adatune.kernels import OpsMode, ops_mode
from adatune.networks import Discriminator, Generator

SIZE = BenchConfig(resolution=512, channel_base=32768, batch=8, precision="fp16")


def ours(ops: OpsMode) -> tuple[Setting, dict[str, Counts]]:
    """With plain torch, or with the kernels."""
    result = count(BenchConfig(**{**vars(SIZE), "ops": ops}))
    return result.setting, result.phases


def naive(setting: Setting) -> dict[str, Counts]:
    """The naive step, on the meta device too; the samples of style mixing decide nothing about its size."""
    device, config = torch.device("meta"), train_config(setting, "meta")
    found: dict[str, Counts] = {}
    with as_if_on_a_card(), ops_mode("torch"):
        with device:
            networks = Generator(config.network), Discriminator(config.network)
        training = NaiveTraining(config, networks, device)
        images = torch.empty(setting.batch, 3, setting.resolution, setting.resolution, device=device)
        for name, phase in training.phases(images).items():
            phase()  # makes the optimiser's state
            with counting() as found[name]:
                phase()
    return found


def summary(phases: dict[str, Counts], setting: Setting) -> dict[str, Any]:
    """Launches, GB and GFLOP by phase and of an average iteration."""
    config = train_config(setting, "meta")
    rows = {
        name: {"launches": c.launches, "gb": c.bytes_moved / 1e9, "gflop": c.all_flops / 1e9}
        for name, c in phases.items()
    }
    rows["iteration"] = {
        key: sum(row[key] / interval_of(name, config) for name, row in rows.items())
        for key in ("launches", "gb", "gflop")
    }
    return rows


def main() -> None:
    """Print a Markdown table and write benchmarks/results/counts.json."""
    setting, plain = ours("torch")
    found = {"fused": ours("auto")[1], "plain": plain, "naive": naive(setting)}
    tables = {name: summary(phases, setting) for name, phases in found.items()}
    titles = [f"{name}: launches | GB" for name in tables]
    print(f"| | {' | '.join(titles)} | GFLOP |\n|---|{'---|' * (2 * len(tables) + 1)}")
    for phase in tables["fused"]:
        rows = [table[phase] for table in tables.values()]
        cells = [f"{row['launches']:,.0f} | {row['gb']:.1f}" for row in rows]
        print(f"| {phase} | {' | '.join(cells)} | {rows[0]['gflop']:,.0f} |")
    write(RESULTS / "counts.json", {**circumstances(torch.device("cpu")), "counts": tables})


if __name__ == "__main__":
    main()
