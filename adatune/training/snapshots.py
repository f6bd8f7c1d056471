"""Writes networks and states of a run in a thread of its own: training waits for a copy in memory, not for
the disk.
"""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from adatune.checkpoints import save_weights
from adatune.checkpoints.walk_files import WalkDescription, save_walk, walk_beside
from adatune.training import run_folder
from adatune.training.config import TrainConfig
from adatune.training.state import TrainingState, save_state
from adatune.training.trained_walk import SPACE

_Key = tuple[int, int, torch.dtype]  # address, bytes and type of a piece of memory


class Snapshots:
    """The networks and states that a session leaves in its run folder, written one after the other.

    Each `save` copies what is to be written into host memory that was allocated once (pinned, for a card). A
    write that failed raises its error in the training thread: at the next call of any function here. Every
    process calls all of them; the first one writes.
    """

    def __init__(self, state: TrainingState, folder: Path, say: Callable[[str], None]) -> None:
        """Write STATE into FOLDER when asked to; SAY what has been written."""
        self._state, self._folder, self._say = state, folder, say
        self._copies: dict[_Key, Tensor] = {}
        self._thread: threading.Thread | None = None
        self._error: BaseException | None = None
        self._written = ""
        self._has_said_slow = False
        if state.processes.is_first:
            self._on_host(state.state_dict(), set())  # takes the memory, before it is needed in a hurry

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the disk, but not after a second Ctrl-C: a file that is not finished is not there."""
        if kind is None:
            self.wait()
        elif kind is not KeyboardInterrupt and self._thread is not None:
            self._thread.join()

    def save(self) -> None:
        """Write state.pt behind this call."""
        content = self._copy()
        if content is not None:
            self._start(lambda: save_state(content, self._folder / run_folder.STATE))

    def save_network(self, aspect: float) -> None:
        """Write network-*.safetensors, then state.pt, then remove what is no longer kept, behind this call.

        Args:
            aspect: height over width of the photos, for those who look at what the network makes.
        """
        content = self._copy()
        if content is None:
            return
        config = self._state.config
        path = run_folder.network_path(self._folder, self._state.images_shown)

        def write() -> None:
            if config.steer:
                description = WalkDescription(config.steer, SPACE, False, path.stem, _training(config))
                save_walk(content["trained_walk"]["walk"], description, walk_beside(path, config.steer))
            networks = {name: content[name] for name in (("G_ema",) if config.light else ("G_ema", "D"))}
            save_weights(path, networks, config.network, _description(content, config, aspect))
            save_state(content, self._folder / run_folder.STATE)
            run_folder.prune(self._folder, config.keep_last, config.keep_every_kimg)
            self._written = f"Saved {path.name}"

        self._start(write)

    def check(self) -> None:
        """Say what has been written, or raise what went wrong; without waiting."""
        if self._thread is not None and not self._thread.is_alive():
            self.wait()

    def wait(self) -> None:
        """Wait until everything is on disk."""
        if self._thread is None:
            return
        self._thread.join()
        self._thread = None
        if self._error is not None:
            error, self._error = self._error, None
            raise error
        if self._written:
            self._say(self._written)
            self._written = ""

    def _start(self, write: Callable[[], None]) -> None:
        def run() -> None:
            try:
                write()
            except BaseException as error:  # raised again by `wait`, in the training thread
                self._error = error

        self._thread = threading.Thread(target=run, name="adatune-snapshots", daemon=True)
        self._thread.start()

    def _copy(self) -> dict[str, Any] | None:
        """The state in host memory, once the write before is done with it; None where others write."""
        state = self._state
        state.collect_sums()
        if not state.processes.is_first:
            return None
        if self._thread is not None and self._thread.is_alive() and not self._has_said_slow:
            self._has_said_slow = True
            self._say("Training waits for the disk: the last snapshot is still being written.")
        self.wait()
        copied: set[_Key] = set()
        content = self._on_host(state.state_dict(), copied)
        if state.device.type == "cuda":
            torch.cuda.synchronize(state.device)
        self._copies = {key: copy for key, copy in self._copies.items() if key in copied}
        return content

    def _on_host(self, value: Any, copied: set[_Key]) -> Any:
        if isinstance(value, Tensor):
            return self._tensor_on_host(value, copied)
        if isinstance(value, dict):
            return {key: self._on_host(item, copied) for key, item in value.items()}
        if isinstance(value, list):
            return [self._on_host(item, copied) for item in value]
        return value

    def _tensor_on_host(self, tensor: Tensor, copied: set[_Key]) -> Tensor:
        """A view of the copy of TENSOR's memory, which it shares with a whole network's parameters."""
        storage = tensor.untyped_storage()
        key = (storage.data_ptr(), storage.nbytes(), tensor.dtype)
        if key not in copied:
            whole = tensor.detach().as_strided((storage.nbytes() // tensor.element_size(),), (1,), 0)
            if key not in self._copies:
                self._copies[key] = torch.empty_like(whole, device="cpu", pin_memory=tensor.is_cuda)
            self._copies[key].copy_(whole, non_blocking=tensor.is_cuda)
            copied.add(key)
        return self._copies[key].as_strided(tensor.size(), tensor.stride(), tensor.storage_offset())


def _description(content: dict[str, Any], config: TrainConfig, aspect: float) -> dict[str, Any]:
    return {
        "aspect": aspect,
        "augment_p": content["strength"]["p"],
        "kimg": content["images_shown"] / 1000,
        "augs": config.augs,
    }


def _training(config: TrainConfig) -> dict[str, Any]:
    """How a walk was trained, for people."""
    return {
        "loss": "l2 and the discriminator's",
        "weight": config.steer_weight,
        "batch": config.batch,
        "learning_rate": config.steer_learning_rate,
        "seed": config.seed,
    }
