"""The kernels of the warp in Triton's interpreter, against the definition in float64."""

from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from adatune.kernels import ops_mode
from adatune.ops import warp_triton
from adatune.ops.warp import warp, warp_reference

# A turn with a scale and a shift, a mirror, one far away (part black, part reflected), one much enlarged.
INVERSES = torch.tensor(
    [
        [[0.9, -0.5, 1.3], [0.6, 1.1, -0.7]],
        [[-1.0, 0.0, 0.0], [0.0, 1.0, 2.0]],
        [[0.8, 0.3, 14.0], [-0.3, 0.8, -9.0]],
        [[0.3, 0.1, 0.0], [-0.1, 0.4, 0.5]],
    ]
)


@pytest.fixture(autouse=True)
def _large_blocks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The interpreter takes its time for each operation, not for each element."""
    monkeypatch.setattr(warp_triton, "SAMPLES", 512)
    monkeypatch.setattr(warp_triton, "PIXELS", 64)
    monkeypatch.setattr(warp_triton, "CANDIDATES", 64)
    with ops_mode("fused"):
        yield


def derivatives(function: Callable[[Tensor], Tensor], images: Tensor, probe: Tensor) -> list[Tensor]:
    """Value, gradient of the sum of cubes, and that gradient's along PROBE."""
    images = images.clone().requires_grad_()
    value = function(images)
    (first,) = torch.autograd.grad(value.pow(3).sum(), images, create_graph=True)
    (second,) = torch.autograd.grad((first * probe).sum(), images)
    return [value, first, second]


@pytest.mark.parametrize(
    ("channels", "size", "which"),
    [(3, (5, 7), [0, 2]), (1, (7, 4), [1, 3]), (2, (2, 3), [0, 1]), (3, (1, 4), [0]), (1, (9, 10), [0])],
)
def test_value_and_two_derivatives_equal_the_definition(
    channels: int, size: tuple[int, int], which: list[int]
):
    generator = torch.manual_seed(1)
    images, probe = torch.randn(2, len(which), channels, *size, generator=generator).unbind()
    inverse = INVERSES[which]
    ours = derivatives(lambda x: warp(x, inverse), images, probe)
    expected = derivatives(lambda x: warp_reference(x, inverse.double()), images.double(), probe.double())
    for our, their in zip(ours, expected, strict=True):
        assert our.dtype == torch.float32
        scale = their.abs().max().item()
        torch.testing.assert_close(our.double(), their, atol=1e-5 * max(scale, 1), rtol=0)


def test_the_adjoint_is_the_same_bit_for_bit_and_its_result_is_channels_last():
    images = torch.randn(1, 3, 6, 5, generator=torch.manual_seed(2), requires_grad=True)
    samples = warp(images, INVERSES[:1])
    weights = torch.randn_like(samples)
    first, second = (torch.autograd.grad(samples, images, weights, retain_graph=True)[0] for _ in range(2))
    assert torch.equal(first, second)
    assert first.is_contiguous(memory_format=torch.channels_last)


def test_images_and_matrices_may_lie_anywhere_in_memory():
    wide = torch.randn(2, 5, 12, 3, generator=torch.manual_seed(3))
    images, matrices = wide.permute(0, 3, 1, 2)[..., ::2], torch.zeros(2, 3, 3)
    matrices[:, :2] = INVERSES[:2]
    padded = torch.zeros(2, 24)
    padded[:, :6] = INVERSES[:2].flatten(1)
    expected = warp_reference(images, INVERSES[:2])
    for inverse in (matrices, matrices.mT.contiguous().mT, padded[:, :6].unflatten(1, (2, 3))):
        torch.testing.assert_close(warp(images, inverse), expected, atol=1e-4, rtol=0)


def test_half_precision_pictures_are_computed_in_single():
    images = torch.randn(1, 3, 5, 5, generator=torch.manual_seed(4)).half()
    expected = warp_reference(images.float(), INVERSES[:1])
    torch.testing.assert_close(warp(images, INVERSES[:1]).float(), expected, atol=4e-3, rtol=0)


def test_double_precision_is_left_to_the_definition():
    images = torch.randn(1, 1, 5, 5, dtype=torch.float64, generator=torch.manual_seed(5))
    assert warp(images, INVERSES[:1].double()).dtype == torch.float64


def test_an_empty_batch_stays_empty():
    images = torch.zeros(0, 3, 8, 8, requires_grad=True)
    samples = warp(images, torch.zeros(0, 2, 3))
    assert samples.shape == (0, 3, 26, 26)
    assert torch.autograd.grad(samples.sum(), images)[0].shape == images.shape
