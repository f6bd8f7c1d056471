"""Style mixing: which layers, which activations, which bits."""

import numpy as np
import pytest
import torch
from PIL import Image

import adatune
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent import sampling
from adatune.latent.mixing import (
    draw_mixes,
    layers_in_words,
    mix_styles,
    parse_layers,
    resolution_of_layer,
    save_each,
    save_mixing_sheet,
)
from adatune.latent.sampling import SamplingConfig, map_latents
from adatune.latent.seeds import latents_of_seeds
from adatune.networks import Generator, NetworkConfig


def networks(resolution=32, aspect=1.0, **settings):
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=resolution,
        z_dim=16,
        w_dim=16,
        channel_base=512,
        channel_max=32,
        mapping_layers=2,
        **settings,
    )
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    for layer in generator.synthesis.layers:
        layer.noise_strength.fill_(0.3)
    return LoadedNetworks(config, None, None, generator, None, aspect, {})


def bytes_of(pictures):
    return [np.asarray(picture).tobytes() for picture in pictures]


def test_a_layer_belongs_to_the_convolution_that_reads_it():
    generator = networks(64).G_ema
    read = {}
    for index, layer in enumerate(generator.synthesis.layers):
        layer.affine.register_forward_pre_hook(lambda _, x, index=index: read.update({index: x[0]}))
    ws = torch.arange(10.0)[None, :, None].expand(1, 10, 16)
    with torch.no_grad():
        generator.synthesis(ws, "const")
    for index, layer in enumerate(generator.synthesis.layers):
        assert resolution_of_layer(int(read[index][0, 0]), generator.config) == layer.resolution


@pytest.mark.parametrize(
    ("resolution", "coarse", "middle", "fine"),
    [
        (1024, range(3), range(3, 7), range(7, 18)),
        (64, range(3), range(3, 7), range(7, 10)),
        (32, range(3), range(3, 8), None),
        (16, range(3), range(3, 6), None),
        (4, range(2), None, None),
    ],
)
def test_the_ranges_are_those_of_the_paper_by_resolution(resolution, coarse, middle, fine):
    config = NetworkConfig(resolution=resolution)
    for name, layers in (("coarse", coarse), ("middle", middle), ("fine", fine)):
        if layers is None:
            with pytest.raises(UsageError, match=f"--layers {name} begins at .* Use coarse"):
                parse_layers(name, config)
        else:
            assert parse_layers(name, config) == list(layers)


def test_layers_are_numbers_and_ranges_and_names():
    config = NetworkConfig(resolution=32)
    assert parse_layers("0-6", config) == [0, 1, 2, 3, 4, 5, 6]
    assert parse_layers("5, 0-1,1", config) == [0, 1, 5]
    assert parse_layers("7,coarse", config) == [0, 1, 2, 7]
    assert layers_in_words([0, 1, 2, 5, 7, 8]) == "0-2,5,7-8"
    assert parse_layers(layers_in_words([1, 3, 4]), config) == [1, 3, 4]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "is no list of layers"),
        ("3-1", "is no list of layers"),
        ("-1", "is no list of layers"),
        ("rough", "is no list of layers.*coarse, middle, fine"),
        ("0-8", "has 8 layers, 0 to 7"),
        ("999999", "has 8 layers, 0 to 7"),
        ("0-999999", "has 8 layers, 0 to 7"),
        ("0,fine", "fine begins at 64x64"),
    ],
)
def test_layers_that_cannot_be_are_refused(text, words):
    with pytest.raises(UsageError, match=f"--mix-layers.*{words}"):
        parse_layers(text, NetworkConfig(resolution=32), "--mix-layers")


@pytest.mark.parametrize("k", range(8))
def test_mixing_from_layer_k_on_leaves_the_activations_before_it_untouched(k):
    generator = networks().G_ema
    own, other = map_latents(generator, latents_of_seeds([0, 1], 16), None, 0.7)
    outputs = []
    for layer in generator.synthesis.layers:
        layer.register_forward_hook(lambda _, __, x: outputs.append(x.clone()))
    with torch.no_grad():
        generator.synthesis(own[None], "const")
        generator.synthesis(mix_styles(own, other, range(k, 8))[None], "const")
    plain, mixed = outputs[:7], outputs[7:]
    for index in range(7):
        # A block's first layer multiplies its result by the next one's styles, to save a pass.
        last_read = index + 1 if index % 2 else index
        assert torch.equal(plain[index], mixed[index]) == (last_read < k), index


@pytest.mark.parametrize("noise", ["const", "random"])
@pytest.mark.parametrize("batch", [1, 4])
def test_sources_and_equal_seeds_are_the_pictures_of_generate_bit_for_bit(monkeypatch, noise, batch):
    monkeypatch.setattr(sampling, "CPU_BATCH", batch)
    model = networks(aspect=1.25)
    config = SamplingConfig(noise=noise, psi=0.6)
    pictures = bytes_of(draw_mixes(model, [5, 7], [1, 5], [0, 1, 2], config))
    expected = bytes_of(adatune.generate(model, [1, 5, 7], psi=0.6, noise=noise))
    one, five, seven = expected
    assert pictures[:3] == [one, five, five]
    assert pictures[4] == five
    assert pictures[5] == seven
    assert pictures[3] not in expected
    assert len(pictures) == 8


def test_all_layers_give_the_column_and_none_the_row():
    model = networks()
    one, five = bytes_of(adatune.generate(model, [1, 5]))
    assert bytes_of(draw_mixes(model, [1], [5], range(8), SamplingConfig()))[2] == five
    assert bytes_of(draw_mixes(model, [1], [5], [], SamplingConfig()))[2] == one


def test_a_mix_is_the_same_bytes_whatever_else_is_on_the_sheet():
    model = networks()
    large = bytes_of(draw_mixes(model, [3, 4], [8, 9], [0, 1], SamplingConfig()))
    assert bytes_of(draw_mixes(model, [4], [9], [0, 1], SamplingConfig()))[2] == large[-1]


def test_a_sheet_holds_the_pictures_in_their_places(tmp_path):
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200)]
    pictures = [Image.new("RGB", (128, 128), colour) for colour in colours]
    save_mixing_sheet(pictures, [1], [2, 3], "mixed", tmp_path / "new" / "sheet.png")
    pixels = np.asarray(Image.open(tmp_path / "new" / "sheet.png"))
    corners = []
    for colour in colours:
        y, x = np.nonzero((pixels == colour).all(axis=-1))
        corners.append((int(x.min()), int(y.min())))
    (second, top), (third, _), (first, below), *body = corners
    assert first < second < third
    assert top < below
    assert body == [(second, below), (third, below)]


def test_a_sheet_too_large_for_a_file_is_refused_after_one_picture(tmp_path):
    drawn = iter([Image.new("RGB", (512, 640))])
    with pytest.raises(UsageError, match="Use fewer --rows or --cols"):
        save_mixing_sheet(drawn, range(200), range(3), "", tmp_path / "sheet.png")
    assert list(tmp_path.iterdir()) == []


def test_separate_files_are_named_by_both_seeds_and_pass_everything_on(tmp_path):
    pictures = [Image.new("RGB", (4, 4), (value, 0, 0)) for value in range(0, 100, 20)]
    passed = list(save_each(pictures, [1], [1, 2], tmp_path / "new"))
    assert passed == pictures
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == [
        "0001-0002.png",
        "0001.png",
        "0002.png",
    ]
    assert Image.open(tmp_path / "new" / "0001-0002.png").getpixel((0, 0)) == (80, 0, 0)
