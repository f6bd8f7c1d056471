"""The seven geometric operations as one inverse affine matrix per image, for one resampling."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import Tensor


def inverse_affine(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    """The map from places in the result to places in the source, [batch, 3, 3], in pixels from the centre.

    Args:
        amounts: drawn amounts by column name (see pipeline.py), [batch] each; 0 is the identity of every
            operation. Flips and quarter turns are counted, shifts are fractions of the side, scales exponents
            of 2, turns radians. Operations that are absent are left out; others than geometric ones are
            ignored.
        height: pixels.
        width: pixels.

    Raises:
        ValueError: there is no geometric operation among the amounts.

    Source: Karras et al. 2020, arXiv:2006.06676, appendix B.
    """
    parts = [part(amounts, height, width) for name, part in _PARTS.items() if name in amounts]
    if not parts:
        raise ValueError(f"no geometric operation among {', '.join(amounts) or 'nothing'}")
    # The first operation of the table touches the source first, so its inverse acts last: leftmost.
    inverse = parts[0]
    for part in parts[1:]:
        # Not `@`: with TF32 a GPU would round the matrix to 10 bits, half a pixel at a side of 1024.
        inverse = (inverse[:, :, :, None] * part[:, None]).sum(dim=2)
    return inverse


def _matrix(a: Tensor, b: Tensor, x: Tensor, c: Tensor, d: Tensor, y: Tensor) -> Tensor:
    """[[a, b, x], [c, d, y], [0, 0, 1]] per image, [batch, 3, 3]."""
    zero, one = torch.zeros_like(a), torch.ones_like(a)
    return torch.stack([a, b, x, c, d, y, zero, zero, one], dim=-1).reshape(-1, 3, 3)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    zero = torch.zeros_like(x)
    return _matrix(x, zero, zero, zero, y, zero)


def _rotation(angle: Tensor) -> Tensor:
    cosine, sine, zero = angle.cos(), angle.sin(), torch.zeros_like(angle)
    return _matrix(cosine, -sine, zero, sine, cosine, zero)


def _shift(x: Tensor, y: Tensor) -> Tensor:
    zero, one = torch.zeros_like(x), torch.ones_like(x)
    return _matrix(one, zero, x, zero, one, y)


def _flip(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    return _scaling(1 - 2 * amounts["xflip"], torch.ones_like(amounts["xflip"]))


def _quarter_turn(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    return _rotation(amounts["rotate90"] * (math.pi / 2))


def _whole_shift(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    return _shift(-(amounts["xint_x"] * width).round(), -(amounts["xint_y"] * height).round())


def _isotropic(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    factor = torch.exp2(-amounts["scale"])
    return _scaling(factor, factor)


def _turn_before(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    return _rotation(amounts["rotate_before"])


def _anisotropic(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    return _scaling(torch.exp2(-amounts["aniso"]), torch.exp2(amounts["aniso"]))


def _turn_after(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    return _rotation(amounts["rotate_after"])


def _fractional_shift(amounts: Mapping[str, Tensor], height: int, width: int) -> Tensor:
    return _shift(-amounts["xfrac_x"] * width, -amounts["xfrac_y"] * height)


# By the first column each needs, in the order in which they touch the picture.
_PARTS: dict[str, Callable[[Mapping[str, Tensor], int, int], Tensor]] = {
    "xflip": _flip,
    "rotate90": _quarter_turn,
    "xint_x": _whole_shift,
    "scale": _isotropic,
    "rotate_before": _turn_before,
    "aniso": _anisotropic,
    "rotate_after": _turn_after,
    "xfrac_x": _fractional_shift,
}
