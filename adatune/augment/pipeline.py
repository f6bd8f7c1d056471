"""Augments batches of images: draws the parameters, then applies the enabled groups in their order."""

from dataclasses import fields, replace

import torch
from torch import Tensor

from adatune.augment import effects as columns_of
from adatune.augment.corruption import band_filters, transform_bands
from adatune.augment.effects import draw_effects, effects_of
from adatune.augment.finish import Finish, finish
from adatune.augment.operations import (
    GROUP_OF_COLUMN,
    NUM_DRAWS,
    AugmentParameters,
    DrawTable,
    amounts_at,
    draw_amounts,
    draw_table,
    parse_operations,
)
from adatune.errors import UsageError
from adatune.ops.warp import warp


class AugmentPipe(torch.nn.Module):
    """Augments batches of images, each operation on each image with probability `p` times its multiplier."""

    p: Tensor  # 0-dim float32 buffer; 1 until it is set

    def __init__(self, operations: str = "bgc", **parameters: float):
        """Enable OPERATIONS, a preset ("bgc") or names with commas ("xflip,scale,hue").

        Args:
            operations: see operations.py for the presets and names.
            parameters: fields of AugmentParameters instead of the defaults: multipliers of p and strengths,
                as in `AugmentPipe("bgc", hue=0.5, scale_std=0.1)`.

        Raises:
            UsageError: a name is unknown, or a value is below 0.
        """
        super().__init__()
        known = [field.name for field in fields(AugmentParameters)]
        for name in parameters:
            if name not in known:
                raise UsageError(
                    f"No augmentation parameter is called {name!r}; there are {', '.join(known)}."
                )
        enabled = AugmentParameters(**dict.fromkeys(parse_operations(operations), 1.0))
        self.augment_parameters = replace(enabled, **parameters)
        table = draw_table(self.augment_parameters)
        self._column_names = table.names
        self.register_buffer("p", torch.ones([]))
        self.register_buffer("_columns", table.columns, persistent=False)
        self.register_buffer("_numbers", table.numbers, persistent=False)

    @property
    def num_draws(self) -> int:
        """Uniform draws per image; the same whatever is enabled."""
        return NUM_DRAWS

    @property
    def needs_noise(self) -> bool:
        """Whether `forward` makes use of `noise`."""
        return "noise" in self._column_names

    def amounts(self, draws: Tensor) -> dict[str, Tensor]:
        """What each image gets: the enabled operations' amounts by column, [batch] each; 0 is the identity.

        Args:
            draws: uniform in the open interval (0, 1), [batch, num_draws] float32.
        """
        return draw_amounts(self._table(), draws, self.p)

    def forward(
        self,
        images: Tensor,
        percentile: float | None = None,
        draws: Tensor | None = None,
        noise: Tensor | None = None,
    ) -> Tensor:
        """Augment images; twice differentiable, and nothing is read back from a GPU.

        Args:
            images: [batch, 3 or 1, height, width] in [-1, 1], float32 or float64.
            percentile: apply every enabled operation at this quantile of its distribution, for tests.
            draws: uniform in (0, 1), [batch, num_draws] float32: all of each image's parameters. None takes
                them from torch's generator.
            noise: standard normal, of the images' shape, for the operation `noise` alone. None: torch's
                generator.
        """
        groups = {GROUP_OF_COLUMN[name] for name in self._column_names}
        if not groups:
            return images
        height, width = images.shape[2:]
        if percentile is not None:
            effects = effects_of(amounts_at(self._table(), percentile, len(images)), height, width)
        else:
            draws = _random_draws(images) if draws is None else draws
            effects = draw_effects(self._table(), draws, self.p, height, width)
        if self.needs_noise and noise is None:
            noise = torch.randn_like(images)
        noise = noise if self.needs_noise else None
        is_grid, has_color = bool(groups & {"blit", "geom"}), "color" in groups
        x = warp(images, effects[:, columns_of.INVERSE].unflatten(1, (2, 3))) if is_grid else images
        if "filter" in groups:
            if is_grid or has_color:
                x = finish(x, Finish(effects, has_color=has_color), is_grid)
            x = transform_bands(x, band_filters(effects[:, columns_of.GAINS]))
            is_grid = has_color = False
        steps = Finish(effects, noise, has_color, has_cutout="cutout" in groups)
        return finish(x, steps, is_grid) if is_grid or any(steps.switches.values()) else x

    def _table(self) -> DrawTable:
        return DrawTable(self._column_names, self.get_buffer("_columns"), self.get_buffer("_numbers"))


def _random_draws(images: Tensor) -> Tensor:
    # rand includes 0, where a normal would be minus infinity.
    return torch.rand(len(images), NUM_DRAWS, device=images.device).clamp_(min=2.0**-25)
