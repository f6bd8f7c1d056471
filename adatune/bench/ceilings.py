"""What the machine can do at most: copy bandwidth and matrix products, measured where they are used."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from adatune.bench.timing import time_calls

if TYPE_CHECKING:
    from adatune.bench.count import Counts

_REPEATS = 5
# Large against every cache (an H200 has 60 MB of L2), small against the memory.
_COPY_BYTES = {"cuda": 2**31, "mps": 2**28, "cpu": 2**28}
_SIDES = {"cuda": 8192, "mps": 4096, "cpu": 2048}


@dataclass(frozen=True)
class Ceilings:
    """Measured peaks."""

    bytes_per_second: float  # read and written
    flops_per_second: dict[str, float]  # by dtype; float32 as torch is set up, with TF32 where that is on

    def seconds(self, counts: "Counts") -> float:
        """The least time for COUNTS: products at their peak or bytes at the bandwidth, if that is longer."""
        peaks = self.flops_per_second
        products = sum(flops / peaks.get(dtype, peaks["float32"]) for dtype, flops in counts.flops.items())
        return max(products, counts.bytes_moved / self.bytes_per_second)


def measure_ceilings(device: torch.device) -> Ceilings:
    """Copy a large tensor and multiply large matrices, in each dtype that training may use."""
    flops = {"float32": _products(device, torch.float32)}
    if device.type == "cuda":
        flops["float16"] = _products(device, torch.float16)
        if torch.cuda.is_bf16_supported(including_emulation=False):
            flops["bfloat16"] = _products(device, torch.bfloat16)
    return Ceilings(_bandwidth(device), flops)


def _bandwidth(device: torch.device) -> float:
    size = _COPY_BYTES[device.type]
    if device.type == "cuda":
        size = min(size, torch.cuda.mem_get_info(device)[0] // 4)
    source = torch.ones(size // 4, device=device)
    target = torch.zeros_like(source)
    target.copy_(source)
    return 2 * size / time_calls(lambda: target.copy_(source), device, _REPEATS).low * 1000


def _products(device: torch.device, dtype: torch.dtype) -> float:
    side = _SIDES[device.type]
    a, b = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    out = a @ b
    return 2 * side**3 / time_calls(lambda: torch.mm(a, b, out=out), device, _REPEATS).low * 1000
