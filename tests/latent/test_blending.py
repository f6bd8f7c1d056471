"""Layer swapping: whose weights, whose activations, which bits, and who is refused."""

from dataclasses import replace
from math import exp

import numpy as np
import pytest
import torch
from PIL import Image

import adatune
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent.blending import (
    Blend,
    blend,
    blend_path,
    check_parents,
    draw_comparison,
    save_blend,
    save_comparison,
    share_of_high,
    sheet_path,
    swap_points,
)
from adatune.latent.kinship import content_hash
from adatune.latent.sampling import SamplingConfig
from adatune.latent.seeds import latents_of_seeds
from adatune.networks import Generator, NetworkConfig
from adatune.networks.precision import set_precision

NAMES = ("photos", "faces/network-000200")
CONFIG = NetworkConfig(resolution=32, z_dim=8, w_dim=8, channel_base=256, channel_max=16, mapping_layers=2)


def network(seed, config=CONFIG, aspect=1.0):
    torch.manual_seed(seed)
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    for layer in generator.synthesis.layers:
        layer.noise_strength.fill_(0.3)
    generator.mapping.w_avg.normal_()
    return LoadedNetworks(config, None, None, generator, None, aspect, {})


@pytest.fixture(scope="module")
def low():
    return network(1, aspect=1.25)


@pytest.fixture(scope="module")
def high():
    return network(2)


Z = latents_of_seeds(range(3), 8)


def test_a_blend_computes_in_the_precision_of_its_parents(low, high):
    set_precision(low.G_ema, "fp32")
    blended = blend(low, high, Blend(8), NAMES)
    assert {block.precision for block in blended.G_ema.synthesis.blocks} == {"fp32"}


@pytest.mark.parametrize("architecture", ["skip", "resnet", "orig"])
def test_with_nothing_of_the_low_network_it_is_the_high_ones_synthesis_of_the_low_ones_w(architecture):
    config = replace(CONFIG, g_architecture=architecture)
    low, high = network(1, config), network(2, config)
    blended = blend(low, high, Blend(0), NAMES).G_ema
    ws = low.G_ema.mapping(Z, None, 0.6)
    assert torch.equal(blended.mapping(Z, None, 0.6), ws)
    assert torch.equal(blended.synthesis(ws, "const"), high.G_ema.synthesis(ws, "const"))


@pytest.mark.parametrize("mapping", ["low", "high"])
def test_with_all_resolutions_of_the_low_network_it_is_the_low_one(low, high, mapping):
    blended = blend(low, high, Blend(32, mapping=mapping), NAMES).G_ema
    ws = {"low": low, "high": high}[mapping].G_ema.mapping(Z, None, 0.6)
    assert torch.equal(blended(Z, None, 0.6, noise="const"), low.G_ema.synthesis(ws, "const"))


@pytest.mark.parametrize("at", [4, 8, 16])
def test_up_to_the_swap_the_activations_are_those_of_the_low_network(low, high, at):
    blended = blend(low, high, Blend(at), NAMES)
    seen = []
    for model in (low, blended):
        outputs = []
        hooks = [
            block.register_forward_hook(lambda _, __, x, outputs=outputs: outputs.append(x))
            for block in model.G_ema.synthesis.blocks
        ]
        model.G_ema(Z, None, 0.6, noise="const")
        seen.append(outputs)
        for hook in hooks:
            hook.remove()
    for resolution, (x, img), (other_x, other_img) in zip(CONFIG.resolutions, *seen, strict=True):
        assert torch.equal(x, other_x) == (resolution <= at)
        assert torch.equal(img, other_img) == (resolution <= at)


@pytest.mark.parametrize("at", [0, 4, 16, 32])
def test_each_weight_of_a_hard_blend_is_one_of_the_parents(low, high, at):
    weights = blend(low, high, Blend(at), NAMES).G_ema.state_dict()
    lower, upper = low.G_ema.state_dict(), high.G_ema.state_dict()
    for name, weight in weights.items():
        block = name.split(".")[1]
        is_low = name.startswith("mapping") or int(block[1:]) <= at
        assert torch.equal(weight, (lower if is_low else upper)[name]), name


def test_a_smooth_blend_is_a_logistic_curve_over_the_layers():
    how = Blend(8, smooth=2.0)
    names = ["b4.conv1", "b8.conv0", "b8.conv1", "b16.conv0", "b16.conv1", "b32.conv0", "b32.torgb"]
    for index, name in enumerate(names):
        expected = 1 / (1 + exp(-(index - 2.5) / 2))
        share = share_of_high(f"synthesis.{name}.weight", how)
        assert share == pytest.approx(expected)
    assert share_of_high("synthesis.b4.const", how) < share_of_high("synthesis.b4.conv1.weight", how)


def test_a_smooth_blend_averages_weights_and_never_noise(low, high):
    how = Blend(8, smooth=1.0)
    weights = blend(low, high, how, NAMES).G_ema.state_dict()
    lower, upper = low.G_ema.state_dict(), high.G_ema.state_dict()
    for name in ("synthesis.b8.conv1.weight", "synthesis.b16.conv0.affine.bias", "synthesis.b4.const"):
        share = share_of_high(name, how)
        torch.testing.assert_close(weights[name], (1 - share) * lower[name] + share * upper[name])
    for name in lower:
        if name.endswith("noise_const"):
            assert torch.equal(weights[name], (upper if share_of_high(name, how) > 0.5 else lower)[name])


def test_a_narrow_smooth_blend_is_the_hard_one(low, high):
    hard, narrow = (blend(low, high, Blend(8, smooth), NAMES).G_ema for smooth in (0.0, 1e-4))
    assert torch.equal(hard(Z, noise="const"), narrow(Z, noise="const"))


def test_the_parents_stay_as_they_were_whatever_happens_to_the_blend(low, high):
    before = content_hash(low.G_ema), content_hash(high.G_ema)
    blended = blend(low, high, Blend(8), NAMES).G_ema
    for weight in blended.state_dict().values():
        weight.zero_()
    assert (content_hash(low.G_ema), content_hash(high.G_ema)) == before


def test_the_file_is_a_network_like_any_other_and_names_its_parents(low, high, tmp_path):
    file = tmp_path / "new" / "blended.safetensors"
    blended = blend(low, high, Blend(16, mapping="high"), NAMES)
    save_blend(blended, file)
    loaded = adatune.load(file)
    assert loaded.D is None
    assert loaded.aspect == 1.25
    parents = {
        side: {"network": name, "sha256": content_hash(model.G_ema)}
        for side, name, model in zip(("low", "high"), NAMES, (low, high), strict=True)
    }
    assert loaded.metadata["blend"] == {**parents, "at": 16, "smooth": 0.0, "mapping": "high"}
    pictures = [adatune.generate(model, [5])[0].tobytes() for model in (blended, loaded)]
    assert pictures[0] == pictures[1]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"resolution": 16}, "resolution is 32 in the low network and 16 in the high one"),
        ({"w_dim": 4}, "w_dim is 8 in the low network and 4"),
        ({"z_dim": 4, "c_dim": 2}, r"z_dim is 8 .* \(and 1 more differences\)"),
        ({"channel_max": 8}, r"at 4x4 the low network has 16 feature maps and the high one 8 \(and"),
        ({"g_architecture": "orig"}, "g_architecture is skip"),
        ({"mapping_layers": 1}, "mapping_layers is 2"),
    ],
)
def test_networks_of_other_shapes_are_refused_with_what_differs(low, changes, words):
    with pytest.raises(UsageError, match=f"cannot be joined: {words}"):
        check_parents(low, network(2, replace(CONFIG, **changes)), Blend(8), NAMES)


def test_feature_maps_count_and_not_how_they_were_asked_for(low):
    wide = replace(CONFIG, channel_base=256, channel_max=16, num_fp16_res=0, mbstd_group=1)
    assert blend(low, network(2, wide), Blend(8), NAMES).config == CONFIG


def test_strangers_of_one_shape_are_warned_of_and_kin_are_not(low, high):
    assert "photos and faces/network-000200 have nothing in common" in (
        check_parents(low, high, Blend(8), NAMES) or ""
    )
    child = network(1)
    for weight in child.G_ema.parameters():
        weight.add_(0.3 * torch.randn(weight.shape))
    assert check_parents(low, child, Blend(8), NAMES) is None


@pytest.mark.parametrize("at", [-4, 2, 12, 64])
def test_resolutions_that_are_none_are_refused(low, high, at):
    with pytest.raises(UsageError, match=f"--at {at} is no resolution .* 0, 4, 8, 16, 32"):
        blend(low, high, Blend(at), NAMES)


def test_widths_and_mappings_that_are_none_are_refused():
    for width in (-1.0, float("nan"), float("inf")):
        with pytest.raises(UsageError, match=r"--smooth .* is out of range"):
            Blend(8, smooth=width)
    with pytest.raises(UsageError, match="--mapping both is unknown"):
        Blend(8, mapping="both")


def test_a_file_is_named_after_what_it_is_and_not_written_over(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    path = blend_path(NAMES, Blend(8), None, may_replace=False)
    assert path == tmp_path / "blends" / "photos+faces-network-000200-8.safetensors"
    names = {blend_path(NAMES, how, None, False) for how in (Blend(8, 1.0), Blend(8, 0.0, "high"))}
    assert len(names | {path}) == 3
    assert sheet_path(NAMES, Blend(8)).parent == path.parent
    own = tmp_path / "mine.safetensors"
    own.touch()
    with pytest.raises(UsageError, match=r"exists\. Choose another --out"):
        blend_path(NAMES, Blend(8), own, may_replace=False)
    assert blend_path(NAMES, Blend(8), own, may_replace=True) == own
    with pytest.raises(UsageError, match=r"end in \.safetensors"):
        blend_path(NAMES, Blend(8), tmp_path / "mine.pkl", may_replace=False)


def test_a_comparison_begins_with_one_parent_and_ends_with_the_other(low, high, tmp_path):
    points, seeds = swap_points(CONFIG), [3, 8]
    assert points == [4, 8, 16]
    config = SamplingConfig(is_square=True)
    pictures = list(draw_comparison(low, high, Blend(0), points, seeds, config))
    expected = [
        picture.tobytes()
        for model in (high, *(blend(low, high, Blend(at), NAMES) for at in points), low)
        for picture in adatune.generate(model, seeds, square=True)
    ]
    assert [picture.tobytes() for picture in pictures] == expected
    file = tmp_path / "new" / "sheet.png"
    save_comparison(pictures, points, seeds, NAMES, Blend(0), file)
    width, height = Image.open(file).size
    assert width > 5 * 128
    assert 2 * 128 < height < 4 * 128


def test_a_comparison_has_a_network_in_each_column(tmp_path):
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200), (200, 0, 200)]
    pictures = [Image.new("RGB", (128, 128), colour) for colour in colours]
    file = tmp_path / "sheet.png"
    save_comparison(pictures, [4], [0, 1], NAMES, Blend(0), file)
    sheet = np.asarray(Image.open(file))
    places = [np.argwhere((sheet == colour).all(axis=-1)).min(axis=0) for colour in colours]
    rows, columns = np.array(places).T
    assert rows[0] == rows[2] == rows[4] < rows[1] == rows[3] == rows[5]
    assert columns[0] == columns[1] < columns[2] == columns[3] < columns[4]
