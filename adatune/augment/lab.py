"""sRGB to CIE L*a*b* and back, so that lightness and colour can be edited apart.

Sources: IEC 61966-2-1 (sRGB, whose white is D65); CIE 15:2004, section 8.2.
"""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

_XYZ_OF_RGB = np.array(
    [[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]]
)
# X, Y and Z of which white has 1 each, and the way back.
_RATIOS_OF_RGB = _XYZ_OF_RGB / _XYZ_OF_RGB.sum(axis=1, keepdims=True)
_RGB_OF_RATIOS = np.linalg.inv(_RATIOS_OF_RGB)
_BEND = 6 / 29  # of the cube root, which is a line below


def rgb_to_lab(images: Tensor) -> Tensor:
    """IMAGES [batch, 3, height, width] in [0, 1] as L, from 0 to 100, a and b."""
    linear = torch.where(images > 0.04045, ((images + 0.055) / 1.055).clamp(min=0) ** 2.4, images / 12.92)
    ratios = _mixed(linear, _RATIOS_OF_RGB)
    roots = ratios.clamp(min=_BEND**3) ** (1 / 3)
    x, y, z = torch.where(ratios > _BEND**3, roots, ratios / (3 * _BEND**2) + 4 / 29).unbind(dim=1)
    return torch.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], dim=1)


def lab_to_rgb(images: Tensor) -> Tensor:
    """What `rgb_to_lab` undoes, in [0, 1]; of colours that sRGB lacks each channel is cut to that."""
    lightness, a, b = images.unbind(dim=1)
    y = (lightness + 16) / 116
    roots = torch.stack([y + a / 500, y, y - b / 200], dim=1)
    ratios = torch.where(roots > _BEND, roots**3, 3 * _BEND**2 * (roots - 4 / 29))
    linear = _mixed(ratios, _RGB_OF_RATIOS).clamp(0, 1)
    curve = 1.055 * linear.clamp(min=0.0031308) ** (1 / 2.4) - 0.055
    return torch.where(linear > 0.0031308, curve, 12.92 * linear).clamp(0, 1)


def _mixed(images: Tensor, matrix: NDArray[np.floating[Any]]) -> Tensor:
    # Number by number: a product of matrices may round to TF32 on a card, and a CUDA graph records no copy
    # of a matrix to it.
    x, y, z = images.unbind(dim=1)
    return torch.stack([a * x + b * y + c * z for a, b, c in matrix.tolist()], dim=1)
