"""Which resolutions get noise: what is asked for, and what the layers see."""

import pytest
import torch
from tiny_networks import tiny_networks

from adatune.errors import UsageError
from adatune.latent.noise_layers import parse_noise_layers
from adatune.latent.sampling import SamplingConfig, draw_pictures, noise_of_seeds
from adatune.networks import NetworkConfig

BIG, SMALL = NetworkConfig(resolution=1024), NetworkConfig(resolution=32)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("all", {4, 8, 16, 32}),
        ("none", set()),
        ("16-", {16, 32}),
        ("-8", {4, 8}),
        ("8-16", {8, 16}),
        ("5-20", {8, 16}),
        (" 32 ", {32}),
        ("16-99999", {16, 32}),
    ],
)
def test_a_part_means_these_resolutions(text, expected):
    assert list(parse_noise_layers(text, SMALL).values()) == [expected]


def test_the_sheet_of_a_large_network_is_the_figure_of_the_paper():
    found = parse_noise_layers("sheet", BIG)
    assert list(found) == ["all", "none", "64-1024", "4-32"]
    assert found["64-1024"] == {64, 128, 256, 512, 1024}
    assert list(parse_noise_layers("sheet", SMALL)) == ["all", "none", "16-32", "4-8"]


@pytest.mark.parametrize("text", ["", "-", "a", "4-8-16", "all,", "64-", "5", "16-8", "4.5"])
def test_what_is_no_range_or_not_there_is_refused(text):
    with pytest.raises(UsageError, match="--noise-layers"):
        parse_noise_layers(text, SMALL)


@pytest.mark.parametrize("kind", ["const", "random"])
@pytest.mark.parametrize("text", ["all", "none", "16-", "4", "8-16"])
def test_exactly_the_layers_of_the_resolutions_asked_for_get_noise(kind, text):
    generator = tiny_networks().G_ema
    (wanted,) = parse_noise_layers(text, generator.config).values()
    full = noise_of_seeds(
        generator, [1], SamplingConfig(noise=kind, noise_resolutions=frozenset([4, 8, 16, 32]))
    )
    part = noise_of_seeds(generator, [1], SamplingConfig(noise=kind, noise_resolutions=wanted))
    for layer, with_noise, plane in zip(generator.synthesis.layers, full, part, strict=True):
        expected = with_noise if layer.resolution in wanted else torch.zeros_like(with_noise)
        assert torch.equal(plane, expected)
        assert with_noise.abs().sum() > 0


@pytest.mark.parametrize("resolution", [4, 8, 16, 32])
def test_noise_at_one_resolution_changes_the_activations_from_there_on_and_none_before(resolution):
    networks = tiny_networks()
    generator, outputs = networks.G_ema, []
    for layer in generator.synthesis.layers:
        layer.register_forward_hook(lambda _, __, x: outputs.append(x.clone()))
    for wanted in (frozenset(), frozenset([resolution])):
        next(draw_pictures(networks, [2], SamplingConfig(noise_resolutions=wanted)))
    for index, layer in enumerate(generator.synthesis.layers):
        is_same = torch.equal(outputs[index], outputs[index + 7])
        assert is_same == (layer.resolution < resolution), layer.resolution


def test_all_and_none_are_the_pictures_of_const_and_none():
    networks = tiny_networks()

    def picture(**settings):
        return next(draw_pictures(networks, [2], SamplingConfig(**settings)))[1].tobytes()

    assert picture(noise_resolutions=frozenset([4, 8, 16, 32])) == picture()
    assert picture(noise_resolutions=frozenset()) == picture(noise="none") != picture()
    assert picture(noise="random", noise_resolutions=frozenset()) == picture(noise="none")
