"""Films: read back by other programs, whole or not there, and never in memory."""

import json
import shutil
import signal
import stat
import subprocess
import sys
import weakref

import cv2
import imageio_ffmpeg
import numpy as np
import pytest

from adatune import video
from adatune.errors import UsageError, VideoError
from adatune.video import Encoder, find_encoder, save_video

FFMPEG = Encoder("bundled", imageio_ffmpeg.get_ffmpeg_exe())
ENCODERS = [FFMPEG, Encoder("OpenCV", None)]
if shutil.which("ffmpeg"):
    ENCODERS.append(Encoder("of the PATH", shutil.which("ffmpeg")))
RED, ORANGE, BLUE, GREY = (210, 30, 30), (230, 140, 20), (20, 40, 200), (128, 128, 128)


def patches(width=64, height=80):
    """Four patches of colour."""
    frame = np.empty((height, width, 3), np.uint8)
    frame[: height // 2, : width // 2], frame[: height // 2, width // 2 :] = RED, ORANGE
    frame[height // 2 :, : width // 2], frame[height // 2 :, width // 2 :] = BLUE, GREY
    return frame


def turning(count, width=64, height=80):
    """A soft picture that moves round once."""
    y, x = np.mgrid[:height, :width] * 2 * np.pi
    for index in range(count):
        angle = 2 * np.pi * index / count
        waves = [np.sin(x / width + angle), np.cos(y / height + angle), np.sin(x / width - angle)]
        yield (127.5 + 100 * np.stack(waves, axis=-1)).round().astype(np.uint8)


def opened(path):
    capture = cv2.VideoCapture(str(path))
    rate = capture.get(cv2.CAP_PROP_FPS)
    frames = []
    while (read := capture.read())[0]:
        frames.append(read[1][:, :, ::-1])
    capture.release()
    return frames, rate


def decoded(path, width, height):
    """The frames as ffmpeg shows them."""
    command = [FFMPEG.program, "-v", "error", "-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "pipe:1"]
    raw = subprocess.run(command, capture_output=True, check=True).stdout
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.name)
def test_a_film_reads_back_with_its_frames_its_size_and_its_speed(tmp_path, encoder):
    path = tmp_path / "new" / "film.mp4"
    expected = list(turning(24))
    assert save_video(iter(expected), path, 24, encoder) == 24
    frames, rate = opened(path)
    assert len(frames) == 24
    assert rate == pytest.approx(24)
    assert frames[0].shape == (80, 64, 3)
    errors = [np.abs(a.astype(int) - b).mean() for a, b in zip(frames, expected, strict=True)]
    neighbours = np.abs(expected[0].astype(int) - expected[1]).mean()
    assert max(errors) < 0.8 * neighbours  # no frame is its neighbour
    ends = np.abs(frames[0].astype(int) - frames[-1]).mean()
    middle = np.abs(frames[0].astype(int) - frames[12]).mean()
    assert ends < middle / 4
    assert [file.name for file in path.parent.iterdir()] == ["film.mp4"]


@pytest.mark.parametrize("encoder", ENCODERS[::2], ids=lambda encoder: encoder.name)
def test_colours_come_back_where_a_player_reads_the_tags(tmp_path, encoder):
    save_video([patches()] * 5, tmp_path / "film.mp4", 10, encoder)
    shown = decoded(tmp_path / "film.mp4", 64, 80)[2].astype(int)
    for place, colour in (((10, 10), RED), ((10, 50), ORANGE), ((60, 10), BLUE), ((60, 50), GREY)):
        assert np.abs(shown[place] - colour).max() <= 4, colour


def test_opencv_keeps_colours_too(tmp_path):
    save_video([patches()] * 5, tmp_path / "film.mp4", 10, Encoder("OpenCV", None))
    frames, _ = opened(tmp_path / "film.mp4")
    for place, colour in (((10, 10), RED), ((10, 50), ORANGE), ((60, 10), BLUE), ((60, 50), GREY)):
        assert np.abs(frames[2][place].astype(int) - colour).max() <= 12, colour


def test_a_film_is_what_browsers_play_and_starts_before_it_is_loaded(tmp_path):
    path = tmp_path / "film.mp4"
    save_video(turning(6), path, 30, FFMPEG)
    command = [FFMPEG.program, "-hide_banner", "-i", path]
    said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
    assert "h264" in said
    assert "yuv420p(tv, bt709" in said
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.name)
def test_odd_sides_grow_by_one_pixel(tmp_path, encoder):
    save_video(turning(4, 63, 41), tmp_path / "film.mp4", 30, encoder)
    assert opened(tmp_path / "film.mp4")[0][0].shape == (42, 64, 3)


def test_ffprobe_agrees_where_it_is_installed(tmp_path):
    program = shutil.which("ffprobe")
    if program is None:  # not part of what tests may ask for
        return
    save_video(turning(9), tmp_path / "film.mp4", 29.97, FFMPEG)
    show = [program, "-v", "error", "-count_frames", "-show_streams", "-of", "json", tmp_path / "film.mp4"]
    (stream,) = json.loads(subprocess.run(show, capture_output=True, check=True).stdout)["streams"]
    assert (stream["codec_name"], stream["pix_fmt"], stream["nb_read_frames"]) == ("h264", "yuv420p", "9")
    assert (stream["width"], stream["height"]) == (64, 80)
    numerator, denominator = map(int, stream["r_frame_rate"].split("/"))
    assert numerator / denominator == pytest.approx(29.97, abs=0.005)


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.name)
def test_frames_are_let_go_as_they_are_written(tmp_path, encoder):
    living, most = weakref.WeakSet(), 0

    class Frame(np.ndarray):
        """Can be counted."""

    def frames():
        nonlocal most
        for frame in turning(40, 16, 16):
            counted = frame.view(Frame)
            living.add(counted)
            most = max(most, len(living))
            yield counted
            del counted, frame

    Frame.__hash__ = object.__hash__
    save_video(frames(), tmp_path / "film.mp4", 30, encoder)
    assert most <= 4


@pytest.mark.parametrize("encoder", ENCODERS, ids=lambda encoder: encoder.name)
@pytest.mark.parametrize("stop", [KeyboardInterrupt, ValueError])
def test_what_stops_half_way_leaves_nothing_and_keeps_the_old_film(tmp_path, encoder, stop):
    path = tmp_path / "film.mp4"
    path.write_bytes(b"old")

    def frames():
        yield from turning(5)
        raise stop

    with pytest.raises(stop):
        save_video(frames(), path, 30, encoder)
    assert path.read_bytes() == b"old"
    assert [file.name for file in tmp_path.iterdir()] == ["film.mp4"]


def test_ctrl_c_while_the_encoder_starts_waits_until_it_can_be_ended(tmp_path, monkeypatch):
    start, started = subprocess.Popen, []

    def interrupted(*arguments, **settings):
        started.append(start(*arguments, **settings))
        signal.raise_signal(signal.SIGINT)
        return started[0]

    monkeypatch.setattr(subprocess, "Popen", interrupted)
    with pytest.raises(KeyboardInterrupt):
        save_video(turning(5), tmp_path / "film.mp4", 30, FFMPEG)
    assert started[0].returncode == -signal.SIGKILL
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert list(tmp_path.iterdir()) == []


def script(path, text):
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return Encoder("broken", str(path))


def test_an_ffmpeg_that_fails_is_quoted(tmp_path):
    words = "first\nNo space left on device\nConversion failed!"
    text = f"import sys; sys.stdin.buffer.read(9); sys.exit({words!r})"
    encoder = script(tmp_path / "ffmpeg", text)
    with pytest.raises(VideoError, match=r"not write film\.mp4: No space left on device\. Check"):
        save_video(turning(200), tmp_path / "films" / "film.mp4", 30, encoder)
    assert list((tmp_path / "films").iterdir()) == []


def test_a_real_ffmpeg_that_cannot_write_is_quoted(tmp_path, monkeypatch):
    monkeypatch.setattr(video, "_TAGS", ("-color_range", "nothing"))
    with pytest.raises(VideoError, match=r"could not write film\.mp4: .*\w.*\. Check"):
        save_video(turning(3), tmp_path / "film.mp4", 30, FFMPEG)
    assert list(tmp_path.iterdir()) == []


def test_no_frames_are_no_film(tmp_path):
    with pytest.raises(VideoError, match="no frames"):
        save_video([], tmp_path / "film.mp4", 30, FFMPEG)
    assert list(tmp_path.iterdir()) == []


def test_a_film_is_called_mp4(tmp_path):
    with pytest.raises(UsageError, match=r"Call it film\.mp4"):
        save_video(turning(3), tmp_path / "film.gif", 30, FFMPEG)


def test_the_ffmpeg_of_the_path_comes_first_unless_it_cannot_write_h264(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_encoder().program == FFMPEG.program
    script(tmp_path / "ffmpeg", "print(' V....D libvpx-vp9 VP9')")
    assert find_encoder().program == FFMPEG.program
    script(tmp_path / "ffmpeg", "print(' V....D libx264 H.264')")
    assert find_encoder().program == str(tmp_path / "ffmpeg")


def test_without_any_ffmpeg_opencv_writes_and_says_how_to_get_better(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    encoder = find_encoder()
    assert encoder.program is None
    assert "pip install imageio-ffmpeg" in encoder.name
