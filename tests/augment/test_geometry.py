"""The inverse affine matrices: which place of the source each place of the result shows."""

import pytest
import torch

from adatune.augment.geometry import inverse_affine
from adatune.ops.warp import downsample, warp


def shown(place: tuple[float, float], **amounts: float) -> list[float]:
    """The source of PLACE (x, y from the centre) in a picture 40 wide and 20 high."""
    tensors = {name: torch.tensor([float(amount)]) for name, amount in amounts.items()}
    inverse = inverse_affine(tensors, height=20, width=40)
    return (inverse[0] @ torch.tensor([*place, 1.0]))[:2].tolist()


@pytest.mark.parametrize(
    ("amounts", "source"),
    [
        ({"xflip": 1}, (-3, 2)),
        ({"xflip": 0}, (3, 2)),
        ({"rotate90": 1}, (-2, 3)),
        ({"rotate90": 2}, (-3, -2)),
        ({"xint_x": 0.11, "xint_y": -0.11}, (3 - 4, 2 + 2)),  # rounded to whole pixels: 4.4 and -2.2
        ({"scale": 1}, (1.5, 1)),
        ({"aniso": 1}, (1.5, 4)),
        ({"rotate_before": torch.pi / 2}, (-2, 3)),
        ({"rotate_after": -torch.pi / 2}, (2, -3)),
        ({"xfrac_x": 0.11, "xfrac_y": -0.11}, (3 - 4.4, 2 + 2.2)),
    ],
)
def test_each_operation_moves_a_place_as_it_should(amounts: dict[str, float], source: tuple[float, float]):
    assert shown((3, 2), **amounts) == pytest.approx(source, abs=1e-5)


def test_the_flip_touches_the_picture_first_and_the_fractional_shift_last():
    # Backwards from the result: undo the shift by 4, undo the doubling, undo the flip.
    assert shown((6, 0), xfrac_x=0.1, xfrac_y=0, scale=1, xflip=1) == pytest.approx((-1, 0))


def test_zero_amounts_are_the_identity():
    names = ("xflip", "rotate90", "xint_x", "xint_y", "scale", "rotate_before", "aniso", "rotate_after")
    inverse = inverse_affine({name: torch.zeros(2) for name in names}, 8, 8)
    assert torch.equal(inverse, torch.eye(3).expand(2, 3, 3))


def test_without_a_geometric_operation_there_is_no_matrix():
    with pytest.raises(ValueError, match="hue"):
        inverse_affine({"hue": torch.zeros(1)}, 8, 8)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_quarter_turns_of_a_smooth_picture_are_rot90(turns: int):
    x = torch.linspace(0, 3, 32)
    picture = (torch.sin(x) + torch.cos(2 * x)[:, None] * 0.5)[None, None]
    turned = downsample(warp(picture, inverse_affine({"rotate90": torch.tensor([float(turns)])}, 32, 32)))
    # The wavelet is not quite symmetric: 2%.
    difference = (turned - torch.rot90(picture, turns, (2, 3)))[:, :, 4:-4, 4:-4]
    assert difference.abs().max() < 0.02
