"""The last steps of augmentation, in plain torch."""

import torch

from adatune.augment import effects as columns_of
from adatune.augment.finish import Finish, finish
from adatune.ops.warp import downsample


def one_effect(**columns: torch.Tensor) -> torch.Tensor:
    """A row of the identity but for COLUMNS, [1, COUNT]."""
    row = torch.zeros(1, columns_of.COUNT)
    row[:, columns_of.MATRIX] = torch.eye(3).flatten()
    for name, value in columns.items():
        row[:, getattr(columns_of, name)] = value
    return row


IMAGES = torch.randn(1, 3, 6, 4, generator=torch.manual_seed(0))


def test_without_steps_a_grid_is_filtered_to_pixels_and_pictures_stay():
    grid = torch.randn(1, 3, 22, 18)
    assert torch.equal(finish(grid, Finish(one_effect()), is_grid=True), downsample(grid))
    assert torch.equal(finish(IMAGES, Finish(one_effect()), is_grid=False), IMAGES)


def test_colour_comes_first_then_noise_then_the_square_without_either():
    effects = one_effect(
        MATRIX=torch.tensor([0.0, 1, 0, 0, 0, 1, 1, 0, 0]),  # the colours change places
        OFFSET=torch.tensor(0.5),
        SIGMA=torch.tensor(2.0),
        CUTOUT=torch.tensor([0.5, 0.0, 0.0]),  # centred on the corner: a quarter of each side is inside
    )
    noise = torch.randn(IMAGES.shape)
    result = finish(IMAGES, Finish(effects, noise, has_color=True, has_cutout=True), is_grid=False)
    expected = IMAGES[:, [1, 2, 0]] + 0.5 + 2 * noise
    expected[:, :, :1, :1] = 0  # centres below a quarter: one of 6 rows, one of 4 columns
    torch.testing.assert_close(result, expected)


def test_kernels_add_nothing_where_only_the_derivative_is_wanted():
    steps = Finish(one_effect(OFFSET=torch.tensor(0.5)), has_color=True, is_linear=True)
    assert not steps.switches["OFFSET"]
    assert Finish(one_effect(), has_color=True).switches["OFFSET"]


def test_a_step_that_is_off_changes_nothing():
    effects = one_effect(OFFSET=torch.tensor(0.5), CUTOUT=torch.tensor([1.0, 0.5, 0.5]))
    assert torch.equal(finish(IMAGES, Finish(effects), is_grid=False), IMAGES)
