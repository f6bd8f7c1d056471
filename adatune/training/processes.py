"""The processes that train one run together: who this one is, and what all of them add up or decide."""

import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar, cast

import torch
from torch import Tensor

from adatune.device import pick_device
from adatune.errors import Interrupted, RunError, UsageError
from adatune.training.launch import is_one_of_many

T = TypeVar("T")
_LEAVING_SECONDS, _LEAVING_SECONDS_OF_SUCCESS = 5.0, 60.0


@dataclass(frozen=True)
class Processes:
    """This process among those of the run. Alone, every sum is what it was.

    Tensors on a card are added up by NCCL, tensors on the CPU by gloo, over which decisions go, too: they
    never wait for a card.
    """

    rank: int = 0
    count: int = 1
    place: int = 0  # number of this process on its machine, and of its card
    is_connected: bool = True  # False: nothing is added up; a rehearsal of one process for itself

    @property
    def is_first(self) -> bool:
        """Only the first process writes and speaks."""
        return self.rank == 0

    @property
    def own(self) -> slice:
        """This process's samples among those of a batch: rank, rank + count, ..."""
        return slice(self.rank, None, self.count)

    def device(self, name: str) -> torch.device:
        """The device called NAME; of several processes, each gets the card of its place on its machine.

        Raises:
            UsageError: there is no such device, or no card for this process.
        """
        if self.count == 1:
            return pick_device(name)
        if name not in ("auto", "cuda", "cpu"):
            raise UsageError(
                f"--device {name} is one device, and --gpus {self.count} needs one for each process. Leave "
                "--device out; CUDA_VISIBLE_DEVICES says which cards to use."
            )
        if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
            return torch.device("cpu")
        cards = torch.cuda.device_count()
        if self.place >= cards:
            raise UsageError(
                f"--gpus {self.count} needs a card for each process, and this machine has {cards}. "
                f"Use --gpus {max(cards, 1)}."
            )
        return torch.device("cuda", self.place)

    def add_up(self, *tensors: Tensor) -> None:
        """Replace each tensor by its sum over the processes, the same on all of them."""
        if self.count > 1 and self.is_connected:
            with _losing_no_process():
                for tensor in tensors:
                    torch.distributed.all_reduce(tensor)

    def collect(self, *tensors: Tensor) -> None:
        """Move the sums over the processes to the first one; the others start again from zero."""
        self.add_up(*tensors)
        if not self.is_first:
            for tensor in tensors:
                tensor.zero_()

    def any_of(self, *wishes: bool) -> list[bool]:
        """Which of the wishes any process has; the same answer on all of them."""
        if self.count == 1:
            return list(wishes)
        votes = torch.tensor(wishes, dtype=torch.int32)
        with _losing_no_process():
            torch.distributed.all_reduce(votes, torch.distributed.ReduceOp.MAX)
        return [bool(vote) for vote in votes.tolist()]

    def decided_by_first(self, decide: Callable[[], T]) -> T:
        """What DECIDE returns on the first process. Where it fails there, the others leave without a word.

        Args:
            decide: called on the first process only; what it returns can be pickled.
        """
        if self.count == 1:
            return decide()
        message: list[object] = [None]
        try:
            if self.is_first:
                message = [(decide(),)]
        finally:
            with _losing_no_process():
                torch.distributed.broadcast_object_list(message, device=torch.device("cpu"))
            if message[0] is None and not self.is_first:
                raise SystemExit(1)
        return cast("tuple[T]", message[0])[0]


ALONE = Processes()


@contextmanager
def taking_part() -> Generator[Processes]:
    """This process among those that `launch` or torchrun started together; alone when neither did.

    All of them leave together: none before the first has written the last file.
    """
    if not is_one_of_many():
        yield ALONE
        return
    rank, count = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    processes = Processes(rank, count, int(os.environ.get("LOCAL_RANK", rank)))
    has_cards = torch.cuda.is_available() and torch.distributed.is_nccl_available()
    if has_cards and processes.place < torch.cuda.device_count():
        torch.cuda.set_device(processes.place)
    torch.distributed.init_process_group("cpu:gloo,cuda:nccl" if has_cards else "gloo")
    patience = _LEAVING_SECONDS
    try:
        yield processes
        processes.any_of(True)
        patience = _LEAVING_SECONDS_OF_SUCCESS
    except Interrupted as stop:
        processes.any_of(True)
        if not processes.is_first:
            raise SystemExit(stop.exit_code) from stop  # the first has said it
        raise
    finally:
        # After an error others may be gone, and a card may wait for them for ever: this process does not. But
        # to exit while gloo is still leaving is an abort: a busy machine gets more time after success.
        leaving = threading.Thread(target=torch.distributed.destroy_process_group, daemon=True)
        leaving.start()
        leaving.join(patience)


@contextmanager
def _losing_no_process() -> Generator[None]:
    try:
        yield
    except RuntimeError as error:
        rank, count = torch.distributed.get_rank(), torch.distributed.get_world_size()
        # gloo begins with a line of its source and goes on with advice.
        reason = str(error).splitlines()[0].split("] ", 1)[-1].split(". ")[0]
        raise RunError(
            f"Process {rank} of {count} lost another one, which ended early or cannot be reached ({reason}). "
            "What was saved before is whole; go on with 'adatune train --resume latest'."
        ) from error
