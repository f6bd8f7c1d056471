"""The colour map, against the operations done one after another and known special cases."""

from math import pi, sqrt

import pytest
import torch
from torch import Tensor

from adatune.augment.color import color_map, transform_color

V = torch.full([3], 1 / sqrt(3), dtype=torch.float64)


def one(**amounts: float) -> dict[str, Tensor]:
    return {name: torch.tensor([amount], dtype=torch.float64) for name, amount in amounts.items()}


def applied(images: Tensor, **amounts: float) -> Tensor:
    return transform_color(images, *color_map(one(**amounts)))


def one_after_another(
    color: Tensor, brightness: float, contrast: float, flip: float, hue: float, saturation: float
):
    """The five operations in their published order on colours [3, n]; turned by the matrix exponential."""
    cross = torch.tensor([[0, -V[2], V[1]], [V[2], 0, -V[0]], [-V[1], V[0], 0]], dtype=torch.float64)
    color = (color + brightness) * 2**contrast
    color = color - 2 * flip * V[:, None] * (V @ color)
    color = torch.matrix_exp(hue * cross) @ color
    luma = V[:, None] * (V @ color)
    return luma + (color - luma) * 2**saturation


@pytest.mark.parametrize("amounts", [(0.2, -0.5, 1, 2.1, 0.7), (-0.1, 0.3, 0, -0.4, -1.5), (0, 0, 0, pi, 0)])
def test_the_closed_form_equals_the_operations_one_after_another(amounts: tuple[float, ...]):
    images = torch.rand(1, 3, 4, 5, dtype=torch.float64, generator=torch.manual_seed(1)) * 2 - 1
    names = ("brightness", "contrast", "lumaflip", "hue", "saturation")
    ours = applied(images, **dict(zip(names, amounts, strict=True)))
    theirs = one_after_another(images[0].flatten(1), *amounts)
    torch.testing.assert_close(ours[0].flatten(1), theirs)


def test_a_third_of_the_circle_exchanges_the_colours():
    images = torch.rand(1, 3, 4, 4, dtype=torch.float64)
    torch.testing.assert_close(applied(images, hue=2 * pi / 3), images.roll(1, dims=1))


def test_luma_flip_negates_grey_and_keeps_colour_differences():
    grey = torch.rand(1, 1, 4, 4, dtype=torch.float64).expand(1, 3, 4, 4)
    torch.testing.assert_close(applied(grey, lumaflip=1), -grey)
    images = torch.rand(1, 3, 4, 4, dtype=torch.float64)
    after = applied(images, lumaflip=1)
    torch.testing.assert_close(after[:, 0] - after[:, 1], images[:, 0] - images[:, 1])


def test_a_grey_picture_gets_what_an_rgb_picture_of_equal_channels_gets():
    grey = torch.rand(1, 1, 4, 4, dtype=torch.float64)
    amounts = {"brightness": 0.1, "contrast": -0.3, "lumaflip": 1.0, "hue": 1.0, "saturation": 2.0}
    rgb = applied(grey.expand(1, 3, 4, 4), **amounts)
    torch.testing.assert_close(applied(grey, **amounts).expand(1, 3, 4, 4), rgb)


def test_zero_amounts_leave_the_picture():
    images = torch.rand(2, 3, 4, 4)
    zeros = {name: torch.zeros(2) for name in ("brightness", "contrast", "lumaflip", "hue", "saturation")}
    torch.testing.assert_close(transform_color(images, *color_map(zeros)), images, atol=2e-7, rtol=0)


def test_two_channels_are_refused():
    with pytest.raises(ValueError, match="1 or 3 channels, not 2"):
        applied(torch.rand(1, 2, 4, 4, dtype=torch.float64), hue=1.0)
