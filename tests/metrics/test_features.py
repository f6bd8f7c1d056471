"""Features: what pictures are compared by, against the package that defines LPIPS."""

import sys

import lpips
import pytest
import torch
import torch.nn.functional as F

import adatune
from adatune.errors import FeaturesUnavailable, UsageError
from adatune.metrics.distances import map_distance, perceptual_distance
from adatune.metrics.features import Features, choose_features, discriminator_features, lpips_features
from adatune.networks import Discriminator, NetworkConfig


def small_discriminator(**settings):
    torch.manual_seed(1)
    config = NetworkConfig(resolution=16, channel_base=128, channel_max=16, **settings)
    return Discriminator(config).eval().requires_grad_(requires_grad=False)


@pytest.mark.filterwarnings("ignore::UserWarning:torchvision")  # lpips calls it as was right years ago
@pytest.mark.parametrize("side", [64, 512])
def test_the_squared_distance_of_the_maps_is_what_the_lpips_package_says(side):
    torch.manual_seed(2)
    features = lpips_features(torch.device("cpu"), "squeeze", is_trained=False)
    torch.manual_seed(2)
    package = lpips.LPIPS(net="squeeze", pnet_rand=True, verbose=False).eval()
    first, second = torch.rand(2, 3, 3, side, side) * 2 - 1
    small = [F.interpolate(x, (256, 256), mode="area") if side > 256 else x for x in (first, second)]
    with torch.no_grad():
        expected = package(*small).flatten()
    assert torch.allclose(perceptual_distance(features, first, second), expected, rtol=1e-4)
    assert features.name == "LPIPS (squeeze)"


def test_lpips_takes_grey_pictures_as_colours_of_equal_parts():
    features = lpips_features(torch.device("cpu"), "squeeze", is_trained=False)
    grey = torch.rand(1, 1, 32, 32) * 2 - 1
    for a, b in zip(features.maps(grey), features.maps(grey.expand(-1, 3, -1, -1)), strict=True):
        assert torch.equal(a, b)


@pytest.mark.parametrize("architecture", ["resnet", "skip", "orig"])
def test_the_last_map_is_what_the_discriminators_last_block_is_given(architecture):
    D = small_discriminator(d_architecture=architecture)
    given = []
    D.b4.register_forward_pre_hook(lambda _, inputs: given.append(inputs[0]))
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    D(images)
    maps = discriminator_features(D).activations(images)
    assert torch.equal(maps[-1], given[0])
    assert [x.shape[-1] for x in maps] == [16, 8, 4]


def test_a_map_has_unit_length_at_each_position_before_it_is_shared_out():
    features = discriminator_features(small_discriminator())
    for x in features.maps(torch.rand(2, 3, 16, 16) * 2 - 1):
        positions = x.shape[2] * x.shape[3]
        assert torch.allclose(x.square().sum(dim=(1, 2, 3)), torch.full((2,), 1 / 3), rtol=1e-4), positions


def test_a_pictures_features_do_not_depend_on_those_beside_it():
    features = discriminator_features(small_discriminator())
    images = torch.rand(3, 3, 16, 16) * 2 - 1
    together, alone = features.embed(images), features.embed(images[1:2])
    assert torch.allclose(together[1:2], alone, atol=1e-5)
    assert together.shape == (3, sum(x.shape[1] for x in features.activations(images)))


def test_without_the_package_the_discriminator_sees_and_it_is_said_why(monkeypatch):
    monkeypatch.setitem(sys.modules, "lpips", None)
    networks = adatune.load("demo32")
    features = choose_features(networks)
    assert features.name == "discriminator"
    assert "adatune[metrics]" in features.fallback_reason
    with pytest.raises(FeaturesUnavailable, match="--features discriminator"):
        choose_features(networks, "lpips")
    with pytest.raises(UsageError, match="Choose one of auto, discriminator, lpips"):
        choose_features(networks, "vgg")


def test_what_a_download_says_leaves_stdout_to_results(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")  # nobody listens there
    with pytest.raises(FeaturesUnavailable, match="could not be downloaded"):
        lpips_features(torch.device("cpu"))
    said = capsys.readouterr()
    assert said.out == ""
    assert "vgg16" in said.err


def test_a_light_file_without_the_package_is_refused():
    with pytest.raises(FeaturesUnavailable, match="holds no discriminator"):
        discriminator_features(None)


def test_places_where_nothing_is_seen_leave_gradients_finite():
    features = Features("values", lambda images: [images], [1.0])
    images = torch.zeros(1, 3, 4, 4, requires_grad=True)
    map_distance(features.maps(images), features.maps(torch.ones(1, 3, 4, 4))).sum().backward()
    assert images.grad.isfinite().all()
