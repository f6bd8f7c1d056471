"""Pictures of seeds: the same whatever else is asked for."""

import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils._python_dispatch import TorchDispatchMode

import adatune
from adatune.checkpoints import LoadedNetworks, save_network
from adatune.errors import UnreadableNetwork, UsageError
from adatune.latent import sampling
from adatune.latent.sampling import (
    SamplingConfig,
    averaged_generator,
    batch_on_card,
    batches,
    draw_pictures,
    map_latents,
    noise_planes,
    one_hot,
    synthesize,
)
from adatune.latent.seeds import latents_of_seeds
from adatune.networks import Generator, NetworkConfig


def networks(aspect=1.0, **settings):
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=32, z_dim=16, w_dim=16, channel_base=512, channel_max=32, mapping_layers=2, **settings
    )
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    for layer in generator.synthesis.layers:
        layer.noise_strength.fill_(0.3)
    return LoadedNetworks(config, None, None, generator, None, aspect, {})


def pixels(pictures):
    return np.stack([np.asarray(picture) for picture in pictures])


@pytest.mark.parametrize("noise", ["const", "random", "none"])
@pytest.mark.parametrize("batch", [1, 4])
def test_a_picture_is_the_same_bytes_alone_in_company_and_in_another_order(monkeypatch, noise, batch):
    monkeypatch.setattr(sampling, "CPU_BATCH", batch)
    model = networks()
    together = pixels(adatune.generate(model, list(range(9)), noise=noise))
    for seeds in ([8], [5, 0, 3], [7, 6, 5, 4, 3, 2, 1]):
        assert np.array_equal(pixels(adatune.generate(model, seeds, noise=noise)), together[seeds])


def test_a_picture_is_what_the_generator_makes_of_the_seeds_latent():
    model = networks()
    z = torch.from_numpy(np.random.RandomState(5).randn(1, 16)).float()
    with torch.no_grad():
        expected = ((model.G_ema(z, psi=0.5, noise="const") + 1) * 127.5).round().clamp(0, 255)
    actual = pixels(adatune.generate(model, [5], psi=0.5))
    assert np.abs(actual - expected.permute(0, 2, 3, 1).numpy()).max() <= 1  # ties may round either way
    assert np.mean(actual != expected.permute(0, 2, 3, 1).numpy()) < 0.01


@pytest.mark.parametrize("batch", [1, 4])
def test_a_w_and_its_pixels_do_not_feel_their_company(monkeypatch, batch):
    monkeypatch.setattr(sampling, "CPU_BATCH", batch)
    generator = networks().G_ema
    latents = latents_of_seeds(range(5), 16)
    ws = map_latents(generator, latents, None, 0.7)
    assert list(ws.shape) == [5, 8, 16]
    assert torch.equal(map_latents(generator, latents[3:], None, 0.7), ws[3:])
    alone = synthesize(generator, ws[:1], "const")
    assert alone.shape == (1, 32, 32, 3)
    assert np.array_equal(synthesize(generator, ws[:batch], "const")[:1], alone)


def test_one_plane_of_noise_serves_a_whole_batch(monkeypatch):
    monkeypatch.setattr(sampling, "CPU_BATCH", 4)
    generator = networks().G_ema
    ws = map_latents(generator, latents_of_seeds([0, 1], 16), None, 0.7)
    stored = [layer.noise_const[None, None] for layer in generator.synthesis.layers]
    assert np.array_equal(synthesize(generator, ws, stored), synthesize(generator, ws, "const"))


class CountedBytes(TorchDispatchMode):
    """Counts the most bytes that tensors made under it held at once."""

    def __init__(self):
        super().__init__()
        self.held, self.most = {}, 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if isinstance(result, torch.Tensor) and not func.is_view:
            storage = result.untyped_storage()
            place = storage.data_ptr()
            self.held[place] = storage.nbytes()
            weakref.finalize(storage, self.held.pop, place, None)
            self.most = max(self.most, sum(self.held.values()))
        return result


@pytest.mark.parametrize("resolution", [64, 128])
def test_what_a_picture_holds_is_four_numbers_for_each_feature_of_the_highest_resolution(resolution):
    channels = {"channel_base": 32 * resolution, "channel_max": 32}
    config = NetworkConfig(resolution=resolution, z_dim=16, w_dim=16, mapping_layers=1, **channels)
    generator = Generator(config).requires_grad_(requires_grad=False)
    with CountedBytes() as counted:
        generator.synthesis(torch.zeros(2, config.num_ws, 16), "const")
    assert counted.most / (2 * 4 * 32 * resolution**2) == pytest.approx(4, abs=0.5)


@pytest.mark.parametrize(
    ("resolution", "gigabytes", "expected"),
    [(1024, 4, 1), (1024, 15.8, 4), (512, 15.8, 8), (512, 23, 8), (512, 80, 16), (64, 4, 16), (1024, 0.1, 1)],
)
def test_batches_on_a_card_follow_from_the_network_and_all_of_its_memory(resolution, gigabytes, expected):
    assert batch_on_card(NetworkConfig(resolution=resolution), int(gigabytes * 1e9)) == expected


def test_batches_hold_everything_once_and_in_order():
    assert list(batches("abcde", 2)) == [["a", "b"], ["c", "d"], ["e"]]
    assert list(batches([], 2)) == []


def test_random_noise_follows_its_seed():
    model = networks()
    first, again, other = (
        pixels(adatune.generate(model, [1], noise="random", noise_seed=seed)) for seed in (0, 0, 1)
    )
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_noise_planes_are_standard_normal_and_differ_by_seed_and_layer():
    planes = noise_planes(networks().G_ema, [0, 1], noise_seed=0)
    assert [list(plane.shape) for plane in planes] == [[2, 1, r, r] for r in (4, 8, 8, 16, 16, 32, 32)]
    assert planes[-1].std().item() == pytest.approx(1, rel=0.05)
    assert not torch.equal(planes[-1][0], planes[-1][1])
    assert not torch.equal(planes[-1], planes[-2])


def test_portraits_are_shown_in_their_aspect_unless_square_is_asked_for():
    model = networks(aspect=1.25)
    assert adatune.generate(model, [0])[0].size == (32, 40)
    assert adatune.generate(model, [0], square=True)[0].size == (32, 32)


def test_a_file_is_as_good_as_what_was_loaded_from_it(tmp_path):
    model = networks()
    save_network(tmp_path / "a.safetensors", model.G_ema)
    expected = pixels(adatune.generate(model, [2]))
    assert np.array_equal(pixels(adatune.generate(tmp_path / "a.safetensors", [2])), expected)


def test_grey_networks_give_rgb_pictures():
    picture = adatune.generate(networks(channels=1), [0])[0]
    assert isinstance(picture, Image.Image)
    assert picture.mode == "RGB"


def test_a_class_is_needed_exactly_where_there_are_classes():
    labelled, plain = networks(c_dim=3), networks()
    assert not np.array_equal(*(pixels(adatune.generate(labelled, [0], label=c)) for c in (0, 1)))
    for label in (None, 3, -1):
        with pytest.raises(UsageError, match=r"3 classes and --class .* Choose 0 to 2"):
            one_hot(label, labelled.config)
    with pytest.raises(UsageError, match="trained without classes"):
        one_hot(0, plain.config)


def test_mistakes_are_reported_before_the_first_picture_is_drawn():
    with pytest.raises(UsageError, match="out of range"):
        draw_pictures(networks(), [0, 2**32], SamplingConfig())
    with pytest.raises(UnreadableNetwork, match="no averaged generator"):
        averaged_generator(replace(networks(), G_ema=None))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"psi": float("nan")}, "--psi nan is not a number"),
        ({"psi": 1e308}, r"--psi 1e\+308 is not a number from -100 to 100"),
        ({"noise": "stored"}, "--noise stored is unknown"),
        ({"noise_seed": -1}, "--noise-seed -1 is out of range"),
    ],
)
def test_settings_that_cannot_be_right_are_refused(settings, words):
    with pytest.raises(UsageError, match=words):
        SamplingConfig(**settings)
