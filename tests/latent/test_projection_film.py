"""The film of a projection, read back."""

import cv2
import numpy as np
import torch

from adatune.latent.project_photos import Step
from adatune.latent.projection_film import ProjectionFilm
from adatune.latent.targets import Target


def frames_of(path):
    film = cv2.VideoCapture(str(path))
    frames = []
    while True:
        is_there, frame = film.read()
        if not is_there:
            return frames
        frames.append(frame[:, :, ::-1])


def test_a_film_shows_the_photo_beside_what_is_found_and_rests_on_the_last(tmp_path):
    photo = np.full((32, 32, 3), 255, np.uint8)
    targets = [Target("a", "a.jpg", photo), Target("b", "b.jpg", photo)]
    film = ProjectionFilm(targets, 1.25)
    for number in range(200):
        level = -1 + number / 100
        film.look(Step("w", number, 200, 0, torch.full((2, 3, 32, 32), level)))
    film.look(Step("pti", 0, 1, 1, torch.full((1, 3, 32, 32), -1.0)))
    film.save(targets[1], tmp_path / "b.mp4")
    frames = frames_of(tmp_path / "b.mp4")
    assert len(frames) == 100 + 1 + 1 + 15  # each second step, the last one, the tuned one, the rest
    assert len({frame.shape for frame in frames}) == 1
    height, width, _ = frames[0].shape
    middle = height * 2 // 5
    found = [frame[middle, width * 3 // 4].mean() for frame in frames]
    assert found[0] < 10
    assert np.all(np.diff(found[:101]) > -4)
    assert found[100] > 240
    assert found[-1] < 10
    assert frames[50][middle, width // 4].mean() > 245
    film.save(targets[0], tmp_path / "a.mp4")
    assert len(frames_of(tmp_path / "a.mp4")) == 116
