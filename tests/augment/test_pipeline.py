"""The whole pipeline against published vectors, its derivatives, and its draws."""

from collections.abc import Callable

import pytest
import torch
from host_waits import OnlyOnTheDevice
from torch import Tensor
from vectors import read_vectors, relative_error

from adatune.augment import AugmentPipe
from adatune.augment.operations import PRESETS
from adatune.errors import UsageError
from adatune.kernels import OpsMode, ops_mode
from adatune.ops import warp_triton

# Published inputs, outputs and gradients at fixed percentiles: SIZE.SET.PERCENTILE.out and .dx.
VECTORS = read_vectors("augment").tensors
CASES = sorted(key.removesuffix(".out") for key in VECTORS if key.endswith(".out"))


def gradients(function: Callable[[Tensor], Tensor], images: Tensor) -> list[Tensor]:
    """Value, gradient of the sum of cubes, and the gradient of that one's sum."""
    images = images.clone().requires_grad_()
    value = function(images)
    (first,) = torch.autograd.grad(value.pow(3).sum(), images, create_graph=True)
    (second,) = torch.autograd.grad(first.sum(), images)
    return [value, first, second]


def set_blocks(monkeypatch: pytest.MonkeyPatch, pixels: int) -> None:
    """Few programs: Triton's interpreter takes its time for each operation more than for each element."""
    for name, size in (("SAMPLES", 8 * pixels), ("PIXELS", pixels), ("CANDIDATES", 64)):
        monkeypatch.setattr(warp_triton, name, size)


@pytest.mark.parametrize("case", CASES)
def test_published_outputs_and_gradients_hold(case: str):
    size, operations, percentile = case.split(".", 2)
    images = VECTORS[f"{size}.in"].clone().requires_grad_()
    pipe = AugmentPipe(operations.replace("bgcfc", "bgcf,cutout"))
    result = pipe(images, percentile=float(percentile))
    (gradient,) = torch.autograd.grad(result, images, VECTORS[f"{size}.dout"])
    assert relative_error(result, VECTORS[f"{case}.out"]) < 1e-4
    assert relative_error(gradient, VECTORS[f"{case}.dx"]) < 1e-3


def test_the_vectors_hold_every_operation_but_noise_and_every_size():
    seen = {tuple(case.split(".")[:2]) for case in CASES}
    assert {size for size, _ in seen} == {"gray24", "rgb24x30", "rgb32"}
    names = {*PRESETS["bgc"], "imgfilter", "cutout", "geom", "color", "bg", "bgc", "bgcf", "bgcfc"}
    assert {name for _, name in seen} == names


@pytest.mark.parametrize(("channels", "size"), [(3, (32, 32)), (1, (17, 40))])
def test_at_p_zero_the_pictures_come_out_as_they_went_in(channels: int, size: tuple[int, int]):
    images = torch.rand(4, channels, *size, generator=torch.manual_seed(1)) * 2 - 1
    pipe = AugmentPipe("bgcfnc")
    pipe.p.zero_()
    torch.testing.assert_close(pipe(images), images, atol=3e-5, rtol=0)


@pytest.mark.parametrize("channels", [1, 3])
def test_first_and_second_derivatives_are_right(channels: int):
    generator = torch.manual_seed(2)
    images = torch.randn(2, channels, 5, 4, dtype=torch.float64, generator=generator, requires_grad=True)
    pipe = AugmentPipe("bgcfnc")
    draws = torch.rand(2, pipe.num_draws, generator=generator)
    noise = torch.randn(images.shape, dtype=torch.float64, generator=generator)

    def augmented(x: Tensor) -> Tensor:
        return pipe(x, draws=draws, noise=noise)

    assert torch.autograd.gradcheck(augmented, images, fast_mode=True)
    assert torch.autograd.gradgradcheck(lambda x: augmented(x).pow(3), images, fast_mode=True)


def test_equal_draws_give_equal_pictures_and_other_draws_other_ones():
    images = torch.rand(3, 3, 16, 16, generator=torch.manual_seed(3))
    pipe = AugmentPipe("bgcf,cutout")
    draws = torch.rand(3, pipe.num_draws)
    assert torch.equal(pipe(images, draws=draws), pipe(images, draws=draws))
    assert not torch.equal(pipe(images, draws=draws), pipe(images, draws=draws.flip(0)))


def test_each_image_depends_on_its_own_draws_alone():
    generator = torch.manual_seed(4)
    images = torch.rand(4, 3, 16, 16, generator=generator)
    pipe = AugmentPipe("bgcfnc")
    draws, noise = (
        torch.rand(4, pipe.num_draws, generator=generator),
        torch.randn(images.shape, generator=generator),
    )
    together = pipe(images, draws=draws, noise=noise)
    for i in range(4):
        alone = pipe(images[i : i + 1], draws=draws[i : i + 1], noise=noise[i : i + 1])
        torch.testing.assert_close(alone[0], together[i], atol=2e-5, rtol=0)


def test_without_draws_torchs_generator_decides():
    images, pipe = torch.rand(2, 3, 16, 16), AugmentPipe("bgcfnc")
    torch.manual_seed(5)
    first = pipe(images)
    torch.manual_seed(5)
    assert torch.equal(pipe(images), first)
    assert not torch.equal(pipe(images), first)


def test_noise_is_needed_only_by_its_operation():
    assert AugmentPipe("bgcfnc").needs_noise
    assert not AugmentPipe("bgcf").needs_noise
    assert AugmentPipe("xflip").num_draws == AugmentPipe("bgcfnc").num_draws


def test_parameters_reach_the_operations():
    images = torch.zeros(1, 3, 16, 16)
    cut_small = AugmentPipe("cutout", cutout_size=0.25, brightness=1)
    assert (cut_small(images, percentile=0.5) == 0).all()
    assert cut_small(images + 1, percentile=0.5).eq(0).sum() == 3 * 4 * 4
    assert torch.equal(AugmentPipe("none")(images + 1), images + 1)


def test_an_unknown_parameter_is_refused_with_the_known_ones():
    with pytest.raises(UsageError, match="scale_std"):
        AugmentPipe("bgc", scale_sigma=0.1)


def test_only_p_is_saved():
    assert list(AugmentPipe("bgc").state_dict()) == ["p"]


@pytest.mark.parametrize("case", ["gray24.bgcfc.0.9", "rgb24x30.color.0.1", "gray24.cutout.0.35"])
def test_published_outputs_and_gradients_hold_with_kernels(case: str, monkeypatch: pytest.MonkeyPatch):
    set_blocks(monkeypatch, pixels=256)
    with ops_mode("fused"):
        test_published_outputs_and_gradients_hold(case)


def test_kernels_and_plain_torch_agree_in_two_derivatives(monkeypatch: pytest.MonkeyPatch):
    set_blocks(monkeypatch, pixels=32)
    generator = torch.manual_seed(6)
    images, noise = torch.randn(2, 2, 3, 7, 4, generator=generator)
    pipe = AugmentPipe("bgcfnc")
    draws = torch.rand(2, pipe.num_draws, generator=generator)
    expected = gradients(lambda x: pipe(x, draws=draws, noise=noise), images)
    with ops_mode("fused"):
        ours = gradients(lambda x: pipe(x, draws=draws, noise=noise), images)
    for our, their in zip(ours, expected, strict=True):
        torch.testing.assert_close(our, their, atol=1e-4 * their.abs().max().item(), rtol=0)


@pytest.mark.parametrize("mode", ["torch", "fused"])
def test_on_a_gpu_nothing_would_wait_for_the_host(mode: OpsMode, monkeypatch: pytest.MonkeyPatch):
    set_blocks(monkeypatch, pixels=16)
    monkeypatch.setattr("adatune.ops.warp._may_read_values", lambda _: False)
    pipe, images = AugmentPipe("bgcfnc"), torch.randn(1, 3, 4, 4)
    AugmentPipe("filter")(images)  # makes constants, once
    with ops_mode(mode), OnlyOnTheDevice():
        gradients(pipe, images)


def test_the_check_for_waiting_finds_what_a_cpu_may_do():
    pipe, images = AugmentPipe("bgc"), torch.randn(2, 3, 5, 4)
    with OnlyOnTheDevice(), pytest.raises(AssertionError, match="_local_scalar_dense"):
        pipe(images)
