"""The processes that train one run together: who this one is, and sums over all of them."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Processes:
    """This process among those of the run. Alone, every sum is what it was."""

    rank: int = 0
    count: int = 1

    @property
    def is_first(self) -> bool:
        """Only the first process writes and speaks."""
        return self.rank == 0

    def add_up(self, *tensors: Tensor) -> None:
        """Replace each tensor by its sum over the processes, the same on all of them."""
        if self.count > 1:
            for tensor in tensors:
                torch.distributed.all_reduce(tensor)


ALONE = Processes()
