"""The parts of a training step as CUDA graphs: recorded once, then launched as one.

A step is thousands of small launches, and a fast card waits for them. Nothing in a part depends on a number
that the host knows (draws read the step from the card, p and all averages live there), so that a recording of
step 20 replayed at step 21 is step 21.
"""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

import torch
from torch import Tensor

from adatune.training.config import TrainConfig
from adatune.training.state import TrainingState
from adatune.training.step import training_step

Part = Callable[[], None]


def warm_up_steps(config: TrainConfig) -> int:
    """Steps to take before anything is recorded: every phase at least once, and those of each step often.

    Libraries pick algorithms and load kernels in them, and what does not fit the memory is found.
    """
    return max(config.path_length_interval, config.r1_interval, 2) + 1


class Recorder(Protocol):
    """What records a part and gives back its replay."""

    def stream(self) -> AbstractContextManager[object]: ...  # noqa: D102
    def record(self, part: Part) -> Part: ...  # noqa: D102


class CudaRecorder:
    """Records into CUDA graphs that share one memory pool.

    Parts never overlap and hand one another nothing but parameters, gradients, averages and batches, whose
    memory is older than any recording; so the pool is as large as its largest part.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._stream = torch.cuda.Stream(device)
        self._pool = torch.cuda.graph_pool_handle()

    @contextmanager
    def stream(self) -> Iterator[None]:
        """The side stream of all steps, recorded or not: gradients remember the stream they came to be on."""
        main = torch.cuda.current_stream(self._device)
        self._stream.wait_stream(main)
        try:
            with torch.cuda.stream(self._stream):
                yield
        finally:
            main.wait_stream(self._stream)

    def record(self, part: Part) -> Part:
        """Record PART, without running it, and return what runs it."""
        graph = torch.cuda.CUDAGraph()
        # thread_local: the loader's thread may go on pinning memory meanwhile.
        with torch.cuda.graph(graph, pool=self._pool, stream=self._stream, capture_error_mode="thread_local"):
            part()
        return graph.replay


class RecordedParts:
    """Parts by name, each recorded the first time it is asked for, until one cannot be."""

    def __init__(self, recorder: Recorder, give_up: Callable[[str, str], None]) -> None:
        """Record with RECORDER; tell GIVE_UP the name of the part that could not be, and why."""
        self._recorder, self._give_up = recorder, give_up
        self._replays: dict[str, Part] = {}
        self._is_given_up = False

    def __len__(self) -> int:
        """Parts that are replayed."""
        return len(self._replays)

    def ready(self, name: str, part: Part) -> Part:
        """What does PART: its replay, or after giving up itself."""
        if name not in self._replays and not self._is_given_up:
            try:
                self._replays[name] = self._recorder.record(part)
            except RuntimeError as error:
                self._is_given_up = True
                self._replays.clear()
                self._give_up(name, (str(error) or type(error).__name__).splitlines()[0])
        return self._replays.get(name, part)


class RecordedSteps:
    """Takes training steps, from recordings as soon as it can."""

    def __init__(
        self,
        recorder: Recorder,
        announce: Callable[[str], None],
        warm_up_steps: int,
    ) -> None:
        """Record with RECORDER after so many steps; say through ANNOUNCE when recording is given up."""
        self._recorder, self._announce, self._warm_up_left = recorder, announce, warm_up_steps
        self._parts = RecordedParts(recorder, self._give_up)
        self._batch: tuple[Tensor, Tensor | None] | None = None

    @property
    def num_recorded(self) -> int:
        """Parts that are replayed."""
        return len(self._parts)

    def __call__(self, state: TrainingState, images: Tensor, labels: Tensor | None) -> None:
        """Take one step; arguments as in `training_step`."""
        images, labels = self._at_fixed_addresses(images, labels)
        with self._recorder.stream():
            training_step(state, images, labels, self._run)
        if self._warm_up_left:
            self._warm_up_left -= 1

    def _at_fixed_addresses(self, images: Tensor, labels: Tensor | None) -> tuple[Tensor, Tensor | None]:
        if self._batch is None:
            self._batch = images.clone(), None if labels is None else labels.clone()
        else:
            self._batch[0].copy_(images)
            if self._batch[1] is not None and labels is not None:
                self._batch[1].copy_(labels)
        return self._batch

    def _run(self, name: str, part: Part) -> None:
        (part if self._warm_up_left else self._parts.ready(name, part))()

    def _give_up(self, name: str, reason: str) -> None:
        self._announce(
            f"CUDA graphs are not used: {name} could not be recorded ({reason}). "
            "Training goes on without them, more slowly."
        )
