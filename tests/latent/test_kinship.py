"""Kin and strangers, on the real demo network."""

import copy

import pytest
import torch

import adatune
from adatune.checkpoints import save_network
from adatune.latent.kinship import are_kin, content_hash, kinship, name_of, weight_sketch
from adatune.networks import Generator


@pytest.fixture(scope="module")
def demo():
    return adatune.load("demo32").G_ema


def stranger(config, seed=77):
    torch.manual_seed(seed)
    return Generator(config)


def test_a_network_is_its_own_kin_and_nobody_elses(demo):
    sketch = weight_sketch(demo)
    assert kinship(sketch, sketch) == pytest.approx(1)
    assert are_kin(1.0, sketch)
    likeness = [kinship(sketch, weight_sketch(stranger(demo.config, seed))) for seed in range(1, 6)]
    assert max(map(abs, likeness)) < 4 / 4096**0.5
    assert not are_kin(max(likeness), sketch)


def test_a_network_that_has_moved_by_its_own_size_is_still_kin(demo):
    moved, others = copy.deepcopy(demo), stranger(demo.config).state_dict()
    for name, weight in moved.named_parameters():
        weight.data += others[name].reshape(weight.shape)
    likeness = kinship(weight_sketch(demo), weight_sketch(moved))
    assert likeness < 0.9
    assert are_kin(likeness, weight_sketch(demo))


def test_a_short_sketch_asks_for_more_than_chance():
    assert not are_kin(0.3, torch.zeros(100))
    assert are_kin(0.3, torch.zeros(400))


def test_a_sketch_has_at_most_4096_numbers_and_sees_every_layer(demo):
    sketch = weight_sketch(demo)
    assert len(sketch) <= 4096
    for index in range(len(demo.synthesis.layers)):
        changed = copy.deepcopy(demo)
        changed.synthesis.layers[index].affine.weight.data.mul_(torch.randn([]).exp()).add_(
            torch.randn(changed.synthesis.layers[index].affine.weight.shape)
        )
        assert not torch.equal(weight_sketch(changed), sketch)


def test_other_architectures_are_strangers():
    assert kinship(torch.randn(5), torch.randn(6)) == 0


def test_the_hash_is_that_of_the_content_whatever_file_it_came_in(demo, tmp_path):
    file = tmp_path / "other-name.safetensors"
    save_network(file, demo, metadata={"kimg": 3})
    assert content_hash(adatune.load(file).G_ema) == content_hash(demo)
    changed = copy.deepcopy(demo)
    changed.synthesis.b4.conv1.bias.data[0] += 1e-6
    assert content_hash(changed) != content_hash(demo)


def test_a_network_of_a_run_is_called_after_the_run(tmp_path):
    run = tmp_path / "00003-faces"
    run.mkdir()
    (run / "config.toml").touch()
    assert name_of(run / "network-000200.safetensors") == "00003-faces/network-000200"
    assert name_of(tmp_path / "ffhq512.pkl") == "ffhq512"
