"""The whole of `adatune project`: photos and a self-test through the projection, and everything written."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import torch

from adatune.checkpoints import LoadedNetworks
from adatune.home import write_text
from adatune.images import save_picture
from adatune.latent.distance_plot import distance_plot
from adatune.latent.project_photos import Projected, Step, project_photos, step_count
from adatune.latent.projection import ProjectionConfig
from adatune.latent.projection_files import (
    COMPARISON,
    Summary,
    line_about,
    save_comparison,
    save_projected,
    summary_of,
)
from adatune.latent.projection_film import ProjectionFilm
from adatune.latent.refinding import generated_targets, w_distances
from adatune.latent.targets import Target
from adatune.metrics.features import Features

RESULTS, HISTOGRAM, SELF_TEST, FILM = "distances.json", "histogram.png", "self-test.png", "progress.mp4"
_LEAST_GENERATED = 8  # pictures in a histogram


@dataclass(frozen=True)
class Job:
    """What is to be done."""

    network: Path  # the file
    networks: LoadedNetworks
    features: Features
    targets: list[Target]  # photos; may be none where there is a self-test
    config: ProjectionConfig
    batch: int  # photos at once
    folder: Path  # for all files
    self_test: int = 0  # generated pictures to be found again; a histogram has some in any case
    has_histogram: bool = False
    has_film: bool = False
    is_square: bool = False  # keep pictures squashed

    @property
    def tested(self) -> int:
        """How many generated pictures are found again."""
        if self.self_test or not self.has_histogram:
            return self.self_test
        return max(_LEAST_GENERATED, len(self.targets))

    @property
    def test_config(self) -> ProjectionConfig:
        """Of the self-test, which stays in W, where the truth is known."""
        return replace(self.config, space="w")

    @property
    def steps(self) -> int:
        """How many there will be."""
        photos = step_count(len(self.targets), self.config, self.batch)
        return photos + step_count(self.tested, self.test_config, self.batch)

    @property
    def aspect(self) -> float:
        """Of the pictures that are written."""
        return 1.0 if self.is_square else self.networks.aspect


@dataclass
class Report:
    """What came out; filled while the work goes on."""

    photos: list[Summary] = field(default_factory=list[Summary])
    self_test: list[Summary] = field(default_factory=list[Summary])
    w_distances: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    files: list[Path] = field(default_factory=list[Path])

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        tested = [
            {**summary.as_json(), "w_distance": found, "w_distance_at_start": start}
            for summary, (found, start) in zip(self.self_test, self.w_distances, strict=True)
        ]
        return {"photos": [summary.as_json() for summary in self.photos], "self_test": tested}

    def lines(self) -> list[str]:
        """What to tell people: perceptual distances, by photo and space."""
        lines = [line_about(summary) for summary in self.photos]
        for summary, (found, start) in zip(self.self_test, self.w_distances, strict=True):
            lines.append(f"{line_about(summary)}, w {found:.2f} spreads away ({start:.2f} at the start)")
        return lines


def run(job: Job, about: dict[str, Any], report: Report) -> Iterator[Step]:
    """Do JOB and fill REPORT; yields each step.

    A photo's files are written as soon as it is found, each whole or not at all; the comparison, the
    histogram and distances.json at the end.

    Args:
        job: what to do.
        about: plain values for the head of distances.json.
        report: an empty one.

    Raises: what `project_photos` and `save_video` do.
    """
    if job.targets:
        yield from _project_targets(job, report)
    if job.tested:
        yield from _test(job, report)
    if job.has_histogram:
        series = {
            name: [summary.distances["w"] for summary in summaries]
            for name, summaries in (("generated", report.self_test), ("photos", report.photos))
            if summaries
        }
        title = f"How near W comes: {job.network.stem}"
        save_picture(distance_plot(series, title, _scale(job)), job.folder / HISTOGRAM)
        report.files.append(job.folder / HISTOGRAM)
    job.folder.mkdir(parents=True, exist_ok=True)
    write_text(job.folder / RESULTS, json.dumps({**about, **report.as_json()}, indent=2) + "\n")
    report.files.append(job.folder / RESULTS)


def _project_targets(job: Job, report: Report) -> Iterator[Step]:
    film = ProjectionFilm(job.targets, job.aspect) if job.has_film else None
    search = project_photos(
        job.networks, job.features, job.targets, job.config, job.batch, partial(_save, job, report, film)
    )
    for step in search:
        if film is not None:
            film.look(step)
        yield step
    caption = f"{job.network.name} · {job.config.steps} steps · seed {job.config.seed}"
    save_comparison(report.photos, caption, job.folder / COMPARISON, job.aspect)
    report.files.insert(0, job.folder / COMPARISON)


def _save(job: Job, report: Report, film: ProjectionFilm | None, projected: Projected) -> None:
    report.files += save_projected(projected, job.folder, job.networks, job.is_square)
    report.photos.append(summary_of(projected))
    if film is not None:
        path = job.folder / projected.target.name / FILM
        film.save(projected.target, path)
        report.files.append(path)


def _test(job: Job, report: Report) -> Iterator[Step]:
    found: list[Projected] = []
    targets = generated_targets(job.networks, job.tested, job.config.label)
    yield from project_photos(job.networks, job.features, targets, job.test_config, job.batch, found.append)
    ws = torch.cat([projected.results["w"].ws for projected in found])
    report.w_distances += w_distances(job.networks, ws, job.config.label)
    report.self_test += [summary_of(projected) for projected in found]
    caption = f"{job.network.name} · {job.config.steps} steps · found again in W"
    save_comparison(report.self_test, caption, job.folder / SELF_TEST, job.aspect, "generated")
    report.files.append(job.folder / SELF_TEST)


def _scale(job: Job) -> str:
    return f"perceptual distance of the picture from what was found in W ({job.features.name})"
