"""Scores, distances, and the choice of a varied few, against plain recomputations."""

from itertools import combinations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_networks import tiny_networks

import adatune
from adatune.errors import UnreadableNetwork
from adatune.latent.ranking import (
    coarse_vector,
    discriminator_of,
    discriminator_score,
    distance_matrix,
    distances_to,
    draw_tiles,
    judge_all,
    order_by,
    pick_varied,
    quality_weights,
    smallest_distance,
    tile_to_image,
)
from adatune.latent.sampling import SamplingConfig
from adatune.metrics.features import discriminator_features

CPU = torch.device("cpu")


def images(networks, seeds):
    tiles = [tile for _, tile in draw_tiles(networks, seeds, SamplingConfig())]
    return [tile_to_image(tile, networks.config.channels, CPU) for tile in tiles]


def test_tiles_are_the_pictures_of_generate():
    networks = tiny_networks()
    drawn = dict(draw_tiles(networks, [4, 2], SamplingConfig()))
    pictures = adatune.generate(networks, [4, 2])
    assert list(drawn) == [4, 2]
    assert all(np.array_equal(drawn[s], np.asarray(p)) for s, p in zip([4, 2], pictures, strict=True))


def test_a_tile_becomes_what_networks_see():
    tile = np.zeros((2, 2, 3), np.uint8)
    tile[0, 1] = 255
    image = tile_to_image(tile, 3, CPU)
    assert image.shape == (1, 3, 2, 2)
    assert image[0, :, 0, 1].tolist() == [1, 1, 1]
    assert image[0, :, 1, 0].tolist() == [-1, -1, -1]
    assert tile_to_image(tile, 1, CPU).shape == (1, 1, 2, 2)


@pytest.mark.parametrize("c_dim", [0, 2])
def test_a_score_is_the_plain_output_of_the_discriminator(c_dim):
    networks = tiny_networks(16, c_dim=c_dim)
    label = torch.tensor([[0.0, 1.0]]) if c_dim else None
    look = SamplingConfig(label=1 if c_dim else None)
    ((_, tile),) = draw_tiles(networks, [3], look)
    pixels = torch.from_numpy(np.asarray(adatune.generate(networks, [3], label=look.label)[0]).copy())
    with torch.no_grad():
        expected = networks.D((pixels.permute(2, 0, 1)[None].float() - 127.5) / 127.5, label)
    found = discriminator_score(discriminator_of(networks), tile_to_image(tile, 3, CPU), label)
    assert found == pytest.approx(float(expected), rel=1e-4, abs=1e-5)


def test_without_a_discriminator_the_error_says_what_to_do():
    with pytest.raises(UnreadableNetwork, match=r"holds no discriminator .* --light"):
        discriminator_of(tiny_networks(8, has_discriminator=False))


def test_distances_to_photos_are_perceptual_distances_and_zero_to_itself():
    networks = tiny_networks()
    features = discriminator_features(networks.D)
    first, second, third = images(networks, [1, 2, 3])
    found = distances_to(features, first, [(x, features.maps(x)) for x in (first, second, third)])
    assert found[0] == 0
    for distance, other in zip(found[1:], (second, third), strict=True):
        plain = sum(
            float((a - b).square().sum())
            for a, b in zip(features.maps(first), features.maps(other), strict=True)
        )
        plain += float((first - other).square().mean())
        assert distance == pytest.approx(plain, rel=1e-5)
        assert distance > 0


def test_coarse_vectors_are_never_farther_apart_than_the_pictures_and_far_from_alike():
    networks = tiny_networks()
    features = discriminator_features(networks.D)
    drawn = images(networks, range(6))
    distances = distance_matrix(torch.stack([coarse_vector(features, image) for image in drawn]))
    assert np.allclose(distances, distances.T)
    assert np.array_equal(np.diag(distances), np.zeros(6))
    shares = []
    for i, j in combinations(range(6), 2):
        (whole,) = distances_to(features, drawn[i], [(drawn[j], features.maps(drawn[j]))])
        assert 0 < distances[i, j] ** 2 <= whole * (1 + 1e-5)
        shares.append(distances[i, j] ** 2 / whole)
    assert min(shares) > 0.05


def plane(count, seed=0):
    points = torch.from_numpy(np.random.default_rng(seed).random((count, 2)))
    return distance_matrix(points)


def test_the_pick_is_spread_wider_than_any_of_many_random_picks():
    distances = plane(300)
    scores = np.random.default_rng(1).random(300).tolist()
    random = np.random.default_rng(2)
    best = max(smallest_distance(distances, random.choice(300, 15, replace=False)) for _ in range(500))
    assert smallest_distance(distances, pick_varied(distances, None, 15)) > 1.25 * best
    weighted = pick_varied(distances, scores, 15)
    assert smallest_distance(distances, weighted) > best
    assert np.mean(quality_weights(scores)[weighted]) > 0.6


def test_the_pick_of_pictures_is_spread_wider_than_the_mean_random_one():
    networks = tiny_networks()
    features = discriminator_features(networks.D)
    drawn = images(networks, range(60))
    distances = distance_matrix(torch.stack([coarse_vector(features, image) for image in drawn]))
    scores = [discriminator_score(networks.D, image, None) for image in drawn]
    random = np.random.default_rng(0)
    others = [smallest_distance(distances, random.choice(60, 8, replace=False)) for _ in range(200)]
    assert smallest_distance(distances, pick_varied(distances, scores, 8)) > np.quantile(others, 0.95)


def test_it_begins_with_the_best_and_passes_a_broken_outlier_over():
    points = torch.from_numpy(np.random.default_rng(0).random((200, 2)))
    points[77] = torch.tensor([2.5, 2.5])
    distances = distance_matrix(points)
    scores = list(range(200))
    scores[77] = -100
    assert 77 in pick_varied(distances, None, 5)
    chosen = pick_varied(distances, scores, 5)
    assert chosen[0] == 199
    assert 77 not in chosen


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 12), st.integers(1, 15), st.integers(0, 99), st.booleans())
def test_each_is_taken_once_and_the_gonzalez_bound_holds(n, count, seed, is_scored):
    distances = plane(n, seed)
    scores = np.random.default_rng(seed).random(n).tolist() if is_scored else None
    chosen = pick_varied(distances, scores, count)
    assert len(chosen) == len(set(chosen)) == min(n, count)
    if scores is None and 2 <= count <= min(n, 4):  # at least half of the best possible spread
        best = max(smallest_distance(distances, combination) for combination in combinations(range(n), count))
        assert smallest_distance(distances, chosen) >= best / 2 - 1e-12


def test_weights_are_ranks():
    assert quality_weights([3.0, -1.0, 3.0, 7.0]).tolist() == [0.75, 0.25, 0.75, 1.0]


def test_equal_values_keep_their_order():
    assert order_by([1, 2, 2, 0], is_descending=True) == [1, 2, 0, 3]
    assert order_by([1, 2, 2, 0], is_descending=False) == [3, 0, 1, 2]


@pytest.mark.parametrize("is_descending", [False, True])
def test_only_the_best_pictures_are_kept(is_descending):
    values = [3.0, 1, 4, 1, 5, 9, 2, 6, 5, 3]
    tiles = [(seed, np.full((1, 1, 3), seed, np.uint8)) for seed in range(10)]
    found, kept = judge_all(tiles, lambda tile: values[tile[0, 0, 0]], 4, is_descending)
    assert found == values
    assert set(kept) == set(order_by(values, is_descending)[:4])
    assert all(tile[0, 0, 0] == index for index, tile in kept.items())
