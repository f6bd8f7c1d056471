"""What a projection leaves behind, read by those who will."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import adatune
from adatune.images import to_pixels
from adatune.latent.latent_files import read_latents
from adatune.latent.project_photos import draw, project_photos
from adatune.latent.projection import ProjectionConfig
from adatune.latent.projection_files import (
    line_about,
    save_comparison,
    save_latents,
    save_projected,
    summary_of,
)
from adatune.latent.refinding import generated_targets
from adatune.metrics.features import discriminator_features


@pytest.fixture(scope="module")
def model():
    return adatune.load("demo32")


@pytest.fixture(scope="module")
def projected(model):
    found = []
    config = ProjectionConfig(space="pti", steps=3, plus_steps=2, tuning_steps=3)
    targets = generated_targets(model, 1)
    list(project_photos(model, discriminator_features(model.D), targets, config, 1, found.append))
    return found[0]


def test_latents_are_where_and_what_other_tools_look_for(model, projected, tmp_path):
    files = save_projected(projected, tmp_path, model)
    with np.load(tmp_path / "seed0000" / "projected_w.npz", allow_pickle=False) as file:
        assert list(file) == ["w"]
        assert file["w"].shape == (1, 8, 64)
        assert file["w"].dtype == np.float32
    for space, name in (("w", "projected_w.npz"), ("w+", "projected_w-plus.npz")):
        ws = read_latents(tmp_path / "seed0000" / name, model.config)
        assert torch.equal(ws, projected.results[space].ws)
    assert {path.name for path in files} == {path.name for path in (tmp_path / "seed0000").iterdir()}


def test_the_tuned_network_is_a_light_file_that_draws_the_picture_at_the_pivot(model, projected, tmp_path):
    save_projected(projected, tmp_path, model)
    folder = tmp_path / "seed0000"
    tuned = adatune.load(folder / "seed0000-tuned.safetensors")
    assert tuned.D is None
    assert tuned.aspect == 1.25
    assert "pivotal tuning" in tuned.metadata["tuned"]
    pivot = read_latents(folder / "projected_w.npz", tuned.config)
    pixels = to_pixels(draw(tuned.G_ema, pivot))[0]
    assert np.array_equal(pixels, projected.results["pti"].pixels)
    assert not np.array_equal(pixels, projected.results["w"].pixels)


def test_pictures_are_upright_unless_they_are_to_stay_square(model, projected, tmp_path):
    save_projected(projected, tmp_path / "a", model)
    save_projected(projected, tmp_path / "b", model, is_square=True)
    for name in ("photo", "w", "w-plus", "tuned"):
        assert Image.open(tmp_path / "a" / "seed0000" / f"{name}.png").size == (32, 40)
        assert Image.open(tmp_path / "b" / "seed0000" / f"{name}.png").size == (32, 32)
    square = np.asarray(Image.open(tmp_path / "b" / "seed0000" / "photo.png"))
    assert np.array_equal(square, projected.target.pixels)


def test_the_comparison_has_a_row_a_photo_and_a_column_a_space(projected, tmp_path):
    summary = summary_of(projected)
    levels = dict(zip(["w", "w+", "pti"], (60, 120, 180), strict=True))
    pixels = {space: np.full((128, 128, 3), level, np.uint8) for space, level in levels.items()}
    photo = replace(summary.target, pixels=np.full((128, 128, 3), 20, np.uint8))
    summaries = [replace(summary, target=photo, pixels=pixels)] * 2
    save_comparison(summaries, "about", tmp_path / "new" / "comparison.png", 1.0)
    sheet = np.asarray(Image.open(tmp_path / "new" / "comparison.png"))
    corners = []
    for level in (20, 60, 120, 180):
        y, x = np.nonzero((sheet == level).all(axis=-1))
        assert len(y) == pytest.approx(2 * 128 * 128, rel=0.01)
        corners.append(int(x.min()))
    assert corners == sorted(corners)


def test_a_summary_says_how_near_each_space_came(projected):
    summary = summary_of(projected)
    for space, result in projected.results.items():
        assert summary.as_json()["spaces"][space] == {
            "distance": result.distance,
            "psnr": result.signal_to_noise,
            "spreads_from_mean": result.spreads_from_mean,
        }
    line = line_about(summary)
    assert line.startswith("seed0000: W ")
    assert f"tuned (PTI) {summary.distances['pti']:.3f}" in line
    assert "--steps" not in line
    far = replace(summary, spreads_from_mean=dict.fromkeys(summary.spreads_from_mean, 4.2))
    assert "w 4.2 spreads from the mean" in line_about(far)


def test_latents_are_written_whole_or_not_at_all(tmp_path):
    path = tmp_path / "w.npz"
    save_latents(torch.ones(1, 2, 3), path)
    path.chmod(0o600)
    with pytest.raises(AttributeError):
        save_latents(None, path)  # type: ignore[arg-type]
    assert [file.name for file in tmp_path.iterdir()] == ["w.npz"]
    assert np.load(path)["w"].sum() == 6
