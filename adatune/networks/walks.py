"""Walks: ways through latents that sliders move along; linear ones are lines, nonlinear ones learned steps.

A position is what a walk moves: [batch, 1, z_dim] in z, [batch, 1, w_dim] in w (the same for all layers) and
[batch, num_ws, w_dim] in W+ (a w of its own for each layer).

Source: Jahanian et al. 2020, arXiv:1907.07171.
"""

from dataclasses import dataclass
from math import ceil, sqrt

import torch
from torch import Tensor, nn

from adatune.networks import Generator

SPACES = ("z", "w", "w+")
_FIRST_SPREAD = 0.1  # of the numbers in a linear walk before it is learned
# Of what a nonlinear step adds before it is learned, against Glorot's (the published start): from there five
# steps lead far out of W, and much of the learning is the way back.
_FIRST_STEP = 0.1


@dataclass(frozen=True)
class Start:
    """Where walks set out from, and how positions become w."""

    positions: Tensor  # [batch, rows, dim]
    label: Tensor | None  # [1, c_dim]
    psi: float  # truncation; of walks in z it is applied where they arrive


def start(generator: Generator, space: str, latents: Tensor, label: Tensor | None, psi: float) -> Start:
    """The positions in SPACE of LATENTS [batch, z_dim], without gradients, on the generator's device."""
    device = next(generator.parameters()).device
    latents = latents.to(device)
    label = None if label is None else label.to(device)
    if space == "z":
        return Start(latents[:, None], label, psi)
    with torch.no_grad():
        ws = generator.mapping(latents, _for_each(label, len(latents)), psi)
    return Start(ws if space == "w+" else ws[:, :1], label, psi)


def to_ws(generator: Generator, space: str, positions: Tensor, begun: Start) -> Tensor:
    """The w [batch, num_ws, w_dim] of POSITIONS in SPACE that were reached from BEGUN; differentiable."""
    if space == "z":
        return generator.mapping(positions[:, 0], _for_each(begun.label, len(positions)), begun.psi)
    return positions.expand(-1, generator.num_ws, -1)


def shape_of(generator: Generator, space: str) -> tuple[int, int]:
    """Rows and numbers in each row of a position in SPACE."""
    if space == "z":
        return 1, generator.z_dim
    return (generator.num_ws if space == "w+" else 1), generator.config.w_dim


class LinearWalk(nn.Module):
    """position + the sum over sliders of slider * vector."""

    def __init__(self, sliders: int, rows: int, dim: int, source: torch.Generator) -> None:
        """Random vectors, drawn from SOURCE."""
        super().__init__()
        self.vectors = nn.Parameter(_FIRST_SPREAD * torch.randn(sliders, rows, dim, generator=source))

    def forward(self, positions: Tensor, sliders: Tensor) -> Tensor:
        """POSITIONS [batch, rows, dim] moved by SLIDERS [batch or 1, sliders]."""
        return positions + torch.einsum("bs,srd->brd", sliders.to(positions), self.vectors)


class NonlinearWalk(nn.Module):
    """The same learned step again and again: one for forward, another for backward.

    A step adds to each row what two layers make of it. Rows have weights of their own: one pair of layers
    over a whole W+ (the published form) would have 170 million numbers each way at 1024x1024. Between whole
    steps it goes in a line.
    """

    def __init__(
        self,
        rows: int,
        dim: int,
        slider_step: float,
        centre: Tensor | None,
        source: torch.Generator,
        step_psi: float = 1.0,
    ) -> None:
        """Random layers, drawn from SOURCE.

        Args:
            rows: of a position.
            dim: numbers in a row.
            slider_step: how far a step is in slider units.
            centre: mean w that steps are pulled towards by STEP_PSI; None in z, where steps keep the length.
            source: of the draws.
            step_psi: 1 pulls nothing.
        """
        super().__init__()
        self.slider_step, self.step_psi = slider_step, step_psi
        spread = sqrt(1 / dim)  # Glorot's, for layers with as many inputs as outputs
        # weights[direction, layer]: forward and backward, first and second
        weights = spread * torch.randn(2, 2, rows, dim, dim, generator=source)
        weights[:, 1] *= _FIRST_STEP
        self.weights = nn.Parameter(weights)
        self.biases = nn.Parameter(torch.zeros(2, 2, rows, dim))
        self.register_buffer("centre", torch.zeros(0) if centre is None else centre)
        self.centre: Tensor

    def forward(self, positions: Tensor, sliders: Tensor) -> Tensor:
        """POSITIONS [batch, rows, dim] moved by SLIDERS [batch or 1, 1]."""
        steps = (sliders.to(positions)[:, 0] / self.slider_step).expand(len(positions))
        forward = self._walk(positions, steps.clamp(min=0), 0)
        return torch.where(
            (steps >= 0)[:, None, None], forward, self._walk(positions, (-steps).clamp(min=0), 1)
        )

    def _walk(self, positions: Tensor, steps: Tensor, direction: int) -> Tensor:
        lengths = positions.norm(dim=2, keepdim=True)
        for taken in range(ceil(float(steps.max()) - 1e-6)):
            share = (steps - taken).clamp(0, 1)[:, None, None]
            positions = positions.lerp(self._step(positions, lengths, direction), share)
        return positions

    def _step(self, positions: Tensor, lengths: Tensor, direction: int) -> Tensor:
        (first, second), (bias, last) = self.weights[direction], self.biases[direction]
        hidden = torch.einsum("brd,rde->bre", positions, first) + bias
        moved = positions + torch.einsum("brd,rde->bre", hidden.relu(), second) + last
        if len(self.centre) == 0:
            return moved * lengths / moved.norm(dim=2, keepdim=True).clamp_min(1e-8)
        return self.centre + self.step_psi * (moved - self.centre)


Walk = LinearWalk | NonlinearWalk


def make_walk(generator: Generator, space: str, sliders: int, slider_step: float | None, seed: int) -> Walk:
    """A walk with random numbers, where GENERATOR is.

    Args:
        generator: whose latents are walked through.
        space: z, w or w+.
        sliders: of a linear walk; a nonlinear one has one.
        slider_step: how far a step of a nonlinear walk is in slider units; None: a linear walk.
        seed: of the numbers.
    """
    rows, dim = shape_of(generator, space)
    source = torch.Generator().manual_seed(seed)
    device = next(generator.parameters()).device
    if slider_step is None:
        return LinearWalk(sliders, rows, dim, source).to(device)
    centre = None if space == "z" else generator.mapping.w_avg.cpu()
    return NonlinearWalk(rows, dim, slider_step, centre, source).to(device)


def _for_each(label: Tensor | None, count: int) -> Tensor | None:
    return None if label is None else label.expand(count, -1)
