"""Truncation of single layers: which w change, and which activations."""

from itertools import pairwise

import pytest
import torch
from tiny_networks import tiny_networks

from adatune.errors import UsageError
from adatune.latent.sampling import SamplingConfig, draw_pictures, map_latents
from adatune.latent.seeds import latents_of_seeds
from adatune.latent.truncation import SWEEP, layer_psis, psi_in_words
from adatune.networks import NetworkConfig

CONFIG = NetworkConfig(resolution=32)  # 8 w


def test_without_cutoff_and_list_psi_is_for_all():
    assert layer_psis(0.7, None, None, CONFIG) is None


def test_a_list_wins_over_the_cutoff_and_the_cutoff_over_psi():
    assert layer_psis(0.5, 2, None, CONFIG) == (0.5, 0.5, 1, 1, 1, 1, 1, 1)
    assert layer_psis(0.5, None, "0-1:0.2, 7:-1", CONFIG) == (0.2, 0.2, 0.5, 0.5, 0.5, 0.5, 0.5, -1)
    assert layer_psis(0.5, 4, "1:0", CONFIG) == (0.5, 0, 0.5, 0.5, 1, 1, 1, 1)
    assert layer_psis(0.5, 0, None, CONFIG) == (1,) * 8


@pytest.mark.parametrize(
    ("cutoff", "text", "words"),
    [
        (9, None, "--cutoff 9 is out of range: this network has 8 layers"),
        (-1, None, "--cutoff -1 is out of range"),
        (None, "0.5", "is not LAYERS:PSI"),
        (None, "0-3:", "has no number at its end"),
        (None, "0-3:nan", "has no number at its end"),
        (None, "0-3:1e308", "has no number at its end from -100 to 100"),
        (None, "0-9:0.5", "--layer-psi 0-9: this network has 8 layers"),
        (None, "", "is not LAYERS:PSI"),
    ],
)
def test_what_cannot_be_is_refused(cutoff, text, words):
    with pytest.raises(UsageError, match=words):
        layer_psis(0.7, cutoff, text, CONFIG)


def test_the_sweep_goes_from_the_opposite_over_the_mean_to_all_variety():
    assert SWEEP[0] == -1
    assert SWEEP[4] == 0
    assert SWEEP[-1] == 1
    assert {b - a for a, b in pairwise(SWEEP)} == {0.25}


def test_equal_psi_for_each_layer_and_a_cutoff_are_what_the_mapping_itself_does():
    generator = tiny_networks().G_ema
    z = latents_of_seeds([1, 2], 16)
    for psi in (-1.0, 0.0, 0.3, 0.7, 1.0):
        assert torch.equal(map_latents(generator, z, None, [psi] * 8), map_latents(generator, z, None, psi))
        with torch.no_grad():
            expected = torch.cat([generator.mapping(row[None], None, psi, cutoff=3) for row in z])
        psis = layer_psis(psi, 3, None, generator.config)
        assert torch.equal(map_latents(generator, z, None, psis), expected)


@pytest.mark.parametrize("k", range(8))
def test_the_psi_of_one_layer_leaves_the_activations_before_it_untouched(k):
    generator = tiny_networks().G_ema
    z, outputs, rgb = latents_of_seeds([5], 16), [], []
    for layer in generator.synthesis.layers:
        layer.register_forward_hook(lambda _, __, x: outputs.append(x.clone()))
    plain = map_latents(generator, z, None, 0.7)
    changed = map_latents(generator, z, None, layer_psis(0.7, None, f"{k}:0", generator.config))
    others = [layer for layer in range(8) if layer != k]
    assert torch.equal(plain[:, others], changed[:, others])
    assert torch.equal(changed[0, k], generator.mapping.w_avg)
    with torch.no_grad():
        rgb += [generator.synthesis(plain, "const"), generator.synthesis(changed, "const")]
    assert not torch.equal(*rgb)
    for index in range(7):
        # A block's first layer multiplies its result by the next one's styles, to save a pass.
        last_read = index + 1 if index % 2 else index
        assert torch.equal(outputs[index], outputs[index + 7]) == (last_read < k), index


def test_pictures_follow_the_psi_of_each_layer():
    networks = tiny_networks()
    same = SamplingConfig(psi=0.4), SamplingConfig(psi=1, layer_psi=(0.4,) * 8)
    other = SamplingConfig(psi=0.4, layer_psi=(0.4,) * 7 + (1.0,))
    pictures = [next(draw_pictures(networks, [3], config))[1].tobytes() for config in (*same, other)]
    assert pictures[0] == pictures[1] != pictures[2]


def test_words_for_captions():
    assert psi_in_words(0.7, None) == "psi 0.7"
    assert psi_in_words(0.7, (0.5, 0.5, 1.0, 1.0, 1.0)) == "psi 0.5 x2, 1 x3"
