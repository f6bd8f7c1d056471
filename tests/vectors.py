"""Read the reference vectors of tests/data and compare with them.

They hold numbers of the published StyleGAN2-ADA code, run on a CPU in fp32 (tests/data/make_vectors.py).
"""

import json
import lzma
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load
from torch import Tensor

DATA = Path(__file__).parent / "data"
OUTPUT_TOLERANCE, GRADIENT_TOLERANCE = 1e-4, 1e-3  # of the largest magnitude


@dataclass(frozen=True)
class Vectors:
    """Tensors by name, and the settings they were made with."""

    tensors: dict[str, Tensor]
    settings: dict[str, Any]

    def __getitem__(self, name: str) -> Tensor:
        return self.tensors[name].clone()

    def get(self, name: str) -> Tensor | None:
        """The tensor of that name, or None."""
        return self[name] if name in self.tensors else None

    def state(self, prefix: str) -> dict[str, Tensor]:
        """The tensors under PREFIX ("G." or "D."), without it: a state dict."""
        return {
            key.removeprefix(prefix): value for key, value in self.tensors.items() if key.startswith(prefix)
        }


@cache
def read_vectors(name: str) -> Vectors:
    """The vectors of tests/data/NAME.safetensors.xz."""
    raw = lzma.decompress((DATA / f"{name}.safetensors.xz").read_bytes())
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    return Vectors(load(raw), json.loads(header["__metadata__"]["settings"]))


def relative_error(actual: Tensor, expected: Tensor) -> float:
    """Largest difference over the largest expected magnitude; 0 where both are below 1e-6."""
    assert actual.shape == expected.shape, f"{list(actual.shape)} is not {list(expected.shape)}"
    if actual.numel() == 0 or max(actual.abs().max(), expected.abs().max()) < 1e-6:
        return 0.0
    return ((actual - expected).abs().max() / max(expected.abs().max().item(), 1e-6)).item()


def gradient_sketch(gradient: np.ndarray) -> np.ndarray:
    """Nine numbers of a gradient: its largest magnitude, and its dot products with 8 vectors of +-1."""
    flat = gradient.astype(np.float64).ravel()
    signs = np.random.RandomState(flat.size).randint(0, 2, (8, flat.size)) * 2 - 1
    return np.concatenate([[np.abs(flat).max()], signs @ flat]).astype(np.float32)


def gradient_error(actual: Tensor, vectors: Vectors, name: str) -> float:
    """Relative error of one gradient; NAME is PHASE.PARAMETER. One that is not among the vectors is zero.

    Of a sketch, the error of a dot product is measured against the largest magnitude of the gradient itself,
    so one wrong number shows as clearly as in the gradient, and many more so.
    """
    whole, sketch = vectors.get(f"grad.{name}"), vectors.get(f"sketch.{name}")
    if sketch is None:
        return relative_error(actual, torch.zeros_like(actual) if whole is None else whole)
    ours = torch.from_numpy(gradient_sketch(actual.detach().numpy()))
    if max(ours[0], sketch[0]) < 1e-6:
        return 0.0
    return ((ours - sketch).abs().max() / max(sketch[0].item(), 1e-6)).item()


def worst_gradient_error(
    loss: Tensor, network: torch.nn.Module, vectors: Vectors, phase: str
) -> tuple[float, str]:
    """The largest `gradient_error` over the parameters of NETWORK, and the parameter's name."""
    names, parameters = zip(*network.named_parameters(), strict=True)
    gradients = torch.autograd.grad(loss, parameters, allow_unused=True)
    return max(
        (gradient_error(torch.zeros_like(p) if g is None else g, vectors, f"{phase}.{name}"), name)
        for name, p, g in zip(names, parameters, gradients, strict=True)
    )
