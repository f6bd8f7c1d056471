"""Convolution with resampling: transposed then filtered going up, filtered then strided going down."""

import torch.nn.functional as F
from torch import Tensor

from adatune.ops.convolution import conv2d, conv_transpose2d
from adatune.ops.upfirdn2d import Pair, parse_padding, upfirdn2d


def conv2d_resample(
    x: Tensor,
    w: Tensor,
    f: Tensor | None,
    up: int = 1,
    down: int = 1,
    padding: Pair = 0,
    flip_weight: bool = True,
) -> Tensor:
    """Convolve, with up- or downsampling by an integer through a low-pass filter.

    Args:
        x: [batch, in_channels, height, width].
        w: [out_channels, in_channels, height, width].
        f: low-pass filter [taps, taps] with sum 1; None for none.
        up: upsampling factor.
        down: downsampling factor.
        padding: as in `upfirdn2d`, counted on the upsampled picture; the filter's own padding is added.
        flip_weight: True correlates (torch's own convention), False is the true convolution.

    Returns:
        [batch, out_channels, height*up//down, width*up//down] when the padding keeps the size.
    """
    x0, x1, y0, y1 = _padding_with_filter(parse_padding(padding), f, up, down)
    kernel_height, kernel_width = w.shape[2:]
    if up > 1 and down == 1 and kernel_height == kernel_width == 1:
        return upfirdn2d(_conv2d(x, w, flip_weight), f, up=up, padding=(x0, x1, y0, y1), gain=up**2)
    if up == 1 and down > 1:
        x = upfirdn2d(x, f, padding=(x0, x1, y0, y1), down=down if kernel_height == kernel_width == 1 else 1)
        stride = 1 if kernel_height == kernel_width == 1 else down
        return _conv2d(x, w, flip_weight, stride=stride)
    if up > 1:
        x, remaining = _conv2d_spread(x, w, up, (x0, x1, y0, y1), flip_weight)
        x = upfirdn2d(x, f, padding=remaining, gain=up**2)
        return upfirdn2d(x, f, down=down) if down > 1 else x
    if x0 == x1 >= 0 and y0 == y1 >= 0:
        return _conv2d(x, w, flip_weight, padding=(y0, x0))
    return _conv2d(F.pad(x, [x0, x1, y0, y1]), w, flip_weight)


def conv2d_before_filter(
    x: Tensor, w: Tensor, f: Tensor, up: int, padding: Pair, flip_weight: bool = True
) -> tuple[Tensor, tuple[int, int, int, int]]:
    """`conv2d_resample` going up with a kernel larger than 1x1, all but its last step.

    Returns: what the filter is to be given, and the padding; the filter's gain is up squared.
    """
    padded = _padding_with_filter(parse_padding(padding), f, up, down=1)
    return _conv2d_spread(x, w, up, padded, flip_weight)


def _conv2d_spread(
    x: Tensor, w: Tensor, up: int, padding: tuple[int, int, int, int], flip_weight: bool
) -> tuple[Tensor, tuple[int, int, int, int]]:
    x0, x1, y0, y1 = padding
    kernel_height, kernel_width = w.shape[2:]
    # The transposed convolution pads by (k-1, k-up) by itself; what remains is the filter's affair.
    x0, x1, y0, y1 = (
        x0 - kernel_width + 1,
        x1 - kernel_width + up,
        y0 - kernel_height + 1,
        y1 - kernel_height + up,
    )
    crop_x, crop_y = max(min(-x0, -x1), 0), max(min(-y0, -y1), 0)
    weight = (w.flip([2, 3]) if flip_weight else w).transpose(0, 1)
    x = conv_transpose2d(x, weight, stride=up, padding=(crop_y, crop_x))
    return x, (x0 + crop_x, x1 + crop_x, y0 + crop_y, y1 + crop_y)


def _padding_with_filter(
    padding: tuple[int, int, int, int], f: Tensor | None, up: int, down: int
) -> tuple[int, int, int, int]:
    x0, x1, y0, y1 = padding
    fh, fw = (1, 1) if f is None else (f.shape[0], f.shape[-1])
    if up > 1:
        x0, x1, y0, y1 = (
            x0 + (fw + up - 1) // 2,
            x1 + (fw - up) // 2,
            y0 + (fh + up - 1) // 2,
            y1 + (fh - up) // 2,
        )
    if down > 1:
        x0, x1 = x0 + (fw - down + 1) // 2, x1 + (fw - down) // 2
        y0, y1 = y0 + (fh - down + 1) // 2, y1 + (fh - down) // 2
    return x0, x1, y0, y1


def _conv2d(
    x: Tensor, w: Tensor, flip_weight: bool, stride: int = 1, padding: tuple[int, int] = (0, 0)
) -> Tensor:
    if not flip_weight and w.shape[2:] != (1, 1):
        w = w.flip([2, 3])
    return conv2d(x, w, stride=stride, padding=padding)
