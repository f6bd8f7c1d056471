"""The 18 operations as a table, and the one place where their parameters are drawn.

Every operation has its own columns of uniform draws, whether or not it is enabled, so switching one on
changes no other. An amount of 0 is the identity of every operation; a closed gate sets it.
"""

from dataclasses import dataclass, fields
from math import pi, sqrt
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from adatune.errors import UsageError

Group = Literal["blit", "geom", "color", "filter", "noise", "cutout"]
Kind = Literal["gate", "choice", "uniform", "normal", "half-normal", "place", "constant"]

# A uniform draw u becomes scale u + offset, and then by kind: a gate is open where u is below p times the
# multiplier, a choice is rounded down, a normal goes through the inverse of its distribution. All are
# multiplied by the strength.
_SCALE_AND_OFFSET: dict[Kind, tuple[float, float]] = {
    "choice": (1, 0),  # of `unit` possibilities
    "uniform": (2, -1),
    "normal": (2, -1),
    "half-normal": (1, 0),
    "place": (1, 0),
    "constant": (0, 1),
}


class Column(NamedTuple):
    """One draw of an image, and the amount it becomes."""

    name: str
    kind: Kind
    strength: str | None = None  # field of AugmentParameters that multiplies the amount
    unit: float = 1.0  # multiplies, too; for a choice the number of possibilities


class Operation(NamedTuple):
    """One row of the table. A gate switches the columns that follow it, up to the next gate."""

    name: str  # what people type, and the field of AugmentParameters that multiplies p
    group: Group
    columns: tuple[Column, ...]


def _operation(name: str, group: Group, *columns: Column) -> Operation:
    return Operation(name, group, (Column("gate", "gate"), *columns))


OPERATIONS: tuple[Operation, ...] = (
    _operation("xflip", "blit", Column("xflip", "choice", unit=2)),
    _operation("rotate90", "blit", Column("rotate90", "choice", unit=4)),
    _operation(
        "xint", "blit", Column("xint_x", "uniform", "xint_max"), Column("xint_y", "uniform", "xint_max")
    ),
    _operation("scale", "geom", Column("scale", "normal", "scale_std")),
    _operation(  # once before and once after `aniso`, which so stretches along any axis
        "rotate",
        "geom",
        Column("rotate_before", "uniform", "rotate_max", pi),
        Column("gate", "gate"),
        Column("rotate_after", "uniform", "rotate_max", pi),
    ),
    _operation("aniso", "geom", Column("aniso", "normal", "aniso_std")),
    _operation(
        "xfrac", "geom", Column("xfrac_x", "normal", "xfrac_std"), Column("xfrac_y", "normal", "xfrac_std")
    ),
    _operation("brightness", "color", Column("brightness", "normal", "brightness_std")),
    _operation("contrast", "color", Column("contrast", "normal", "contrast_std")),
    _operation("lumaflip", "color", Column("lumaflip", "choice", unit=2)),
    _operation("hue", "color", Column("hue", "uniform", "hue_max", pi)),
    _operation("saturation", "color", Column("saturation", "normal", "saturation_std")),
    *(_operation("filter", "filter", Column(f"filter_{band}", "normal", "filter_std")) for band in range(4)),
    _operation("noise", "noise", Column("noise", "half-normal", "noise_std")),
    _operation(
        "cutout",
        "cutout",
        Column("cutout", "constant", "cutout_size"),
        Column("cutout_x", "place"),
        Column("cutout_y", "place"),
    ),
)
NUM_DRAWS = sum(len(operation.columns) for operation in OPERATIONS)
NAMES = tuple(dict.fromkeys(operation.name for operation in OPERATIONS))
GROUP_OF_COLUMN = {
    column.name: row.group for row in OPERATIONS for column in row.columns if column.kind != "gate"
}
AMOUNTS = tuple(GROUP_OF_COLUMN)

_GROUPS: tuple[Group, ...] = ("blit", "geom", "color", "filter", "noise", "cutout")
_GROUPS_OF_PRESET: dict[str, tuple[Group, ...]] = {
    "none": (),
    **{group: (group,) for group in _GROUPS},
    **{name: _GROUPS[:count] for count, name in enumerate(("bg", "bgc", "bgcf", "bgcfn", "bgcfnc"), start=2)},
}
PRESETS: dict[str, tuple[str, ...]] = {
    preset: tuple(dict.fromkeys(operation.name for operation in OPERATIONS if operation.group in groups))
    for preset, groups in _GROUPS_OF_PRESET.items()
}


@dataclass(frozen=True)
class AugmentParameters:
    """How often and how strongly each operation is applied.

    The first fields multiply p: 0 disables an operation, 1 applies it with probability p (`rotate` turns at
    least once with probability p). The others are strengths; their defaults are the published ones.
    """

    xflip: float = 0.0
    rotate90: float = 0.0
    xint: float = 0.0
    scale: float = 0.0
    rotate: float = 0.0
    aniso: float = 0.0
    xfrac: float = 0.0
    brightness: float = 0.0
    contrast: float = 0.0
    lumaflip: float = 0.0
    hue: float = 0.0
    saturation: float = 0.0
    filter: float = 0.0
    noise: float = 0.0
    cutout: float = 0.0

    xint_max: float = 0.125  # whole-pixel shift, fraction of the side
    scale_std: float = 0.2  # log2 of the factor
    rotate_max: float = 1.0  # half turns
    aniso_std: float = 0.2  # log2 of the factor
    xfrac_std: float = 0.125  # shift, fraction of the side
    brightness_std: float = 0.2  # added to pictures in [-1, 1]
    contrast_std: float = 0.5  # log2 of the factor
    hue_max: float = 1.0  # half turns
    saturation_std: float = 1.0  # log2 of the factor
    filter_std: float = 1.0  # log2 of the gain of a band
    noise_std: float = 0.1  # of the standard deviation of the noise
    cutout_size: float = 0.5  # fraction of the side

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if not 0 <= value < float("inf"):
                raise UsageError(
                    f"Augmentation parameter {field.name} is {value}; it must be a number from 0 up."
                )


def parse_operations(names: str) -> tuple[str, ...]:
    """The operations that a preset or a list ('xflip,scale,hue') stands for; 'imgfilter' means 'filter'.

    Raises:
        UsageError: a name is unknown.
    """
    chosen: list[str] = []
    for name in (name.strip().lower() for name in names.split(",")):
        name = "filter" if name == "imgfilter" else name
        if name not in PRESETS and name not in NAMES:
            raise UsageError(
                f"No augmentation is called {name!r}. "
                f"Presets: {', '.join(PRESETS)}. Operations: {', '.join(NAMES)}."
            )
        chosen += PRESETS.get(name, (name,))
    return tuple(dict.fromkeys(chosen))


class DrawTable(NamedTuple):
    """The amounts of the enabled operations as constants of one vector formula; see `draw_amounts`."""

    names: tuple[str, ...]
    # [4, amounts], int64: draws of the gate and of the amount, code of the kind, place in AMOUNTS
    columns: Tensor
    numbers: (
        Tensor  # [5, amounts], float32: multiplier of p, 1 / gates of the operation, scale, offset, strength
    )


PLAIN, ROUNDED_DOWN, NORMAL = range(3)
_CODES: dict[Kind, int] = {"choice": ROUNDED_DOWN, "normal": NORMAL, "half-normal": NORMAL}


def draw_table(parameters: AugmentParameters) -> DrawTable:
    """Prepare the draws of the operations whose multiplier in PARAMETERS is above 0."""
    names: list[str] = []
    columns: list[tuple[int, int, int, int]] = []
    numbers: list[tuple[float, ...]] = []
    place = gate = -1
    for operation in OPERATIONS:
        multiplier = getattr(parameters, operation.name)
        share = 1 / sum(column.kind == "gate" for column in operation.columns)
        for column in operation.columns:
            place += 1
            if column.kind == "gate":
                gate = place
            elif multiplier > 0:
                scale, offset = _SCALE_AND_OFFSET[column.kind]
                strength = getattr(parameters, column.strength) * column.unit if column.strength else 1.0
                if column.kind == "choice":
                    scale = column.unit
                names.append(column.name)
                columns.append((gate, place, _CODES.get(column.kind, PLAIN), AMOUNTS.index(column.name)))
                numbers.append((multiplier, share, scale, offset, strength))
    return DrawTable(
        tuple(names),
        torch.tensor(columns, dtype=torch.int64).reshape(-1, 4).T.contiguous(),
        torch.tensor(numbers, dtype=torch.float32).reshape(-1, 5).T.contiguous(),
    )


def draw_amounts(table: DrawTable, draws: Tensor, p: Tensor) -> dict[str, Tensor]:
    """The amounts of the enabled operations by column name, [batch] each; 0 where the gate is closed.

    Args:
        table: from `draw_table`, on the device of DRAWS.
        draws: uniform in the open interval (0, 1), [batch, NUM_DRAWS] float32.
        p: probability, a 0-dim tensor.
    """
    gates, places = table.columns[:2]
    multiplier, share = table.numbers[:2]
    probability = (multiplier * p).clamp(max=1)
    # An operation of two gates is left out with probability 1 - p when each is closed with sqrt(1 - p).
    probability = torch.where(share < 1, 1 - (1 - probability).sqrt(), probability)
    amounts = _amounts(table, draws[:, places], sqrt(2))
    amounts = torch.where(draws[:, gates] < probability, amounts, 0)
    return dict(zip(table.names, amounts.unbind(dim=1), strict=True))


def amounts_at(table: DrawTable, percentile: float, batch: int) -> dict[str, Tensor]:
    """As `draw_amounts`, but every amount at one PERCENTILE of its distribution and every gate open.

    For tests against published vectors, and so with their two peculiarities: normals lack the factor sqrt 2,
    and the second turn is left out.
    """
    amounts = _amounts(table, torch.full_like(table.numbers[:1], percentile), 1.0)
    amounts = dict(zip(table.names, amounts.expand(batch, -1).unbind(dim=1), strict=True))
    if "rotate_after" in amounts:
        amounts["rotate_after"] = torch.zeros_like(amounts["rotate_after"])
    return amounts


def _amounts(table: DrawTable, draws: Tensor, normal_scale: float) -> Tensor:
    """The amounts of draws [batch, amounts], gates aside."""
    kind = table.columns[2]
    scale, offset, strength = table.numbers[2:]
    x = draws * scale + offset
    x = torch.where(kind == NORMAL, torch.erfinv(x) * normal_scale, x)
    x = torch.where(kind == ROUNDED_DOWN, x.floor(), x)
    return x * strength
