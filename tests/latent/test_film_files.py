"""The film and the sheet beside it."""

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
import torch
from PIL import Image

from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError, VideoError
from adatune.latent.film import plan_film
from adatune.latent.film_config import FilmConfig
from adatune.latent.film_files import film_path, film_strip, keep_strip, save_film
from adatune.latent.sampling import SamplingConfig
from adatune.networks import Generator, NetworkConfig
from adatune.video import Encoder

FFMPEG = Encoder("bundled", imageio_ffmpeg.get_ffmpeg_exe())


def film(**settings):
    torch.manual_seed(0)
    config = NetworkConfig(resolution=8, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    networks = LoadedNetworks(config, None, None, generator, None, 1.25, {})
    return plan_film(
        networks, [1, 2, 3], FilmConfig(seconds=2, frames_per_second=10, **settings), SamplingConfig()
    )


def passing(told):
    def progress(items, count, verb, noun):
        told.append((count, verb, noun))
        return iter(items)

    return progress


@pytest.mark.parametrize("is_even", [False, True])
def test_a_film_and_a_sheet_of_it_are_written_and_progress_is_told(tmp_path, is_even):
    told = []
    files = save_film(film(), tmp_path / "a.mp4", 10, is_even, "me", FFMPEG, passing(told))
    assert (files.frames, files.seconds, files.width, files.height) == (20, 2, 256, 320)
    capture = cv2.VideoCapture(str(files.film))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 20
    assert Image.open(files.sheet).width > 8 * 256
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a-frames.png", "a.mp4"]
    assert told[-1] == (20, "Drawing", "frames")
    assert told[:-1] == ([(49, "Measuring", "measured pictures")] if is_even else [])


def test_where_the_film_fails_there_is_no_sheet_either(tmp_path):
    with pytest.raises(VideoError):
        save_film(film(), tmp_path / "a.mp4", 10, False, "me", Encoder("false", "false"), passing([]))
    assert list(tmp_path.iterdir()) == []


def test_a_film_goes_where_it_is_told_or_under_a_free_name(tmp_path):
    default = tmp_path / "generated"
    assert film_path(None, default, "video-1") == default / "video-1.mp4"
    assert film_path(tmp_path / "me.MP4", default, "video-1") == tmp_path / "me.MP4"
    assert film_path(tmp_path / "folder", default, "video-1") == tmp_path / "folder" / "video-1.mp4"
    default.mkdir()
    (default / "video-1.mp4").touch()
    assert film_path(None, default, "video-1") == default / "video-1-2.mp4"
    (tmp_path / "v1.2").mkdir()
    assert film_path(tmp_path / "v1.2", default, "a") == tmp_path / "v1.2" / "a.mp4"


def test_a_film_of_another_kind_is_refused(tmp_path):
    with pytest.raises(UsageError, match=r"Call it a\.mp4"):
        film_path(tmp_path / "a.gif", tmp_path, "video-1")


@pytest.mark.parametrize("count", [2, 8, 100])
def test_the_strip_has_the_first_and_the_last_frame_and_all_pass(count):
    kept, items = [], [np.full((4, 4, 3), index, np.uint8) for index in range(count)]
    assert list(keep_strip(items, count, kept)) == items
    assert len(kept) == min(8, count)
    assert (kept[0][0, 0, 0], kept[-1][0, 0, 0]) == (0, count - 1)
    assert film_strip(kept, 2, "").width > len(kept) * 128
