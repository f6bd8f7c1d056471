"""Which network is this, and was it fine-tuned from the same one as that? Directions and blends ask.

Fine-tuning leaves weights near where they were; networks that began apart have nothing in common. Measured
on the affine weights of `demo32`: 0.993 with a child of 10 kimg, 0.006 with a network drawn from another
seed, and 0.84 with the draw that it was itself trained from: one seed is a kinship too, while training is
short. The mapping says less (0.9998 and 0.9997): its weights are so large that training hardly moves them.
"""

import hashlib
import json
from pathlib import Path

import torch
from torch import Tensor

from adatune.networks import Generator

_KIN = 0.2  # correlation from which on two networks are related; chance gives 0 +- 0.016 for 4096 weights
_SKETCH = 4096  # weights in a sketch


def name_of(network: Path) -> str:
    """What a person calls the file NETWORK: its stem, after its run's name where it belongs to one."""
    is_of_run = (network.parent / "config.toml").is_file()
    return f"{network.parent.resolve().name}/{network.stem}" if is_of_run else network.stem


def content_hash(generator: Generator) -> str:
    """SHA-256 of what GENERATOR is made of, in hexadecimal, whatever file it came in."""
    digest = hashlib.sha256(json.dumps(generator.config.to_dict(), sort_keys=True).encode())
    for name, tensor in sorted(generator.state_dict().items()):
        digest.update(f"{name} {list(tensor.shape)}".encode())
        digest.update(tensor.detach().to("cpu", torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()


def weight_sketch(generator: Generator) -> Tensor:
    """Up to 4096 weights that stand for all: evenly spaced ones of each layer's affine map, standardised.

    Returns: [about 4096], float32, on the CPU; each layer's part has mean 0 and variance 1.
    """
    weights = [layer.affine.weight.detach().flatten() for layer in generator.synthesis.layers]
    return torch.cat([_standardised(_evenly(part, _SKETCH // len(weights))) for part in weights]).cpu()


def kinship(first: Tensor, second: Tensor) -> float:
    """Correlation of two sketches, -1 to 1: near 1 for a network and its child, near 0 for strangers.

    Sketches of different lengths are of different architectures: 0.
    """
    if first.shape != second.shape:
        return 0.0
    return float(torch.nn.functional.cosine_similarity(first.double(), second.double(), dim=0))


def are_kin(likeness: float, sketch: Tensor) -> bool:
    """Is LIKENESS, the kinship of a network with that of SKETCH, more than what chance could give?"""
    return likeness >= max(_KIN, 4 / len(sketch) ** 0.5)  # tiny networks have short sketches


def _evenly(values: Tensor, count: int) -> Tensor:
    places = torch.linspace(0, len(values) - 1, min(count, len(values)), dtype=torch.float64)
    return values[places.round().long().to(values.device)].float()


def _standardised(values: Tensor) -> Tensor:
    return (values - values.mean()) / values.std().clamp_min(1e-12)
