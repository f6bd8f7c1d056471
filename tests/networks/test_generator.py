"""The generator against the published code's numbers, and every architecture and size by its properties."""

import pytest
import torch
from vectors import OUTPUT_TOLERANCE, read_vectors, relative_error

from adatune.networks import Generator, NetworkConfig

VECTORS = ["net_uncond32", "net_cond16", "net_orig16"]
SMALL = {"z_dim": 16, "w_dim": 16, "channel_base": 256, "channel_max": 16, "mapping_layers": 2}


def generator_of(vectors):
    generator = Generator(NetworkConfig(**vectors.settings))
    generator.load_state_dict(vectors.state("G."))
    return generator


@pytest.mark.parametrize("name", VECTORS)
def test_latents_map_as_published_with_truncation_and_cutoff(name):
    vectors = read_vectors(name)
    generator, z, c = generator_of(vectors), vectors["in.z"], vectors.get("in.c")
    expected = {"": {}, ".psi0.5": {"psi": 0.5}, ".psi0.7.cutoff3": {"psi": 0.7, "cutoff": 3}}
    for suffix, settings in expected.items():
        assert (
            relative_error(generator.mapping(z, c, **settings), vectors[f"out.ws{suffix}"]) < OUTPUT_TOLERANCE
        )


@pytest.mark.parametrize("noise", ["const", "none"])
@pytest.mark.parametrize("name", VECTORS)
def test_pictures_are_as_published(name, noise):
    vectors = read_vectors(name)
    generator, z, c = generator_of(vectors), vectors["in.z"], vectors.get("in.c")
    assert relative_error(generator(z, c, noise=noise), vectors[f"out.img.{noise}"]) < OUTPUT_TOLERANCE


def test_the_published_512_network_has_30_276_583_parameters():
    with torch.device("meta"):
        generator = Generator(NetworkConfig())
    counts = {name: sum(p.numel() for p in module.parameters()) for name, module in generator.named_modules()}
    assert counts[""] == 30_276_583
    assert counts["synthesis.b4.conv1"] == 2_622_465
    assert counts["synthesis.b4.torgb"] == 264_195
    assert counts["synthesis.b512.conv0"] == 139_457
    assert counts["synthesis.b512.conv1"] == 69_761
    assert counts["synthesis.b512.torgb"] == 33_027


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
@pytest.mark.parametrize("resolution", [4, 8, 16, 32, 64])
def test_every_architecture_draws_at_every_size(architecture, resolution):
    config = NetworkConfig(resolution=resolution, g_architecture=architecture, channels=1, **SMALL)
    images = Generator(config)(torch.randn(2, 16))
    assert images.shape == (2, 1, resolution, resolution)
    assert images.isfinite().all()


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_the_largest_size_builds(architecture):
    with torch.device("meta"):
        generator = Generator(NetworkConfig(resolution=1024, g_architecture=architecture))
        assert generator(torch.zeros(1, 512), noise="none").shape == (1, 3, 1024, 1024)


def test_residual_blocks_have_skips_and_one_torgb():
    names = set(Generator(NetworkConfig(resolution=16, g_architecture="resnet", **SMALL)).state_dict())
    assert {"synthesis.b8.skip.weight", "synthesis.b16.skip.weight", "synthesis.b16.torgb.weight"} <= names
    assert not {"synthesis.b8.skip.bias", "synthesis.b8.torgb.weight", "synthesis.b4.skip.weight"} & names


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_path_lengths_have_a_gradient_in_every_synthesis_weight(architecture):
    generator = Generator(NetworkConfig(resolution=16, g_architecture=architecture, **SMALL))
    ws = generator.mapping(torch.randn(2, 16))
    images = generator.synthesis(ws, noise="const")
    (slope,) = torch.autograd.grad((images * torch.randn_like(images)).sum(), ws, create_graph=True)
    slope.square().sum().backward()
    for name, parameter in generator.synthesis.named_parameters():
        if name.endswith("weight") and "affine" not in name:
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.abs().max() > 0, name


def test_random_noise_changes_the_picture_and_given_planes_decide_it():
    generator = Generator(NetworkConfig(resolution=8, **SMALL))
    for layer in generator.synthesis.layers:
        torch.nn.init.constant_(layer.noise_strength, 0.5)
    z = torch.randn(1, 16)
    assert not torch.equal(generator(z, noise="random"), generator(z, noise="random"))
    planes = [layer.noise_const[None, None] for layer in generator.synthesis.layers]
    assert torch.equal(generator(z, noise=planes), generator(z, noise="const"))


def test_wrong_ws_and_wrong_noise_are_refused():
    generator = Generator(NetworkConfig(resolution=8, **SMALL))
    ws = torch.zeros(1, 4, 16)
    with pytest.raises(ValueError, match=r"ws must be \[batch, 4, 16\]"):
        generator.synthesis(ws[:, :3])
    with pytest.raises(ValueError, match="choose const, random or none"):
        generator.synthesis(ws, noise="stored")
    with pytest.raises(ValueError, match="noise has 1 planes"):
        generator.synthesis(ws, noise=[torch.zeros(1, 1, 4, 4)])
