"""StyleGAN2's networks, and nothing about training."""

from adatune.networks.config import NetworkConfig
from adatune.networks.discriminator import Discriminator
from adatune.networks.generator import Generator
from adatune.networks.precision import set_precision

__all__ = ["Discriminator", "Generator", "NetworkConfig", "set_precision"]
