"""What the drawn amounts mean for the pixels: one row of numbers for each image."""

from collections.abc import Mapping

import torch
from torch import Tensor

from adatune.augment.color import color_map
from adatune.augment.corruption import band_gains
from adatune.augment.geometry import inverse_affine
from adatune.augment.operations import GROUP_OF_COLUMN, DrawTable, draw_amounts
from adatune.kernels import may_fuse

# Columns of a row.
INVERSE = slice(0, 6)  # from places in the result to places in the source, [2, 3]
MATRIX = slice(6, 15)  # of the colours, [3, 3]
OFFSET = 15  # added to all colours
SIGMA = 16  # of the noise
CUTOUT = slice(17, 20)  # size, centre x, centre y
GAINS = slice(20, 24)  # of the four bands
COUNT = 24


def draw_effects(table: DrawTable, draws: Tensor, p: Tensor, height: int, width: int) -> Tensor:
    """The effects on each image of `draw_amounts`, [batch, COUNT] float32.

    Args:
        table: from `draw_table`, on the device of DRAWS.
        draws: uniform in the open interval (0, 1), [batch, NUM_DRAWS] float32.
        p: probability, a 0-dim tensor.
        height: of the images, pixels.
        width: of the images, pixels.
    """
    if may_fuse("augment_draw", draws, p):
        from adatune.augment.effects_triton import fused_effects  # triton is optional

        return fused_effects(table, draws, p, height, width)
    return effects_of(draw_amounts(table, draws, p), height, width)


def effects_of(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    """The effects of amounts [batch] by column name, [batch, COUNT]; the identity where absent."""
    like = next(iter(amounts.values()))
    effects = _no_effects(like)
    groups = {GROUP_OF_COLUMN[name] for name in amounts}
    if groups & {"blit", "geom"}:
        inverse = inverse_affine(_select(amounts, "blit", "geom"), height, width)
        effects[:, INVERSE] = inverse[:, :2].flatten(1)
    if "color" in groups:
        matrix, effects[:, OFFSET] = color_map(_select(amounts, "color"))
        effects[:, MATRIX] = matrix.flatten(1)
    if "noise" in groups:
        effects[:, SIGMA] = amounts["noise"]
    if "cutout" in groups:
        effects[:, CUTOUT] = torch.stack(
            [amounts[name] for name in ("cutout", "cutout_x", "cutout_y")], dim=1
        )
    if "filter" in groups:
        effects[:, GAINS] = band_gains(amounts)
    return effects


def _no_effects(like: Tensor) -> Tensor:
    effects = like.new_zeros(len(like), COUNT)
    for ones in (effects[:, INVERSE][:, ::4], effects[:, MATRIX][:, ::4], effects[:, GAINS]):
        ones.fill_(1)  # assigning a number makes a tensor of it first on some versions of torch
    return effects


def _select(amounts: Mapping[str, Tensor], *groups: str) -> dict[str, Tensor]:
    return {name: amount for name, amount in amounts.items() if GROUP_OF_COLUMN[name] in groups}
