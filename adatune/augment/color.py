"""The five colour operations as one affine map of the colours of each image.

All five act along the grey axis v = (1,1,1)/sqrt 3 (luma) or in the plane across it (chroma), so their
product has a closed form: contrast scales both, brightness moves luma and `lumaflip` mirrors it, hue turns
chroma and saturation scales it.
"""

import math
from collections.abc import Mapping

import torch
from torch import Tensor


def transform_color(images: Tensor, matrix: Tensor, offset: Tensor) -> Tensor:
    """Replace each pixel's colour x by MATRIX x + OFFSET.

    Args:
        images: [batch, 3 or 1, height, width].
        matrix: [batch, 3, 3]; a grey picture takes the mean of its three results, which is again grey.
        offset: [batch], the same for the three channels.

    Raises:
        ValueError: the pictures have neither one nor three channels.
    """
    matrix, offset = matrix.to(images.dtype), offset.to(images.dtype)[:, None, None]
    if images.shape[1] == 3 and images.is_cuda:
        # No product of matrices: with TF32 a GPU would round the colours to 10 bits.
        weights = matrix[..., None, None]
        red, green, blue = (images[:, None, channel] * weights[:, :, channel] for channel in range(3))
        return red + green + blue + offset[..., None]
    if images.shape[1] == 3:
        return torch.baddbmm(offset, matrix, images.flatten(2)).reshape(images.shape)
    if images.shape[1] == 1:
        return images * (matrix.sum(dim=(1, 2)) / 3)[:, None, None, None] + offset[..., None]
    raise ValueError(f"colour operations need 1 or 3 channels, not {images.shape[1]}")


def color_map(amounts: Mapping[str, Tensor]) -> tuple[Tensor, Tensor]:
    """The matrix [batch, 3, 3] and the offset [batch] of the colour operations.

    Args:
        amounts: drawn amounts by column name (see pipeline.py), [batch] each: brightness is added to pictures
            in [-1, 1], contrast and saturation are exponents of 2, lumaflip is 0 or 1, hue is in radians.
            Absent ones are left out, and 0 is the identity of each.

    Source: Karras et al. 2020, arXiv:2006.06676, appendix B.
    """
    none = torch.zeros_like(next(iter(amounts.values())))
    brightness, contrast, flip, hue, saturation = (
        amounts.get(name, none) for name in ("brightness", "contrast", "lumaflip", "hue", "saturation")
    )
    luma = torch.exp2(contrast) * (1 - 2 * flip)
    chroma = torch.exp2(contrast + saturation)
    # Row i of the matrix holds (same, next, previous) at i, i+1, i+2: rotations about v and the projection on
    # it commute with the cyclic exchange of the three colours.
    mean, in_phase, quadrature = luma / 3, chroma * hue.cos() * (2 / 3), chroma * hue.sin() / math.sqrt(3)
    same, left, right = mean + in_phase, mean - in_phase / 2 - quadrature, mean - in_phase / 2 + quadrature
    rows = [same, left, right, right, same, left, left, right, same]
    return torch.stack(rows, dim=-1).reshape(-1, 3, 3), luma * brightness
