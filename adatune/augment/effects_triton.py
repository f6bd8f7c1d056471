"""From uniform draws to the effects on each image, one small program an image. Not yet measured on a card.

Fused: the amounts of all 18 operations, the affine and the colour matrix, the gains of the bands. It reads 42
numbers of an image and writes 24, where torch starts a hundred kernels on as many. Launches count, not bytes.
"""

# pyright: basic, reportArgumentType=false, reportOperatorIssue=false, reportIndexIssue=false
# Functions of triton have no types; it wraps the constants itself.

from math import pi, sqrt

import triton
import triton.language as tl
from torch import Tensor

from adatune.augment import effects as columns_of
from adatune.augment.corruption import EXPECTED_POWER
from adatune.augment.operations import AMOUNTS, NORMAL, ROUNDED_DOWN, DrawTable

_COUNT = tl.constexpr(columns_of.COUNT)
_ROUNDED_DOWN = tl.constexpr(ROUNDED_DOWN)
_NORMAL = tl.constexpr(NORMAL)
_SQRT_2 = tl.constexpr(sqrt(2))
_SQRT_3 = tl.constexpr(sqrt(3))
_HALF_PI = tl.constexpr(pi / 2)
_LOWEST_POWER = tl.constexpr(EXPECTED_POWER[0])
_OTHER_POWER = tl.constexpr(EXPECTED_POWER[1])
# 1.5 * 2^23: adding it to a number below 2^22 rounds that to a whole one, halves to even.
_ROUNDER = tl.constexpr(12582912.0)
_PLACES = {name: tl.constexpr(place) for place, name in enumerate(AMOUNTS)}
_XFLIP, _ROTATE90 = _PLACES["xflip"], _PLACES["rotate90"]
_XINT_X, _XINT_Y = _PLACES["xint_x"], _PLACES["xint_y"]
_SCALE, _ANISO = _PLACES["scale"], _PLACES["aniso"]
_BEFORE, _AFTER = _PLACES["rotate_before"], _PLACES["rotate_after"]
_XFRAC_X, _XFRAC_Y = _PLACES["xfrac_x"], _PLACES["xfrac_y"]
_BRIGHTNESS, _CONTRAST, _LUMAFLIP = _PLACES["brightness"], _PLACES["contrast"], _PLACES["lumaflip"]
_HUE, _SATURATION = _PLACES["hue"], _PLACES["saturation"]
_FILTER, _NOISE = _PLACES["filter_0"], _PLACES["noise"]
_CUTOUT, _CUTOUT_X, _CUTOUT_Y = _PLACES["cutout"], _PLACES["cutout_x"], _PLACES["cutout_y"]


@triton.jit
def _inverse_of_error_function(x):
    """To some 5e-7 of the value: a polynomial of degree 8 in -log(1 - x^2), beyond 5 in its square root.

    The form is that of Giles 2012, "Approximating the erfinv function"; the coefficients are our own fit.
    """
    w = -tl.log((1 - x) * (1 + x))
    t = w - 2.5
    near = 2.85343015e-08
    near = near * t + 3.43726408e-07
    near = near * t - 3.52885369e-06
    near = near * t - 4.39677416e-06
    near = near * t + 0.000218602172
    near = near * t - 0.00125370754
    near = near * t - 0.00417770772
    near = near * t + 0.246640726
    near = near * t + 1.50140942
    t = tl.sqrt(w) - 3.2
    far = -0.000150340128
    far = far * t - 0.000164611998
    far = far * t + 0.00121689325
    far = far * t - 0.00211860159
    far = far * t + 0.00289382397
    far = far * t - 0.00426434017
    far = far * t + 0.00598138719
    far = far * t + 1.00469056
    far = far * t + 3.03363638
    return tl.where(w < 5, near, far) * x


@triton.jit
def _amount(amounts, slots, slot):
    return tl.sum(tl.where(slots == slot, amounts, 0.0), axis=0)


@triton.jit
def effects_kernel(
    draws,
    p,
    columns,
    numbers,
    effects,
    draws_stride,
    count,
    height,
    width,
    BLOCK: tl.constexpr,
):
    """One image; COUNT columns of the table of draws."""
    image = tl.program_id(0).to(tl.int64)
    draws += image * draws_stride
    effects += image * _COUNT
    i = tl.arange(0, BLOCK)
    inside = i < count
    gate = tl.load(draws + tl.load(columns + i, mask=inside, other=0))
    x = tl.load(draws + tl.load(columns + count + i, mask=inside, other=0))
    kind = tl.load(columns + 2 * count + i, mask=inside, other=0)
    slots = tl.load(columns + 3 * count + i, mask=inside, other=-1)
    probability = tl.minimum(tl.load(numbers + i, mask=inside, other=0.0) * tl.load(p), 1.0)
    share = tl.load(numbers + count + i, mask=inside, other=1.0)
    probability = tl.where(share < 1, 1 - tl.sqrt(1 - probability), probability)
    x = x * tl.load(numbers + 2 * count + i, mask=inside, other=0.0)
    x += tl.load(numbers + 3 * count + i, mask=inside, other=0.0)
    x = tl.where(kind == _NORMAL, _inverse_of_error_function(tl.where(kind == _NORMAL, x, 0.0)) * _SQRT_2, x)
    x = tl.where(kind == _ROUNDED_DOWN, tl.floor(x), x)
    x *= tl.load(numbers + 4 * count + i, mask=inside, other=0.0)
    amounts = tl.where(inside & (gate < probability), x, 0.0)
    _store_inverse(effects, amounts, slots, height, width)
    _store_colors(effects, amounts, slots)
    tl.store(effects + 16, _amount(amounts, slots, _NOISE))
    tl.store(effects + 17, _amount(amounts, slots, _CUTOUT))
    tl.store(effects + 18, _amount(amounts, slots, _CUTOUT_X))
    tl.store(effects + 19, _amount(amounts, slots, _CUTOUT_Y))
    _store_gains(effects, amounts, slots)


@triton.jit
def _store_inverse(effects, amounts, slots, height, width):
    """The inverses of the operations, the first one leftmost; see geometry.py."""
    flip = 1 - 2 * _amount(amounts, slots, _XFLIP)
    turn = _amount(amounts, slots, _ROTATE90) * _HALF_PI
    cosine, sine = tl.cos(turn), tl.sin(turn)
    a, b, c, d = flip * cosine, -flip * sine, sine, cosine
    shift_x = _amount(amounts, slots, _XINT_X) * width
    shift_y = _amount(amounts, slots, _XINT_Y) * height
    shift_x, shift_y = (shift_x + _ROUNDER) - _ROUNDER, (shift_y + _ROUNDER) - _ROUNDER
    x, y = -(a * shift_x + b * shift_y), -(c * shift_x + d * shift_y)
    scale = tl.exp2(-_amount(amounts, slots, _SCALE))
    before = _amount(amounts, slots, _BEFORE)
    cosine, sine = tl.cos(before) * scale, tl.sin(before) * scale
    a, b, c, d = a * cosine + b * sine, b * cosine - a * sine, c * cosine + d * sine, d * cosine - c * sine
    aniso = _amount(amounts, slots, _ANISO)
    across, along = tl.exp2(-aniso), tl.exp2(aniso)
    a, b, c, d = a * across, b * along, c * across, d * along
    after = _amount(amounts, slots, _AFTER)
    cosine, sine = tl.cos(after), tl.sin(after)
    a, b, c, d = a * cosine + b * sine, b * cosine - a * sine, c * cosine + d * sine, d * cosine - c * sine
    shift_x = _amount(amounts, slots, _XFRAC_X) * width
    shift_y = _amount(amounts, slots, _XFRAC_Y) * height
    tl.store(effects, a)
    tl.store(effects + 1, b)
    tl.store(effects + 2, x - (a * shift_x + b * shift_y))
    tl.store(effects + 3, c)
    tl.store(effects + 4, d)
    tl.store(effects + 5, y - (c * shift_x + d * shift_y))


@triton.jit
def _store_colors(effects, amounts, slots):
    """Luma and chroma; see color.py."""
    contrast, hue = _amount(amounts, slots, _CONTRAST), _amount(amounts, slots, _HUE)
    luma = tl.exp2(contrast) * (1 - 2 * _amount(amounts, slots, _LUMAFLIP))
    chroma = tl.exp2(contrast + _amount(amounts, slots, _SATURATION))
    mean, in_phase, quadrature = luma / 3, chroma * tl.cos(hue) * (2 / 3), chroma * tl.sin(hue) / _SQRT_3
    # Cell 3i + j holds what j - i, counted round the three colours, says: same, next, previous.
    cell = tl.arange(0, 16)
    step = (cell % 3 + 3 - cell // 3) % 3
    other = tl.where(step == 1, mean - in_phase / 2 - quadrature, mean - in_phase / 2 + quadrature)
    tl.store(effects + 6 + cell, tl.where(step == 0, mean + in_phase, other), mask=cell < 9)
    tl.store(effects + 15, luma * _amount(amounts, slots, _BRIGHTNESS))


@triton.jit
def _store_gains(effects, amounts, slots):
    """Each band's gain over the effect of all four on a natural picture; see corruption.py."""
    effect = 1.0
    for band in range(4):
        gain = tl.exp2(_amount(amounts, slots, _FILTER + band))
        power = tl.where(band == 0, _LOWEST_POWER, _OTHER_POWER)
        effect *= tl.sqrt(power * gain * gain + (1 - power))
    for band in range(4):
        tl.store(effects + 20 + band, tl.exp2(_amount(amounts, slots, _FILTER + band)) / effect)


def fused_effects(table: DrawTable, draws: Tensor, p: Tensor, height: int, width: int) -> Tensor:
    """As `draw_effects`; the numbers of TABLE and P are on the device of DRAWS."""
    effects = draws.new_empty(len(draws), columns_of.COUNT)
    if len(draws):
        draws, count = draws.contiguous(), len(table.names)
        effects_kernel[(len(draws),)](
            draws,
            p,
            table.columns,
            table.numbers,
            effects,
            draws.stride(0),
            count,
            height,
            width,
            BLOCK=triton.next_power_of_2(len(AMOUNTS)),
        )
    return effects
