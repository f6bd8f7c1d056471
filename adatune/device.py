"""Which device to compute on, in which precision, and what to call it when telling the user."""

import ctypes
import os
import sys
from typing import TYPE_CHECKING, Any

from adatune.errors import UsageError

if TYPE_CHECKING:
    import torch

_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4  # of glibc's malloc.h


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
        name = torch.cuda.get_device_properties(device).name
        return f"{name} ({card_memory(device) / 2**30:.1f} GB)"
    if device.type == "mps":
        return "Apple GPU"
    return f"CPU ({torch.get_num_threads()} threads)"


def card_memory(device: "torch.device") -> int:
    """Bytes of a CUDA card, whatever of them is free."""
    import torch

    return torch.cuda.get_device_properties(device).total_memory


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


def check_precision(device: "torch.device", precision: str, capability: tuple[int, int] | None = None) -> str:
    """What the highest resolutions are computed in on DEVICE: 'fp16', 'bf16' or 'fp32'.

    Args:
        device: computes.
        precision: 'auto', or one of the three, which is checked.
        capability: of the card, (8, 0) for sm_80; None asks the card.

    Raises:
        UsageError: the device has no units for it.
    """
    if precision == "auto":
        return "fp16" if device.type == "cuda" else "fp32"
    if device.type == "cuda" and precision == "bf16":
        import torch

        major, minor = capability or torch.cuda.get_device_capability(device)
        if major < 8:  # some compilers accept it there, and compute it elsewhere, slowly
            raise UsageError(
                "--precision bf16 needs a card of compute capability 8.0 or above (A100, L4, RTX 30 and "
                f"later), and this one has {major}.{minor}. Use --precision fp16, or leave it out."
            )
    if device.type == "cpu" and precision == "fp16":
        raise UsageError(
            "--precision fp16 is for CUDA cards; a CPU has no units for it. Leave it out, or train with "
            "--precision bf16 on a CPU that has bfloat16 units (AVX512-BF16 or AMX)."
        )
    if device.type == "mps" and precision != "fp32":
        raise UsageError(
            f"--precision {precision} is not for a Mac's GPU. Use --precision fp32, or leave it out."
        )
    return precision


def cpu_has_bf16() -> bool:
    """Does this machine's CPU multiply bfloat16 in units made for it (AVX512-BF16, AMX)?

    Without them bfloat16 is correct, and slower than float32.
    """
    import torch

    # torch.cpu.get_capabilities() says it publicly, but only from torch 2.11 on.
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()  # pyright: ignore[reportPrivateUsage]


def set_up_device(device: "torch.device", precision: str, deterministic: bool) -> str:
    """Set how torch computes on DEVICE, for the whole process; before anything is computed on it.

    On CUDA: TF32 for what stays in float32, but not with 'fp32' or DETERMINISTIC; the fastest algorithm of
    cuDNN by trial, but not with DETERMINISTIC, as trials may end differently. With it, an operation that has
    no repeatable form raises instead of drifting. On a CPU: memory is kept between steps.

    Returns: the precision, as `check_precision` does.

    Raises:
        UsageError: as `check_precision` does.
    """
    import torch

    precision = check_precision(device, precision)
    if deterministic:  # read when cuBLAS starts: its workspaces are then never shared between streams
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(deterministic)
    # Only a guard against reading memory that was never written, at the price of writing all of it.
    torch.utils.deterministic.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]
    make_current(device)
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = deterministic
        torch.backends.cudnn.benchmark = not deterministic
        _set_tf32(precision != "fp32" and not deterministic)
    elif device.type == "cpu":
        keep_freed_memory()
    return precision


def make_current(device: "torch.device") -> None:
    """Launch kernels on DEVICE from now on if it is a card: they ignore which card their tensors are on."""
    import torch

    if device.type == "cuda" and ":" in str(device):  # "cuda" alone is the current card
        torch.cuda.set_device(device)


def keep_freed_memory() -> bool:
    """Let the C library keep large freed blocks for the next step instead of handing them back.

    A step frees and asks for the same gigabytes over and over, and the system clears every page of fresh
    memory: 890,000 pages in a step at 64x64 with the full width. Kept, the step took 9.4 s of CPU instead of
    11.0 (once), and at 32x32 7% less (three times). For the whole process, which grows by what is idle (10%).

    Returns: whether the C library took the settings (glibc only).
    """
    try:
        settings: Any = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):  # not Linux, or another C library
        return False
    no_mapping_of_large_blocks = settings(_M_MMAP_MAX, 0)
    no_trimming = settings(_M_TRIM_THRESHOLD, 2**31 - 1)
    return bool(no_mapping_of_large_blocks and no_trimming)


def _set_tf32(is_on: bool) -> None:
    """From torch 2.9 on each library has its own setting; the older ones warn, and mixing them raises."""
    import torch

    backends: Any = torch.backends
    if hasattr(backends.cuda.matmul, "fp32_precision"):
        # All of cuDNN's: where convolutions and recurrent layers differ, torch refuses to read its flags.
        for library in (backends.cuda.matmul, backends.cudnn.conv, backends.cudnn.rnn):
            library.fp32_precision = "tf32" if is_on else "ieee"
    else:
        backends.cuda.matmul.allow_tf32 = backends.cudnn.allow_tf32 = is_on
