"""The discriminator against the published code's numbers, R1 included; each architecture by properties."""

import pytest
import torch
from vectors import GRADIENT_TOLERANCE, OUTPUT_TOLERANCE, read_vectors, relative_error, worst_gradient_error

from adatune.networks import Discriminator, NetworkConfig

VECTORS = ["net_uncond32", "net_cond16", "net_orig16"]
SMALL = {"z_dim": 16, "w_dim": 16, "channel_base": 256, "channel_max": 16, "mapping_layers": 2}


def discriminator_of(vectors):
    discriminator = Discriminator(NetworkConfig(**vectors.settings))
    discriminator.load_state_dict(vectors.state("D."))
    return discriminator


@pytest.mark.parametrize("name", VECTORS)
def test_logits_are_as_published(name):
    vectors = read_vectors(name)
    discriminator, c = discriminator_of(vectors), vectors.get("in.c")
    assert relative_error(discriminator(vectors["in.real"], c), vectors["out.logits.real"]) < OUTPUT_TOLERANCE
    assert (
        relative_error(discriminator(vectors["out.img.const"], c), vectors["out.logits.fake"])
        < OUTPUT_TOLERANCE
    )


@pytest.mark.parametrize("name", VECTORS)
def test_r1_and_its_gradient_in_every_weight_are_as_published(name):
    vectors = read_vectors(name)
    discriminator, reals = discriminator_of(vectors), vectors["in.real"].requires_grad_()
    logits = discriminator(reals, vectors.get("in.c"))
    (slope,) = torch.autograd.grad(logits.sum(), reals, create_graph=True)
    r1 = slope.square().sum(dim=[1, 2, 3])
    loss = r1.mean() * 10 / 2
    assert relative_error(r1, vectors["out.r1"]) < OUTPUT_TOLERANCE
    assert relative_error(loss, vectors["loss.Dr1.gamma10"]) < OUTPUT_TOLERANCE
    error, parameter = worst_gradient_error(loss, discriminator, vectors, "Dr1.gamma10")
    assert error < GRADIENT_TOLERANCE, parameter


def test_the_published_512_network_has_28_982_849_parameters():
    with torch.device("meta"):
        discriminator = Discriminator(NetworkConfig())
    counts = {
        name: sum(p.numel() for p in module.parameters()) for name, module in discriminator.named_modules()
    }
    assert counts[""] == 28_982_849
    expected = {"fromrgb": 256, "conv0": 36_928, "conv1": 73_856, "skip": 8_192}
    assert {layer: counts[f"b512.{layer}"] for layer in expected} == expected
    assert (counts["b4.conv"], counts["b4.fc"], counts["b4.out"]) == (2_364_416, 4_194_816, 513)


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("resolution", [4, 8, 16, 32, 64])
def test_every_architecture_judges_every_size(architecture, resolution):
    config = NetworkConfig(resolution=resolution, d_architecture=architecture, channels=1, c_dim=2, **SMALL)
    logits = Discriminator(config)(torch.randn(4, 1, resolution, resolution), torch.eye(2).repeat(2, 1))
    assert logits.shape == (4, 1)
    assert logits.isfinite().all()


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_the_largest_size_builds(architecture):
    with torch.device("meta"):
        discriminator = Discriminator(NetworkConfig(resolution=1024, d_architecture=architecture))
        assert discriminator(torch.zeros(4, 3, 1024, 1024)).shape == (4, 1)


def test_the_skip_architecture_reads_the_picture_at_every_size():
    names = set(Discriminator(NetworkConfig(resolution=16, d_architecture="skip", **SMALL)).state_dict())
    assert {"b16.fromrgb.weight", "b8.fromrgb.weight", "b4.fromrgb.weight"} <= names
    assert not any(".skip." in name for name in names)


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_r1_has_a_finite_gradient_in_every_weight(architecture):
    discriminator = Discriminator(NetworkConfig(resolution=16, d_architecture=architecture, **SMALL))
    reals = torch.randn(4, 3, 16, 16, requires_grad=True)
    (slope,) = torch.autograd.grad(discriminator(reals).sum(), reals, create_graph=True)
    slope.square().sum().backward()
    for name, parameter in discriminator.named_parameters():
        if name.endswith("weight"):
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


def test_a_label_changes_the_logit():
    discriminator = Discriminator(NetworkConfig(resolution=8, c_dim=2, **SMALL))
    images = torch.randn(1, 3, 8, 8)
    assert discriminator(images, torch.tensor([[1.0, 0.0]])) != discriminator(
        images, torch.tensor([[0.0, 1.0]])
    )
