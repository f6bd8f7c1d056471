"""Times the generator as `adatune generate` uses it: pictures a second, one at a time and in batches."""

from dataclasses import dataclass

import torch

from adatune.bench.config import Setting, train_config
from adatune.bench.timing import Times, time_calls
from adatune.networks import Generator


@dataclass(frozen=True)
class GenerationResult:
    """One size of batch."""

    batch: int
    times: Times

    @property
    def images_per_second(self) -> float:
        """By the median."""
        return 1000 * self.batch / self.times.median


def bench_generation(setting: Setting, device: torch.device) -> list[GenerationResult]:
    """Latents to images on the device, stored noise, truncated; without encoding files."""
    generator = Generator(train_config(setting, device).network).requires_grad_(False)
    generator = generator.to(device, memory_format=torch.channels_last)  # pyright: ignore
    return [_time(generator, batch, device, setting.repeats) for batch in sorted({1, setting.batch})]


@torch.no_grad()
def _time(generator: Generator, batch: int, device: torch.device, repeats: int) -> GenerationResult:
    latents = torch.randn(batch, generator.z_dim, device=device)

    def draw() -> object:
        return generator(latents, psi=0.7, noise="const")

    draw()
    return GenerationResult(batch, time_calls(draw, device, repeats))
