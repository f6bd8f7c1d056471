"""Which device to compute on, and what to call it when telling the user."""

import sys
from typing import TYPE_CHECKING

from adatune.errors import UsageError

if TYPE_CHECKING:
    import torch


def pick_device(name: str = "auto") -> "torch.device":
    """The device called NAME; 'auto' takes the first CUDA card, else a Mac's GPU, else the CPU.

    Raises:
        UsageError: the device does not exist on this machine.
    """
    import torch

    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda", 0)
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise UsageError(
            f"--device {name} cannot be used here: {str(error).splitlines()[0]} "
            "Use --device cpu, or leave it out."
        ) from error
    return device


def describe_device(device: "torch.device") -> str:
    """A short name for people: 'NVIDIA L4 (22.5 GB)', 'CPU (2 threads)', 'Apple GPU'."""
    import torch

    if device.type == "cuda":
        card = torch.cuda.get_device_properties(device)
        return f"{card.name} ({card.total_memory / 2**30:.1f} GB)"
    if device.type == "mps":
        return "Apple GPU"
    return f"CPU ({torch.get_num_threads()} threads)"


def memory_gb(device: "torch.device") -> float:
    """The most memory this process has held so far, GB: the card's on CUDA, else the machine's."""
    import torch

    if device.type == "cuda":
        return torch.cuda.max_memory_reserved(device) / 2**30
    try:
        import resource
    except ImportError:  # Windows has no such count
        return float("nan")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (2**30 if sys.platform == "darwin" else 2**20)


def exact_dtype(device: "torch.device | None") -> "torch.dtype":
    """float64, or float32 on a Mac's GPU, which has nothing finer."""
    import torch

    return torch.float32 if device is not None and device.type == "mps" else torch.float64
