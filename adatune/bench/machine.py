"""What figures were measured on: processor, card, driver, versions. Part of every result."""

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import torch

from adatune import __version__
from adatune.device import describe_device

_PACKAGES = ("torch", "triton", "numpy")


def machine(device: torch.device) -> dict[str, Any]:
    """Names and versions, without anything that says whose machine it is."""
    found: dict[str, Any] = {
        "device": describe_device(device),
        "cpu": _processor(),
        "cores": os.cpu_count() or 0,
        "threads": torch.get_num_threads(),
        "system": platform.system(),
        "python": platform.python_version(),
        "adatune": __version__,
        **{name: version for name in _PACKAGES if (version := _version(name))},
    }
    if device.type == "cuda":
        found["compute_capability"] = ".".join(map(str, torch.cuda.get_device_capability(device)))
        found["cuda"], found["cudnn"] = torch.version.cuda, torch.backends.cudnn.version()
    return found


def load() -> float | None:
    """Processes that were running or waiting in the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    listing = Path("/proc/cpuinfo")
    lines = listing.read_text().splitlines() if listing.exists() else []
    names = (line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor() or platform.machine())


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
