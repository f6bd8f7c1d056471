"""The whole job from targets to files."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import adatune
from adatune.latent.projection import config_of_length
from adatune.latent.projection_job import Job, Report, run
from adatune.latent.refinding import generated_targets
from adatune.metrics.features import discriminator_features


@pytest.fixture(scope="module")
def model():
    return adatune.load("demo32")


def job_of(model, folder, **settings):
    job = Job(
        Path("demo32.safetensors"),
        model,
        discriminator_features(model.D),
        generated_targets(model, 2),
        config_of_length(4, "w+", 0),
        2,
        folder,
    )
    return replace(job, **settings)


def test_a_job_writes_latents_pictures_a_comparison_and_the_distances(model, tmp_path):
    job, report = job_of(model, tmp_path / "new"), Report()
    steps = list(run(job, {"network": "demo32"}, report))
    assert len(steps) == job.steps
    written = json.loads((tmp_path / "new" / "distances.json").read_text())
    assert written == {"network": "demo32", **report.as_json()}
    assert [photo["name"] for photo in written["photos"]] == ["seed0000", "seed0001"]
    assert report.files[0] == tmp_path / "new" / "comparison.png"
    assert {file for file in (tmp_path / "new").rglob("*") if file.is_file()} == set(report.files)


def test_a_self_test_alone_reports_how_far_w_is(model, tmp_path):
    job, report = (
        job_of(model, tmp_path, targets=[], self_test=3, config=config_of_length(40, "pti", 0)),
        Report(),
    )
    assert len(list(run(job, {}, report))) == job.steps == 80  # batches of 2 and 1, in W only
    tested = json.loads((tmp_path / "distances.json").read_text())["self_test"]
    assert len(tested) == 3
    for picture in tested:
        assert picture["w_distance"] < 0.95 * picture["w_distance_at_start"]
        assert picture["spaces"]["w"]["psnr"] > 25
    assert len(report.lines()) == 3
    assert "spreads away" in report.lines()[0]


def test_a_histogram_has_generated_pictures_even_if_nobody_asks_for_them(model, tmp_path):
    job, report = (
        job_of(model, tmp_path, has_histogram=True, config=config_of_length(1, "w", 0), batch=8),
        Report(),
    )
    list(run(job, {}, report))
    assert len(report.self_test) == 8
    assert (tmp_path / "histogram.png").is_file()


def test_stopped_in_the_middle_there_is_nothing_half_written(model, tmp_path):
    job, report = job_of(model, tmp_path, batch=1, has_film=True), Report()
    steps = run(job, {}, report)
    for _ in range(job.steps // 2 + 1):  # the first photo is done, the second one begun
        next(steps)
    steps.close()
    names = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    expected = {"photo.png", "w.png", "w-plus.png", "projected_w.npz", "projected_w-plus.npz", "progress.mp4"}
    assert names == expected
    assert [path.name for path in tmp_path.iterdir()] == ["seed0000"]
