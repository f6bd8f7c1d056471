"""Times computations: by events on a CUDA card, by the clock elsewhere; medians, because machines hiccup."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import torch


@dataclass(frozen=True)
class Times:
    """Milliseconds of one run."""

    median: float
    low: float  # first quartile
    high: float  # third quartile
    repeats: int


class Stopwatch:
    """Times parts of a computation by name. On a card the host waits only when it is asked for results."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._seconds: dict[str, list[float]] = {}
        self._events: dict[str, list[tuple[torch.cuda.Event, torch.cuda.Event]]] = {}

    def run(self, name: str, part: Callable[[], object]) -> None:
        """Run PART and take its time under NAME."""
        if self._device.type == "cuda":
            before, after = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            before.record()
            part()
            after.record()
            self._events.setdefault(name, []).append((before, after))
            return
        wait_for(self._device)
        started = time.perf_counter()
        part()
        wait_for(self._device)
        self._seconds.setdefault(name, []).append(time.perf_counter() - started)

    def milliseconds(self) -> dict[str, list[float]]:
        """All times by name, in the order in which they were taken."""
        wait_for(self._device)
        found = {name: [1000 * second for second in seconds] for name, seconds in self._seconds.items()}
        for name, pairs in self._events.items():
            found[name] = [before.elapsed_time(after) for before, after in pairs]
        return found


def time_calls(call: Callable[[], object], device: torch.device, repeats: int) -> Times:
    """Times of REPEATS calls; whoever asks has warmed up already."""
    stopwatch = Stopwatch(device)
    for _ in range(repeats):
        stopwatch.run("call", call)
    return summarize(stopwatch.milliseconds()["call"])


def summarize(milliseconds: Sequence[float]) -> Times:
    """Median and quartiles."""
    ordered = sorted(milliseconds)
    half = (len(ordered) + 1) // 2  # the quartiles are the medians of the halves
    return Times(median(ordered), median(ordered[:half]), median(ordered[-half:]), len(ordered))


def wait_for(device: torch.device) -> None:
    """Return when everything asked of DEVICE is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
