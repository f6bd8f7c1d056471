"""Batches of photos through all spaces."""

import numpy as np
import pytest
import torch

import adatune
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.images import to_pixels
from adatune.latent.project_photos import batch_for, draw, project_photos, step_count
from adatune.latent.projection import ProjectionConfig, spread_of_w
from adatune.latent.refinding import generated_targets
from adatune.latent.targets import Target
from adatune.metrics.distances import signal_to_noise
from adatune.metrics.features import discriminator_features
from adatune.networks import Discriminator, Generator, NetworkConfig


@pytest.fixture(scope="module")
def model():
    return adatune.load("demo32")


@pytest.mark.parametrize(
    ("space", "spaces"), [("w", ["w"]), ("w+", ["w", "w+"]), ("pti", ["w", "w+", "pti"])]
)
def test_each_space_includes_those_before_it_and_steps_are_as_many_as_announced(model, space, spaces):
    config, found = ProjectionConfig(space=space, steps=3, plus_steps=2, tuning_steps=2), []
    targets = generated_targets(model, 3)
    features = discriminator_features(model.D)
    steps = list(project_photos(model, features, targets, config, 2, found.append))
    assert [projected.target.name for projected in found] == ["seed0000", "seed0001", "seed0002"]
    assert all(list(projected.results) == spaces for projected in found)
    assert len(steps) == step_count(3, config, 2)
    seen = {(step.space, step.first, len(step.images)) for step in steps}
    in_batches = {(name, *at) for name in spaces if name != "pti" for at in ((0, 2), (2, 1))}
    alone = {("pti", first, 1) for first in range(3)} if space == "pti" else set()
    assert seen == in_batches | alone
    assert all(0 <= step.number < step.count for step in steps)


def test_a_result_is_what_its_latents_draw(model):
    config, found = ProjectionConfig(space="pti", steps=3, plus_steps=2, tuning_steps=3), []
    (target,) = generated_targets(model, 1)
    list(project_photos(model, discriminator_features(model.D), [target], config, 1, found.append))
    for space, result in found[0].results.items():
        generator = result.generator or model.G_ema
        assert (result.generator is not None) == (space == "pti")
        assert np.array_equal(to_pixels(draw(generator, result.ws))[0], result.pixels)
        assert result.signal_to_noise == signal_to_noise(result.pixels, target.pixels)
        assert result.ws.shape == (1, 8, 64)
        spread = spread_of_w(model.G_ema)
        away = (result.ws - spread.mean).square().sum(dim=2).mean().sqrt() / spread.deviation
        assert result.spreads_from_mean == pytest.approx(away.item(), rel=1e-5)
    assert torch.equal(found[0].results["pti"].ws, found[0].results["w"].ws)


def test_a_grey_network_with_classes_is_searched_in_one_of_them():
    torch.manual_seed(0)
    config = NetworkConfig(
        resolution=16, channels=1, c_dim=2, z_dim=8, w_dim=8, channel_base=128, channel_max=8
    )
    G, D = (
        network(config).eval().requires_grad_(requires_grad=False) for network in (Generator, Discriminator)
    )
    networks, found = LoadedNetworks(config, None, D, G, None, 1.0, {}), []
    target = Target("ramp", "ramp.png", np.arange(768, dtype=np.uint8).reshape(16, 16, 3))
    for label in (0, 1):
        search = ProjectionConfig(space="pti", steps=2, plus_steps=2, tuning_steps=2, label=label)
        list(project_photos(networks, discriminator_features(D), [target], search, 1, found.append))
    first, second = (projected.results["w"].ws for projected in found)
    assert not torch.equal(first, second)
    with pytest.raises(UsageError, match="--class"):
        list(
            project_photos(networks, discriminator_features(D), [target], ProjectionConfig(), 1, found.append)
        )


def test_a_cpu_takes_eight_small_pictures_at_once_and_one_large_one(model):
    assert batch_for(model) == 8
    for resolution, expected in ((256, 2), (512, 1)):
        config = NetworkConfig(resolution=resolution, channel_base=64 * resolution, z_dim=4, w_dim=4)
        with torch.device("meta"):
            generator = Generator(config)
        assert batch_for(LoadedNetworks(config, None, None, generator, None, 1.0, {})) == expected
