"""Times the augmentation forwards and through its first and second derivatives, which training all needs."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from adatune.augment import AugmentPipe
from adatune.bench.config import STRENGTH, Setting
from adatune.bench.timing import Times, time_calls


@dataclass(frozen=True)
class AugmentationResult:
    """One depth of differentiation; each includes the ones before."""

    name: str  # forward, first derivative, second derivative
    batch: int
    times: Times

    @property
    def images_per_second(self) -> float:
        """By the median."""
        return 1000 * self.batch / self.times.median


def bench_augmentation(setting: Setting, device: torch.device) -> list[AugmentationResult]:
    """Random pictures through the pipe at half strength; nothing without augmentation."""
    if setting.augs == "none":
        return []
    pipe = AugmentPipe(setting.augs).to(device)
    pipe.p.fill_(STRENGTH)
    size = (setting.batch, 3, setting.resolution, setting.resolution)
    images = (torch.rand(size, device=device) * 2 - 1).requires_grad_()
    results: list[AugmentationResult] = []
    for name, call in _calls(pipe, images).items():
        call()
        times = time_calls(call, device, setting.repeats)
        results.append(AugmentationResult(name, setting.batch, times))
    return results


def _calls(pipe: AugmentPipe, images: Tensor) -> dict[str, Callable[[], object]]:
    # The square makes the gradient depend on the images, as the discriminator does.
    def forward() -> Tensor:
        return pipe(images).square().sum()

    def first() -> Tensor:
        return torch.autograd.grad(forward(), images, create_graph=True)[0]

    def second() -> Tensor:
        return torch.autograd.grad(first().square().sum(), images)[0]

    return {"forward": forward, "first derivative": first, "second derivative": second}
