"""Finding directions: in which layers, at what scale, from which examples."""

import numpy as np
import pytest
import torch

import adatune
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent import direction_search
from adatune.latent.direction_search import (
    Search,
    check_search,
    chosen_layers,
    default_name,
    direction_between,
    direction_from_seeds,
    find_directions,
)
from adatune.latent.seeds import latents_of_seeds
from adatune.networks import Generator, NetworkConfig


@pytest.fixture(autouse=True)
def fewer_samples(monkeypatch):
    monkeypatch.setattr(direction_search, "SAMPLES", 3000)


def networks(**settings):
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=16, z_dim=8, w_dim=8, channel_base=256, channel_max=16, mapping_layers=2, **settings
    )
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    return LoadedNetworks(config, None, None, generator, None, 1.0, {})


@pytest.mark.parametrize("method", ["sefa", "ganspace"])
def test_directions_are_of_unit_length_and_scaled_by_the_spread_of_ten_thousand_w(method):
    model = networks()
    found = find_directions(model, "faces", "shape", Search(method, "coarse", 3))
    assert (found.name, found.network, found.layers) == ("shape", "faces", [0, 1, 2])
    torch.testing.assert_close(found.vectors.norm(dim=2), torch.ones(3, 1))
    z = torch.from_numpy(np.random.RandomState(123).randn(10_000, 8)).float()
    ws = model.G_ema.mapping(z)[:, 0].double().numpy()
    expected = (ws @ found.vectors[:, 0].numpy().T).std(axis=0, ddof=1)
    np.testing.assert_allclose(found.deviations, expected, rtol=1e-5)


def test_ganspace_goes_along_what_varies_most_so_its_scales_fall():
    found = find_directions(networks(), "", "", Search("ganspace", None, 8))
    assert (found.deviations.diff() < 0.02).all()
    assert float(found.shares.sum()) == pytest.approx(1, rel=1e-5)


def test_sefa_depends_on_the_layers_and_ganspace_moves_the_same_way_in_all():
    model = networks()
    sefa = [find_directions(model, "", "", Search("sefa", layers, 1)).vectors for layers in ("0", "4")]
    assert not torch.allclose(*sefa)
    pca = [find_directions(model, "", "", Search("ganspace", layers, 1)).vectors for layers in ("0", "4")]
    assert torch.equal(*pca)


def test_the_same_search_finds_the_same_bits():
    first, second = (find_directions(networks(), "", "", Search("ganspace", None, 4)) for _ in range(2))
    assert torch.equal(first.vectors, second.vectors)


def test_a_network_with_classes_is_searched_in_one_of_them():
    model = networks(c_dim=2)
    with pytest.raises(UsageError, match="2 classes and --class has none"):
        find_directions(model, "", "", Search())
    first, second = (find_directions(model, "", "", Search("ganspace", None, 1, label)) for label in (0, 1))
    assert not torch.allclose(first.vectors, second.vectors)
    assert second.details == {"class": 1}


def seeds_by_trait(model, count):
    """A direction in w, and the COUNT seeds of 100 that are farthest and least far along it."""
    ws = model.G_ema.mapping(latents_of_seeds(range(100), 8))[:, 0]
    trait = torch.nn.functional.normalize(torch.randn(8), dim=0)
    order = (ws @ trait).argsort().tolist()
    return trait, order[-count:], order[:count]


def test_seeds_that_a_trait_parts_give_back_the_boundary_that_parts_them():
    model = networks()
    trait, positive, negative = seeds_by_trait(model, 25)
    found = direction_from_seeds(model, "", "smile", positive, negative, "svm")
    assert float(found.vectors[0, 0] @ trait) > 0.8
    assert found.details["left_out_accuracy"] > 0.95
    assert (found.details["positive"], found.details["negative"]) == (positive, negative)


def test_by_default_the_direction_is_that_of_the_mean_w_untruncated():
    model = networks()
    _, positive, negative = seeds_by_trait(model, 4)
    model.G_ema.mapping.w_avg.fill_(100)
    found = direction_from_seeds(model, "", "smile", positive, negative)
    means = [model.G_ema.mapping(latents_of_seeds(s, 8))[:, 0].mean(dim=0) for s in (positive, negative)]
    expected = torch.nn.functional.normalize(means[0] - means[1], dim=0)
    torch.testing.assert_close(found.vectors[0, 0], expected)
    assert found.method == "means"


def test_few_seeds_are_not_asked_what_they_would_do_without_one_of_them():
    found = direction_from_seeds(networks(), "", "", [1, 2, 3, 4], range(10, 30))
    assert "left_out_accuracy" not in found.details


def test_seeds_on_both_sides_and_sides_that_do_not_differ_are_refused():
    with pytest.raises(UsageError, match="Seed 3 is among both --positive and --negative"):
        direction_from_seeds(networks(), "", "", [1, 3], [3, 4])
    same = torch.ones(2, 8), torch.ones(3, 8)
    with pytest.raises(UsageError, match=r"No direction leads .* do not differ"):
        direction_between(networks(), "", "", same, "means", None, None, {})


def test_layers_are_names_or_numbers_and_all_of_them_without_either():
    config = networks().config
    assert chosen_layers(None, config) == [0, 1, 2, 3, 4, 5]
    assert chosen_layers("coarse", config) == [0, 1, 2]
    assert chosen_layers("middle", config) == [3, 4, 5]
    assert chosen_layers("0,2-3", config) == [0, 2, 3]
    with pytest.raises(UsageError, match="--layers fine begins at 64x64, and this network ends at 16x16"):
        chosen_layers("fine", config)
    with pytest.raises(UsageError, match="--layers 'some' is no list of layers"):
        chosen_layers("some", config)


def test_searches_that_cannot_be_are_refused():
    with pytest.raises(UsageError, match="--count 0 is too few"):
        Search(count=0)
    with pytest.raises(UsageError, match="--method pca is unknown"):
        Search("pca")


def test_a_search_is_checked_before_it_takes_any_time():
    check_search(Search(layers="0-5"), networks().config)
    with pytest.raises(UsageError, match="has 6 layers"):
        check_search(Search(layers="0-6"), networks().config)
    with pytest.raises(UsageError, match="trained without classes"):
        check_search(Search(label=0), networks().config)


def test_there_are_as_many_directions_as_w_has_dimensions():
    assert len(find_directions(networks(), "", "", Search(count=9)).vectors) == 8


def test_a_default_name_says_where_and_how():
    assert default_name("00000-faces/network-000200", "sefa", "0-6") == "00000-faces-network-000200-sefa-0-6"
    assert default_name("ffhq512", "ganspace", None) == "ffhq512-ganspace"


def test_the_first_direction_changes_the_demo_networks_pictures_more_than_the_last_in_w():
    model = adatune.load("demo32")
    found = find_directions(model, "demo32", "all", Search("sefa", None, 64))
    ws = model.G_ema.mapping(latents_of_seeds(range(4), 64), None, 0.7)
    changes = []
    for vector in found.vectors[[0, -1], 0]:
        pictures = model.G_ema.synthesis(torch.cat([ws + vector, ws]), "const").chunk(2)
        changes.append(float((pictures[0] - pictures[1]).square().mean()))
    assert changes[0] > 10 * changes[1]
