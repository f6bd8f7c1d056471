"""The named parts of training steps, run with or without a stopwatch, as they stand or from CUDA graphs."""

from contextlib import AbstractContextManager, nullcontext

import torch

from adatune.bench.timing import Stopwatch
from adatune.training.graphs import CudaRecorder, Part, RecordedParts, Recorder
from adatune.training.step import run_directly

_EAGER_WARM_UP, _RECORDED_WARM_UP = 1, 3  # steps that hold every phase


class Parts:
    """Runs the parts that `training_step` hands out."""

    def __init__(self, device: torch.device, with_graphs: bool, recorder: Recorder | None = None) -> None:
        """On DEVICE; WITH_GRAPHS records each part once with RECORDER (None: CUDA's) and replays it."""
        self._recorder = (recorder or CudaRecorder(device)) if with_graphs else None
        self._recorded = None if self._recorder is None else RecordedParts(self._recorder, self._give_up)
        self._stopwatch = Stopwatch(device)
        self.why_not_recorded = ""  # the reason, once a part could not be recorded

    @property
    def warm_up_steps(self) -> int:
        """Steps with every phase to take before anything is timed or recorded."""
        return _EAGER_WARM_UP if self._recorder is None else _RECORDED_WARM_UP

    @property
    def num_recorded(self) -> int:
        """Parts that are replayed."""
        return 0 if self._recorded is None else len(self._recorded)

    def stream(self) -> AbstractContextManager[object]:
        """Where all steps belong: recordings need a stream of their own."""
        return nullcontext() if self._recorder is None else self._recorder.stream()

    def run_directly(self, name: str, part: Part) -> None:
        """As the part stands."""
        run_directly(name, part)

    def run(self, name: str, part: Part) -> None:
        """From its recording, which is made the first time."""
        self._ready(name, part)()

    def timed(self, name: str, part: Part) -> None:
        """The same, with its time taken."""
        self._stopwatch.run(name, self._ready(name, part))

    def milliseconds(self) -> dict[str, list[float]]:
        """The times of `timed`, by part."""
        return self._stopwatch.milliseconds()

    def _ready(self, name: str, part: Part) -> Part:
        return part if self._recorded is None else self._recorded.ready(name, part)

    def _give_up(self, name: str, reason: str) -> None:
        self.why_not_recorded = f"{name}: {reason}"
