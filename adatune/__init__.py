"""adatune: from a folder of photos to a fine-tuned StyleGAN2 generator. Importing this loads no torch."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from adatune import prep
    from adatune.checkpoints import load
    from adatune.latent.sampling import generate
    from adatune.networks import Discriminator, Generator, NetworkConfig
    from adatune.training.loop import train

__version__ = "0.1.0"

_LAZY = {
    "load": "adatune.checkpoints.load",
    "Generator": "adatune.networks.generator",
    "Discriminator": "adatune.networks.discriminator",
    "NetworkConfig": "adatune.networks.config",
    "train": "adatune.training.loop",
    "generate": "adatune.latent.sampling",
}

__all__ = ["Discriminator", "Generator", "NetworkConfig", "__version__", "generate", "load", "prep", "train"]


def __getattr__(name: str) -> Any:
    if name == "prep":  # the package itself, which can be called
        return import_module("adatune.prep")
    if name not in _LAZY:
        raise AttributeError(f"module 'adatune' has no attribute {name!r}")
    return getattr(import_module(_LAZY[name]), name)
