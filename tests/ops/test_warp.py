"""Resampling through an affine map, against torch's own padding and sampling, and its derivatives."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from adatune.ops import upfirdn2d
from adatune.ops.warp import SYM6, downsample, downsample_reference, warp, warp_reference


def turn(degrees: float, scale: float = 1.0, x: float = 0.0, y: float = 0.0) -> Tensor:
    a = math.radians(degrees)
    rows = [[math.cos(a) * scale, -math.sin(a) * scale, x], [math.sin(a) * scale, math.cos(a) * scale, y]]
    return torch.tensor([rows], dtype=torch.float64)


def sampled_by_torch(images: Tensor, inverse: Tensor) -> Tensor:
    """Reflect by all that can be reflected, upsample, `grid_sample`."""
    height, width = images.shape[2:]
    padded = F.pad(images, [width - 1, width - 1, height - 1, height - 1], mode="reflect")
    taps = torch.tensor(SYM6, dtype=images.dtype)
    fine = upfirdn2d(padded, taps / taps.sum(), up=2, padding=(6, 5, 6, 5), gain=4)
    x = torch.arange(2 * width + 10, dtype=images.dtype) / 2 - width / 2 - 2
    y = torch.arange(2 * height + 10, dtype=images.dtype) / 2 - height / 2 - 2
    places = torch.stack(
        [x.expand(len(y), -1), y[:, None].expand(-1, len(x)), torch.ones(len(y), len(x))], dim=-1
    )
    source = places @ inverse[:, None].transpose(-1, -2)
    # From pixels around the centre to -1..1 over the whole fine grid, whose pixels lie on its even samples.
    sides = torch.tensor([fine.shape[3], fine.shape[2]], dtype=images.dtype)
    grid = (2 * source - 0.5) / sides * 2
    return F.grid_sample(fine, grid, mode="bilinear", padding_mode="zeros", align_corners=False)


@pytest.mark.parametrize("size", [(16, 16), (9, 14), (2, 5)])
@pytest.mark.parametrize(
    "inverse", [turn(0), turn(90), turn(33, 1.3, 2.5, -1.25), turn(-170, 0.6), turn(10, 9.0)]
)
def test_samples_equal_grid_sample_on_the_reflected_picture(size: tuple[int, int], inverse: Tensor):
    images = torch.randn(2, 3, *size, dtype=torch.float64, generator=torch.manual_seed(1), requires_grad=True)
    inverse = inverse.expand(2, -1, -1)
    ours, theirs = warp(images, inverse), sampled_by_torch(images, inverse)
    torch.testing.assert_close(ours, theirs, atol=1e-9, rtol=0)
    weights = torch.randn_like(ours)
    (our_gradient,) = torch.autograd.grad(ours, images, weights)
    (their_gradient,) = torch.autograd.grad(theirs, images, weights)
    torch.testing.assert_close(our_gradient, their_gradient, atol=1e-8, rtol=0)


def test_identity_gives_the_picture_back():
    images = torch.rand(2, 3, 33, 20, generator=torch.manual_seed(2)) * 2 - 1
    same = downsample(warp(images, turn(0).float().expand(2, -1, -1)))
    torch.testing.assert_close(same, images, atol=2e-5, rtol=0)


def test_whole_pixel_shift_moves_the_picture_and_reflects_the_border():
    images = torch.rand(1, 1, 12, 12, generator=torch.manual_seed(3))
    shifted = downsample(warp(images, turn(0, x=3, y=-2).float()))
    expected = F.pad(images, [0, 3, 2, 0], mode="reflect")[:, :, :12, 3:]
    torch.testing.assert_close(shifted, expected, atol=2e-5, rtol=0)


def test_beyond_one_reflection_is_black():
    images = torch.ones(1, 1, 8, 8)
    away = downsample(warp(images, turn(0, x=40).float()))
    assert away.abs().max() == 0


INVERSES = torch.cat([turn(20, 1.2), turn(-75, 0.6, 1, 2), turn(180, 1, 30, 0), turn(0, 1, -3, 4)])


@pytest.mark.parametrize("size", [(10, 13), (2, 5), (1, 3)])
def test_the_definition_equals_the_products_with_matrices(size: tuple[int, int]):
    images = torch.randn(4, 3, *size, dtype=torch.float64, generator=torch.manual_seed(4), requires_grad=True)
    by_matrices, defined = warp(images, INVERSES), warp_reference(images, INVERSES)
    torch.testing.assert_close(defined, by_matrices, atol=1e-10, rtol=0)
    torch.testing.assert_close(downsample_reference(defined), downsample(defined), atol=1e-10, rtol=0)
    weights = torch.randn_like(defined)
    gradients = [torch.autograd.grad(result, images, weights)[0] for result in (by_matrices, defined)]
    torch.testing.assert_close(gradients[1], gradients[0], atol=1e-10, rtol=0)


def test_the_definition_is_twice_differentiable():
    images = torch.randn(2, 2, 4, 3, dtype=torch.float64, generator=torch.manual_seed(8), requires_grad=True)

    def resampled(x: Tensor) -> Tensor:
        return downsample_reference(warp_reference(x, INVERSES[:2]))

    assert torch.autograd.gradcheck(resampled, images, fast_mode=True)
    assert torch.autograd.gradgradcheck(resampled, images, fast_mode=True)


def test_an_image_does_not_depend_on_its_neighbours_in_the_batch():
    images = torch.randn(3, 3, 16, 16, generator=torch.manual_seed(5))
    inverse = torch.cat([turn(5), turn(60, 2.5), turn(-120, 0.5, 7, 7)]).float()
    together = warp(images, inverse)
    for i in range(3):
        torch.testing.assert_close(
            warp(images[i : i + 1], inverse[i : i + 1])[0], together[i], atol=1e-5, rtol=0
        )


def test_first_and_second_derivatives_are_right():
    images = torch.randn(2, 2, 4, 3, dtype=torch.float64, generator=torch.manual_seed(6), requires_grad=True)
    inverse = torch.cat([turn(25, 1.1, 0.3, 0.2), turn(-140, 0.7)])

    def resampled(x: Tensor) -> Tensor:
        return downsample(warp(x, inverse))

    assert torch.autograd.gradcheck(resampled, images, fast_mode=True)
    assert torch.autograd.gradgradcheck(resampled, images, fast_mode=True)


def test_second_derivative_reaches_the_images_through_a_square():
    # The warp is linear, so sum(A(x)^2) has the second derivative 2 A^T A: a silent fallback would lose it.
    images = torch.randn(1, 1, 5, 5, dtype=torch.float64, generator=torch.manual_seed(7), requires_grad=True)
    inverse = turn(40, 1.2)
    (gradient,) = torch.autograd.grad(warp(images, inverse).square().sum(), images, create_graph=True)
    direction = torch.randn_like(images)
    (second,) = torch.autograd.grad((gradient * direction).sum(), images)
    probe = direction.clone().requires_grad_()
    (expected,) = torch.autograd.grad(warp(probe, inverse).square().sum(), probe)
    torch.testing.assert_close(second, expected)


def test_training_works_after_inference_mode_filled_the_cache():
    with torch.inference_mode():
        warp(torch.randn(1, 1, 7, 7), turn(3).float())
    images = torch.randn(1, 1, 7, 7, requires_grad=True)
    warp(images, turn(3).float()).sum().backward()
    assert images.grad is not None


def test_an_empty_batch_stays_empty():
    assert downsample(warp(torch.zeros(0, 3, 8, 8), torch.zeros(0, 2, 3))).shape == (0, 3, 8, 8)
