"""Shortlists: their order is that of a plain recomputation, their pictures those of generate."""

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_networks import tiny_networks

import adatune
from adatune.errors import PhotosError, UnreadableNetwork, UsageError
from adatune.latent.sampling import SamplingConfig
from adatune.latent.shortlist import (
    find_photos,
    like_photos,
    pick_seeds,
    rank_seeds,
    save_shortlist,
    shown_count,
)
from adatune.latent.targets import Target
from adatune.metrics.features import discriminator_features

LOOK = SamplingConfig(psi=0.6)
SEEDS = list(range(20, 50))
ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"


def silently(items, count):
    assert count == len(SEEDS)
    return items


def seen(networks, seeds):
    """The pictures of generate as the networks see them."""
    pictures = [np.array(picture) for picture in adatune.generate(networks, seeds, psi=0.6, square=True)]
    return [torch.from_numpy(pixels).permute(2, 0, 1)[None].float() / 127.5 - 1 for pixels in pictures]


def test_the_ranking_is_that_of_a_plain_recomputation():
    networks = tiny_networks(aspect=1.25)
    found = rank_seeds(networks, SEEDS, LOOK, 5, silently)
    with torch.no_grad():
        scores = {s: float(networks.D(x)) for s, x in zip(SEEDS, seen(networks, SEEDS), strict=True)}
    assert [entry.seed for entry in found.entries] == sorted(SEEDS, key=lambda s: -scores[s])
    assert [entry.value for entry in found.entries] == pytest.approx(sorted(scores.values(), reverse=True))
    best = adatune.generate(networks, [entry.seed for entry in found.entries[:5]], psi=0.6)
    assert [p.tobytes() for p in found.pictures] == [p.tobytes() for p in best]


def test_a_score_does_not_depend_on_the_other_seeds():
    networks = tiny_networks()
    whole = {e.seed: e.value for e in rank_seeds(networks, SEEDS, LOOK, 1, silently).entries}
    alone = rank_seeds(networks, SEEDS[7:8], LOOK, 1, lambda items, _: items).entries
    assert alone[0].value == whole[SEEDS[7]]


def test_ranking_without_a_discriminator_is_refused():
    with pytest.raises(UnreadableNetwork, match="no discriminator"):
        rank_seeds(tiny_networks(8, has_discriminator=False), SEEDS, LOOK, 5, silently)


def test_a_picture_of_a_seed_is_likest_to_that_seed_and_the_order_is_by_the_mean():
    networks = tiny_networks(aspect=1.25)
    features = discriminator_features(networks.D)
    tiles = [np.array(p) for p in adatune.generate(networks, [31, 44], psi=0.6, square=True)]
    photos = [Target("one", "one.jpg", tiles[0]), Target("two", "two.jpg", tiles[1])]
    found = like_photos(networks, SEEDS, LOOK, photos[:1], features, 3, silently)
    assert found.entries[0].seed == 31
    assert found.entries[0].value == 0
    found = like_photos(networks, SEEDS, LOOK, photos, features, 3, silently)
    values = [entry.value for entry in found.entries]
    assert values == sorted(values)
    images = dict(zip(SEEDS, seen(networks, SEEDS), strict=True))
    for entry in found.entries:
        maps = features.maps(images[entry.seed])
        each = [
            float((images[entry.seed] - images[s]).square().mean())
            + sum(float((a - b).square().sum()) for a, b in zip(maps, features.maps(images[s]), strict=True))
            for s in (31, 44)
        ]
        assert list(entry.more["photos"]) == ["one", "two"]
        assert list(entry.more["photos"].values()) == pytest.approx(each, rel=1e-4, abs=1e-6)
        assert entry.value == pytest.approx(sum(each) / 2, rel=1e-4, abs=1e-6)
    assert [name for name, _ in found.references] == ["one", "two"]
    assert found.references[0][1].size == (32, 40)


@pytest.mark.parametrize("has_discriminator", [True, False])
def test_a_pick_takes_so_many_and_says_how_far_apart_they_are(has_discriminator):
    networks = tiny_networks()
    features = discriminator_features(networks.D)
    if not has_discriminator:
        networks = tiny_networks(has_discriminator=False)
    found = pick_seeds(networks, SEEDS, LOOK, features, 6, silently)
    chosen = [entry.seed for entry in found.entries]
    assert len(set(chosen)) == 6
    assert set(chosen) <= set(SEEDS)
    assert found.facts["smallest_distance"] == min(entry.value for entry in found.entries) > 0
    assert all(("score" in entry.more) == has_discriminator for entry in found.entries)
    assert ("rank of the discriminator" in found.method) == has_discriminator
    drawn = adatune.generate(networks, chosen, psi=0.6)
    assert [p.tobytes() for p in found.pictures] == [p.tobytes() for p in drawn]


@pytest.mark.parametrize("count", [0, 1, 30, 31])
def test_a_pick_needs_more_seeds_than_it_takes(count):
    networks = tiny_networks(8)
    with pytest.raises(UsageError, match=f"--pick {count} of 30 seeds"):
        pick_seeds(networks, SEEDS, LOOK, discriminator_features(networks.D), count, silently)


def test_a_photo_with_a_face_is_aligned_and_another_is_cut_from_its_middle(tmp_path):
    networks = tiny_networks(64)
    Image.new("RGB", (90, 60), (10, 200, 30)).save(tmp_path / "grass.png")
    targets, remarks = find_photos([ASTRONAUT, tmp_path / "grass.png"], tmp_path / "network.pkl", networks)
    assert [target.pixels.shape for target in targets] == [(64, 64, 3)] * 2
    assert np.ptp(targets[0].pixels) > 100
    assert (np.abs(targets[1].pixels.astype(int) - (10, 200, 30)) <= 1).all()
    assert any("grass.png: no usable face" in remark for remark in remarks)
    assert not any("astronaut" in remark for remark in remarks)
    with pytest.raises(PhotosError):
        find_photos([tmp_path / "nothing.jpg"], tmp_path / "network.pkl", networks)


def test_the_sheet_shows_the_photos_first_and_then_the_order(tmp_path):
    networks = tiny_networks(16)
    tile = np.full((16, 16, 3), (255, 0, 255), np.uint8)
    features = discriminator_features(networks.D)
    found = like_photos(networks, SEEDS, LOOK, [Target("me", "me.jpg", tile)], features, 5, silently)
    save_shortlist(found, tmp_path / "new" / "like.png", "tiny", 3)
    sheet = np.asarray(Image.open(tmp_path / "new" / "like.png"))
    y, x = np.argwhere((sheet == (255, 0, 255)).all(axis=-1)).min(axis=0)
    first = np.asarray(found.pictures[0].resize((128, 128), Image.Resampling.BICUBIC))
    row = sheet[y : y + 128]
    assert any(np.array_equal(row[:, left : left + 128], first) for left in range(x + 128, x + 160))


def test_a_sheet_shows_what_a_grid_holds_and_64_without_one():
    assert shown_count((6, 3), 512) == 18
    assert shown_count(None, 512) == 64
