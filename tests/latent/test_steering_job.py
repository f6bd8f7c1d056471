"""From learning to files: what lies where, and that it is the walk's."""

import json

import pytest
import torch

from adatune.augment.edits import make_edit
from adatune.checkpoints import LoadedNetworks
from adatune.latent.dataset_photos import read_photos
from adatune.latent.direction_files import read_directions, save_directions
from adatune.latent.sampling import SamplingConfig
from adatune.latent.steering import SteeringConfig
from adatune.latent.steering_files import files_for
from adatune.latent.steering_job import Steering, draw_sheets, find_limits, learn, with_limits
from adatune.latent.steering_limits import LimitsConfig
from adatune.metrics.features import discriminator_features
from adatune.networks import Discriminator, Generator, NetworkConfig


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    return tmp_path


def steering(name="color", **settings):
    torch.manual_seed(3)
    network = NetworkConfig(resolution=16, z_dim=8, w_dim=8, channel_base=64, channel_max=8, mapping_layers=1)
    generator = Generator(network).eval().requires_grad_(requires_grad=False)
    discriminator = Discriminator(network).eval().requires_grad_(requires_grad=False)
    loaded = LoadedNetworks(network, None, discriminator, generator, None, 1.0, {})
    config = SteeringConfig(steps=4, **settings)
    return Steering(loaded, "faces", make_edit(name, 16), config, discriminator_features(discriminator))


class Counted:
    """Progress that keeps what it was told, and how many items came."""

    def __init__(self):
        self.told = []

    def __call__(self, items, count, verb, noun):
        passed = 0
        for item in items:
            passed += 1
            yield item
        self.told.append((verb, noun, count, passed))


def test_a_line_is_written_twice_with_its_recommended_range_and_progress_counts_right(home):
    job, progress = steering(), Counted()
    files = files_for("tint", job.config, may_replace=False)
    walk, found, loss = learn(job, files, progress)
    assert loss > 0
    assert read_directions(files.directions).vectors.shape == (3, 6, 8)
    stem = home / "out" / "steer-tint"
    limits, made = find_limits(job, walk, [-0.5, 0.0, 0.5], LimitsConfig(samples=20), None, stem, progress)
    sheets = draw_sheets(job, walk, [-0.5, 0.0, 0.5], [0, 1], SamplingConfig(), stem, progress)
    names = [
        f"steer-tint-{color}-{what}.png" for what in ("limits", "sheet") for color in ("red", "green", "blue")
    ]
    assert sorted(path.name for path in (home / "out").iterdir()) == sorted(
        [*names, "steer-tint-limits.json"]
    )
    assert {*made, *sheets} == set((home / "out").iterdir())
    assert all(count == passed for _, _, count, passed in progress.told)
    document = json.loads((home / "out" / "steer-tint-limits.json").read_text())
    assert [part["label"] for part in document["limits"]] == ["red", "green", "blue"]
    assert document["edit"] == "color"
    told = with_limits(found, job.edit, limits)
    save_directions(told, files.directions)
    for number, part in enumerate(limits):
        scale = found.details["strength_of_slider"][number]
        expected = [job.edit.slider_of(alpha) * scale for alpha in (part.low, part.high)]
        assert told.details["recommended_strengths"][number] == pytest.approx(expected, abs=1e-3)


def test_steps_that_are_no_line_make_no_directions_and_names_without_sliders(home):
    job, progress = steering("zoom", is_nonlinear=True), Counted()
    files = files_for("near", job.config, may_replace=False)
    walk, found, _ = learn(job, files, progress)
    assert found is None
    assert [path.name for path in (home / "directions").iterdir()] == ["walks"]
    (sheet,) = draw_sheets(job, walk, [0.5, 1.0, 2.0], [0], SamplingConfig(), home / "steer-near", progress)
    assert sheet.name == "steer-near-sheet.png"


def test_the_spread_of_a_dataset_goes_beside_the_limits(home):
    from PIL import Image

    (home / "set" / "images").mkdir(parents=True)
    for index, value in enumerate((60, 90, 120, 150)):
        Image.new("RGB", (16, 16), (value,) * 3).save(home / "set" / "images" / f"{index}.png")
    job, progress = steering("brightness"), Counted()
    walk, *_ = learn(job, files_for("light", job.config, may_replace=False), progress)
    photos = read_photos(home / "set", job.networks.config)
    limits, _ = find_limits(
        job, walk, [-0.5, 0.5], LimitsConfig(samples=4), photos, home / "steer-light", progress
    )
    assert limits[0].spread.count == 4
    assert limits[0].spread.high == pytest.approx(43 / 127.5, abs=0.05)
    assert limits[0].spread.low == pytest.approx(-43 / 127.5, abs=0.05)
