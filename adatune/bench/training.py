"""Times training phase by phase, counts what each phase does, and checks the sum against the clock."""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from math import lcm

import torch
from torch import Tensor

from adatune.bench.ceilings import Ceilings
from adatune.bench.config import Setting, train_config
from adatune.bench.count import Counts, as_if_on_a_card, counting
from adatune.bench.parts import Parts
from adatune.bench.timing import Times, summarize, time_calls, wait_for
from adatune.device import memory_gb
from adatune.networks import Discriminator, Generator
from adatune.networks.layers import FILTER_TAPS
from adatune.ops.convolution import operand_dtype
from adatune.ops.upfirdn2d import resampling_filter
from adatune.training.config import TrainConfig
from adatune.training.state import TrainingState
from adatune.training.step import training_step

PHASES = ("Gmain", "Greg", "Dmain", "Dreg", "average")  # "Gmain update" is counted with Gmain, and so on


@dataclass(frozen=True)
class Phase:
    """One phase, or a part of the rest."""

    name: str
    interval: int  # it runs in every so many iterations
    times: Times
    counts: Counts
    roofline_ms: float  # the least that the counted work takes on this machine

    @property
    def share_ms(self) -> float:
        """Of an average iteration."""
        return self.times.median / self.interval


@dataclass(frozen=True)
class TrainingResult:
    """How fast training is, and why."""

    batch: int
    has_graphs: bool  # phases were replayed from CUDA graphs
    why_no_graphs: str  # empty where they were not asked for, or could be recorded
    phases: list[Phase]
    wall_seconds_per_kimg: float  # whole iterations by the clock; regularisers weighted by their intervals
    wall_iterations: int
    memory_gb: float  # the most held so far: the card's on CUDA, else the process's

    @property
    def seconds_per_kimg(self) -> float:
        """1000/batch x (Gmain + Greg/4 + Dmain + Dreg/16 + the rest)."""
        return sum(phase.share_ms for phase in self.phases) / self.batch

    @property
    def roofline_seconds_per_kimg(self) -> float:
        """The same with each phase at its roofline."""
        return sum(phase.roofline_ms / phase.interval for phase in self.phases) / self.batch

    @property
    def roofline_fraction(self) -> float:
        """How much of what the machine could do is reached; 1 is all of it."""
        return self.roofline_seconds_per_kimg / self.seconds_per_kimg


def bench_training(
    setting: Setting, device: torch.device, ceilings: Ceilings, graphs: bool | None = None
) -> TrainingResult:
    """Time each phase of a training run on random pictures, then whole iterations.

    Args:
        setting: what is trained.
        device: where.
        ceilings: measured peaks of DEVICE.
        graphs: replay captured phases; None where that is supported.
    """
    state, pictures = new_state(setting, device), random_pictures(setting, device)
    images = to_device(pictures, device)
    parts = Parts(device, with_graphs=device.type == "cuda" if graphs is None else graphs)
    cycle = lcm(state.config.path_length_interval, state.config.r1_interval)  # steps with all phases

    def take(steps: range, run: Callable[[str, Callable[[], None]], None]) -> None:
        for step in steps:
            state.step = step
            with parts.stream(), _operands(setting, device):
                images.copy_(to_device(pictures, device))
                training_step(state, images, None, run)

    take(range(0, parts.warm_up_steps * cycle, cycle), parts.run_directly)
    counts = {name: Counts() for name in PHASES}
    take(range(cycle, 2 * cycle, cycle), _counting_run(counts))
    take(range(cycle, 2 * cycle, cycle), parts.run)  # records where there is something to record
    take(range(0, setting.repeats * cycle, cycle), parts.timed)
    times = {name: summarize(found) for name, found in by_phase(parts.milliseconds()).items()}
    with counting() as counts["data"]:
        to_device(pictures, device)
    times["data"] = time_calls(lambda: to_device(pictures, device), device, setting.repeats)
    phases = [
        Phase(name, interval_of(name, state.config), times[name], found, 1000 * ceilings.seconds(found))
        for name, found in counts.items()
    ]
    wait_for(device)
    steps, started = range(1, 1 + setting.iterations), time.perf_counter()
    take(steps, parts.run)
    wait_for(device)
    wall = 1000 * (time.perf_counter() - started)
    return TrainingResult(
        batch=setting.batch,
        has_graphs=parts.num_recorded > 0,
        why_no_graphs=parts.why_not_recorded,
        phases=phases,
        wall_seconds_per_kimg=_average_iteration(wall, steps, phases) / setting.batch,
        wall_iterations=setting.iterations,
        memory_gb=memory_gb(device),
    )


def count_training(setting: Setting, is_card: bool) -> dict[str, Counts]:
    """What each phase does, without computing anything and without memory: on torch's meta device.

    Args:
        setting: what would be trained.
        is_card: with the kernels of a card, if they are asked for; else as on a CPU. What a CPU does by
            reading values (the augmentation looks only where it must) cannot be counted so.
    """
    device, counts = torch.device("meta"), {name: Counts() for name in PHASES}
    with _card_if(is_card):
        with device:
            state = new_state(setting, device)
        _give_filters_values(state)
        images = torch.empty(setting.batch, 3, setting.resolution, setting.resolution, device=device)
        with counting():  # constants are made and kept in the first step, which is not looked at
            training_step(state, images, None)
        state.step = lcm(state.config.path_length_interval, state.config.r1_interval)
        training_step(state, images, None, _counting_run(counts))
    return counts


def interval_of(phase: str, config: TrainConfig) -> int:
    """PHASE runs in every so many iterations."""
    return {"Greg": config.path_length_interval, "Dreg": config.r1_interval}.get(phase, 1)


def random_pictures(setting: Setting, device: torch.device) -> Tensor:
    """One batch of uint8 pictures on the host, pinned where that helps."""
    size = (setting.batch, 3, setting.resolution, setting.resolution)
    pictures = torch.randint(0, 256, size, dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    return pictures.pin_memory() if device.type == "cuda" else pictures


def to_device(pictures: Tensor, device: torch.device) -> Tensor:
    """A batch as training gets it: [batch, channels, height, width] in [-1, 1]."""
    return pictures.to(device, non_blocking=True).float() / 127.5 - 1


def new_state(setting: Setting, device: torch.device) -> TrainingState:
    """Fresh networks, the same on every device."""
    config = train_config(setting, device)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        G, D = Generator(config.network), Discriminator(config.network)
    return TrainingState(config, (G, D, copy.deepcopy(G)), None, device)


def _give_filters_values(state: TrainingState) -> None:
    """The filter's kernel is chosen by the filter's values, which meta tensors do not have."""
    for network in (state.G, state.D, state.G_ema):
        for module in network.modules():
            if "resample_filter" in dict(module.named_buffers(recurse=False)):
                module.register_buffer("resample_filter", resampling_filter(FILTER_TAPS))


def _counting_run(counts: dict[str, Counts]) -> Callable[[str, Callable[[], None]], None]:
    """Runs a part and adds what it does to the counts of its phase."""

    def run(name: str, part: Callable[[], None]) -> None:
        with counting(counts[_phase_of(name)]):
            part()

    return run


def _phase_of(part: str) -> str:
    return part.removesuffix(" update")


def by_phase(milliseconds: dict[str, list[float]]) -> dict[str, list[float]]:
    """Times by phase from those of its parts, each of which ran as often as the others."""
    found: dict[str, list[float]] = {}
    for part, times in milliseconds.items():
        before = found.get(_phase_of(part), [0.0] * len(times))
        found[_phase_of(part)] = [a + b for a, b in zip(before, times, strict=True)]
    return found


def _average_iteration(milliseconds: float, steps: range, phases: list[Phase]) -> float:
    """Milliseconds of an average iteration from those of STEPS.

    A few iterations hold a regulariser more or less often than the average; what is over or missing is made
    up with its median.
    """
    for phase in phases:
        times_run = sum(step % phase.interval == 0 for step in steps)
        milliseconds += (len(steps) / phase.interval - times_run) * phase.times.median
    return milliseconds / len(steps)


def _operands(setting: Setting, device: torch.device) -> AbstractContextManager[object]:
    """On a CPU bf16 is the type of the convolutions' operands alone."""
    is_bf16 = device.type == "cpu" and setting.precision == "bf16"
    return operand_dtype(torch.bfloat16) if is_bf16 else nullcontext()


@contextmanager
def _card_if(is_card: bool) -> Iterator[None]:
    if not is_card:
        yield
        return
    with as_if_on_a_card():
        yield
