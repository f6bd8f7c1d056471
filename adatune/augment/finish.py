"""The last steps of augmentation in one: from the grid of the warp to pixels, colour, noise, cutout.

All of it is linear in the picture but for the brightness and the noise that are added, so its derivative is
its own linear part turned round, and the derivative of that the linear part again.
"""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from adatune.augment import effects as columns_of
from adatune.augment.color import transform_color
from adatune.augment.corruption import add_noise, cut_out
from adatune.kernels import may_fuse
from adatune.ops.warp import downsample, padded_taps


class Finish(NamedTuple):
    """What to do to each picture."""

    effects: Tensor  # [batch, effects.COUNT]
    noise: Tensor | None = None  # standard normal, of the pictures' shape; None adds none
    has_color: bool = False
    has_cutout: bool = False
    is_linear: bool = False  # leave out what is added, for derivatives

    @property
    def switches(self) -> dict[str, bool]:
        """The constants of the kernels that turn steps on."""
        return {
            "COLOR": self.has_color,
            "OFFSET": self.has_color and not self.is_linear,
            "NOISE": self.noise is not None,
            "CUTOUT": self.has_cutout,
        }


def finish(x: Tensor, steps: Finish, is_grid: bool) -> Tensor:
    """Apply STEPS to pictures x [batch, 1 or 3, height, width]; nothing but x gets a gradient.

    Args:
        x: pictures, or the grid of `warp` where IS_GRID: then they are filtered to pixels first.
        steps: what to do.
        is_grid: what x is.
    """
    if may_fuse("finish", x, steps.effects, steps.noise):
        return _FusedFinish.apply(x, steps, is_grid)
    return finish_reference(x, steps, is_grid)


def finish_reference(x: Tensor, steps: Finish, is_grid: bool) -> Tensor:
    """The definition of `finish`, one step after the other."""
    effects = steps.effects
    x = downsample(x) if is_grid else x
    if steps.has_color:
        matrix = effects[:, columns_of.MATRIX].unflatten(1, (3, 3))
        x = transform_color(x, matrix, effects[:, columns_of.OFFSET])
    if steps.noise is not None:
        x = add_noise(x, effects[:, columns_of.SIGMA], steps.noise)
    if steps.has_cutout:
        x = cut_out(x, *effects[:, columns_of.CUTOUT].unbind(dim=1))
    return x


class _FusedFinish(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, steps: Finish, is_grid: bool) -> Tensor:
        from adatune.augment.finish_triton import finish_grid, finish_pictures  # triton is optional

        # Without the noise, which does not matter to the derivatives: a picture's memory less.
        ctx.steps, ctx.is_grid = steps._replace(noise=None, is_linear=True), is_grid
        if is_grid:
            return finish_grid(x, padded_taps(x.device), steps.effects, steps.noise, steps.switches)
        return finish_pictures(x, steps.effects, steps.noise, steps.switches)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None]:
        return _FusedAdjoint.apply(grads[0], ctx.steps, ctx.is_grid), None, None


class _FusedAdjoint(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, gradient: Tensor, steps: Finish, is_grid: bool) -> Tensor:
        from adatune.augment.finish_triton import finish_grid_adjoint, finish_pictures  # triton is optional

        ctx.steps, ctx.is_grid = steps, is_grid
        if is_grid:
            return finish_grid_adjoint(gradient, padded_taps(gradient.device), steps.effects, steps.switches)
        return finish_pictures(gradient, steps.effects, None, steps.switches, is_turned=True)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, None, None]:
        return _FusedFinish.apply(grads[0], ctx.steps, ctx.is_grid), None, None
