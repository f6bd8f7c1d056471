"""For gpu_minutes.py: whole training steps, plain and fused, against each other and against the naive step.

Never run on a card so far.
"""

import io
from dataclasses import asdict, replace
from statistics import median
from typing import Any, NamedTuple

import torch
from naive import NaiveTraining

from adatune.bench.ceilings import measure_ceilings
from adatune.bench.config import BenchConfig, Setting, resolve, train_config
from adatune.bench.timing import Stopwatch
from adatune.bench.training import (
    TrainingResult,
    bench_training,
    interval_of,
    new_state,
    random_pictures,
    to_device,
)
from adatune.kernels import ops_mode
from adatune.training.step import training_step


class Run(NamedTuple):
    """One way to train."""

    name: str
    resolution: int
    batch: int
    ops: Any  # torch, auto
    has_graphs: bool
    channel_base: int


def _ways(resolution: int, batch: int, base: int) -> list[Run]:
    return [
        Run(f"{resolution} plain, eager", resolution, batch, "torch", False, base),
        Run(f"{resolution} plain, graphs", resolution, batch, "torch", True, base),
        Run(f"{resolution} fused, eager", resolution, batch, "auto", False, base),
        Run(f"{resolution} fused, graphs", resolution, batch, "auto", True, base),
    ]


TRAINED = [*_ways(512, 8, 32768), *_ways(256, 16, 16384)[3:], *_ways(1024, 4, 32768)[3:]]
MAIN = Run("512 fused, eager", 512, 8, "auto", False, 32768)  # what is profiled and followed
COMPARED = [
    Run("512", 512, 8, "auto", True, 32768),
    Run("256", 256, 16, "auto", True, 16384),
    Run("1024", 1024, 4, "auto", True, 32768),
]


def training(run: Run, device: torch.device) -> dict[str, Any]:
    """Phases, roofline, s/kimg both ways, peak memory."""
    with ops_mode(run.ops):
        result = bench_training(setting_of(run, device), device, measure_ceilings(device), run.has_graphs)
    return _plain(result)


def profile(run: Run, device: torch.device) -> dict[str, Any]:
    """Kernels that two iterations launch, by torch's profiler, the longest first."""
    from torch.profiler import ProfilerActivity
    from torch.profiler import profile as recorded

    state, images = _state_and_images(run, device)
    activity = ProfilerActivity.CUDA if device.type == "cuda" else ProfilerActivity.CPU
    with ops_mode(run.ops):
        training_step(state, images, None)
        with recorded(activities=[activity]) as events:
            for _ in range(2):  # steps 1 and 2: no regulariser
                training_step(state, images, None)
            if device.type == "cuda":
                torch.cuda.synchronize(device)
    rows = events.key_averages()
    is_card = device.type == "cuda"
    spent = {row.key: row.self_device_time_total if is_card else row.self_cpu_time_total for row in rows}
    longest = sorted(rows, key=lambda row: spent[row.key], reverse=True)[:40]
    return {
        "launches_per_iteration": sum(row.count for row in rows) / 2,
        "longest": [{"name": row.key[:120], "count": row.count, "us": spent[row.key]} for row in longest],
    }


def loss_curves(run: Run, device: torch.device, steps: int) -> dict[str, Any]:
    """Means of the statistics over tenths of STEPS, plain and fused, from the same networks and draws."""
    curves: dict[str, Any] = {}
    for ops in ("torch", "auto"):
        state, images = _state_and_images(run, device)
        rows: list[dict[str, Any]] = []
        with ops_mode(ops):
            for step in range(steps):
                training_step(state, images, None)
                if (step + 1) % max(steps // 10, 1) == 0:
                    rows.append({**state.statistics.means(), "p": state.p})
                    state.statistics.clear()
        sound = all(bool(value.isfinite().all()) for value in state.G_ema.state_dict().values())
        curves["plain" if ops == "torch" else "fused"] = {"rows": rows, "all_finite": sound}
    return curves


def continuation(run: Run, device: torch.device, steps: int = 3) -> dict[str, Any]:
    """Whether saving, loading and going on gives the same bits as going on; eager, cuDNN without trials."""
    with ops_mode(run.ops), torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True):
        state, images = _state_and_images(run, device)
        for _ in range(steps):
            training_step(state, images, None)
        file = io.BytesIO()
        torch.save(state.state_dict(), file)
        other, _ = _state_and_images(run, device)
        file.seek(0)
        other.load_state_dict(torch.load(file, map_location="cpu", weights_only=True))
        for one in (state, other):
            for _ in range(steps):
                training_step(one, images, None)
    pairs = zip(state.G.state_dict().items(), other.G.state_dict().values(), strict=True)
    different = [name for (name, a), b in pairs if not torch.equal(a, b)]
    return {"is_equal": not different, "different": different[:5]}


def comparison(run: Run, device: torch.device) -> dict[str, Any]:
    """Seconds a kimg of the naive step and of ours, plain and fused, one after the other in one run."""
    setting, ceilings = setting_of(run, device), measure_ceilings(device)
    naive = naive_milliseconds(setting, device)
    found: dict[str, Any] = {"naive_ms": naive, "naive": naive["iteration"] / setting.batch}
    for name, ops, graphs in (("plain", "torch", False), ("fused", run.ops, run.has_graphs)):
        with ops_mode(ops):
            found[name] = _plain(bench_training(setting, device, ceilings, graphs))
    return found


def naive_milliseconds(setting: Setting, device: torch.device) -> dict[str, float]:
    """Medians by phase, and of an average iteration."""
    config = train_config(setting, device)
    state, watch = new_state(setting, device), Stopwatch(device)
    images = to_device(random_pictures(setting, device), device)
    with ops_mode("torch"):
        naive = NaiveTraining(config, (state.G, state.D), device)
        for round_number in range(setting.repeats + 2):
            if round_number < 2:
                watch = Stopwatch(device)  # the first rounds warm up
            for name, phase in naive.phases(images).items():
                watch.run(name, phase)
    found = {name: median(times) for name, times in watch.milliseconds().items()}
    return {**found, "iteration": sum(ms / interval_of(name, config) for name, ms in found.items())}


def setting_of(run: Run, device: torch.device) -> Setting:
    """RUN as a setting of the benchmark."""
    config = BenchConfig(resolution=run.resolution, channel_base=run.channel_base, batch=run.batch)
    setting = resolve(config, device.type)
    return setting if device.type == "cuda" else replace(setting, repeats=1, iterations=1)


def _state_and_images(run: Run, device: torch.device) -> Any:
    setting = setting_of(run, device)
    return new_state(setting, device), to_device(random_pictures(setting, device), device)


def _plain(result: TrainingResult) -> dict[str, Any]:
    """Plain values, without the list of operations."""
    values = asdict(result)
    for row in values["phases"]:
        del row["counts"]["operations"]
    names = ("seconds_per_kimg", "roofline_seconds_per_kimg", "roofline_fraction")
    return values | {name: getattr(result, name) for name in names}
