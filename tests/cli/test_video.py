"""The video command from its options to its files, and what is left when it is stopped."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import imageio_ffmpeg
import numpy as np
import pytest
import torch
from click.testing import CliRunner

from adatune.checkpoints import save_network
from adatune.cli.video import video
from adatune.errors import UsageError
from adatune.home import new_run_folder
from adatune.networks import Generator, NetworkConfig

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def run_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path / "home"))
    programs = tmp_path / "programs"
    programs.mkdir()
    (programs / "ffmpeg").symlink_to(imageio_ffmpeg.get_ffmpeg_exe())  # the same one everywhere
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    config = NetworkConfig(resolution=8, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1)
    torch.manual_seed(0)
    folder = new_run_folder("faces")
    (folder / "config.toml").touch()
    save_network(folder / "network-000001.safetensors", Generator(config), metadata={"aspect": 1.25})
    return folder


def invoke(*arguments):
    result = CliRunner().invoke(video, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result


def read(path):
    capture = cv2.VideoCapture(str(path))
    frames = []
    while (frame := capture.read())[0]:
        frames.append(frame[1][:, :, ::-1].astype(int))
    return np.stack(frames), capture.get(cv2.CAP_PROP_FPS)


def test_without_options_six_seeds_of_the_newest_run_make_a_loop_of_twelve_seconds(run_folder):
    result = invoke("--json", "--fps", "5")
    details = json.loads(result.stdout)
    assert (details["frames"], details["seconds"], details["fps"]) == (60, 12, 5)
    assert (details["width"], details["height"]) == (256, 320)
    assert details["written_by"].startswith("ffmpeg (")
    film = run_folder / "generated" / "network-000001" / "video-0-1-2-3-4-5.mp4"
    assert details["film"] == str(film)
    assert sorted(path.name for path in film.parent.iterdir()) == [f"{film.stem}-frames.png", film.name]
    frames, rate = read(film)
    assert frames.shape == (60, 320, 256, 3)
    assert rate == 5
    steps = np.abs(frames - np.roll(frames, -1, axis=0)).mean(axis=(1, 2, 3))
    assert steps[-1] < 2 * steps.max()  # the last frame is followed by the first
    assert "Drawing 60 frames (12 s, 256 x 320)" in result.stderr


def test_the_same_command_writes_the_same_film_beside_the_first(tmp_path):
    for _ in range(2):
        invoke("--seeds", "1,5", "--seconds", "1", "--fps", "6", "--square", "--out", str(tmp_path / "a"))
    first, second = tmp_path / "a" / "video-1-5.mp4", tmp_path / "a" / "video-1-5-2.mp4"
    assert first.read_bytes() == second.read_bytes()
    assert read(first)[0].shape == (6, 256, 256, 3)


@pytest.mark.parametrize(
    ("arguments", "name"),
    [
        (["--walk", "--seeds", "7"], "walk-7"),
        (["--walk", "--no-loop", "--even"], "walk-0"),
        (["--truncation-sweep", "--seeds", "2", "--noise-loop"], "sweep-2"),
        (["--seeds", "1,2,3", "--cubic", "--even", "--easing", "smooth"], "video-1-2-3"),
        (["--keys", "1,me.npz", "--mix-layers", "0-1", "--space", "w", "--noise", "none"], "video-1-me"),
    ],
)
def test_every_kind_of_film_can_be_made(tmp_path, monkeypatch, arguments, name):
    monkeypatch.chdir(tmp_path)
    np.savez("me.npz", w=np.random.RandomState(0).randn(1, 4, 4))
    result = invoke(*arguments, "--seconds", "1", "--fps", "8", "--out", "films")
    assert result.stdout.splitlines()[0] == f"Look at it: films/{name}.mp4"
    frames, _ = read(tmp_path / "films" / f"{name}.mp4")
    assert len(frames) == 8
    assert ("Even speed: measured on pictures of 32 x 32 pixels" in result.stderr) == ("--even" in arguments)


def test_a_sweep_goes_to_psi_1_unless_it_is_told(tmp_path):
    sweep = ("--truncation-sweep", "--seconds", "1", "--fps", "4", "--json", "--out", str(tmp_path / "a.mp4"))
    assert json.loads(invoke(*sweep).stdout)["psi"] == 1
    assert json.loads(invoke(*sweep, "--psi", "0.7").stdout)["psi"] == 0.7
    assert (
        json.loads(invoke("--seconds", "1", "--json", "--out", str(tmp_path / "a.mp4")).stdout)["psi"] == 0.7
    )


def test_without_ffmpeg_opencv_writes_the_film_and_it_is_said(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    result = invoke("--seeds", "1,2", "--seconds", "1", "--fps", "5", "--out", str(tmp_path / "a.mp4"))
    assert "OpenCV, VP9 (for H.264: pip install imageio-ffmpeg) writes them" in result.stderr
    assert read(tmp_path / "a.mp4")[0].shape == (5, 320, 256, 3)


def test_options_of_other_tools_are_answered():
    for option, words in (
        ("--grid", "one picture"),
        ("--num-keyframes", "--seeds"),
        ("--w-frames", "--seconds"),
    ):
        with pytest.raises(UsageError, match=words):
            CliRunner().invoke(video, [option, "4"], catch_exceptions=False)


def start_endless_film(out):
    """A process that has begun a film in the folder OUT."""
    process = subprocess.Popen(
        [sys.executable, "-m", "adatune", "video", "--walk", "--seconds", "3000", "--out", str(out)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not (list(out.iterdir()) if out.is_dir() else []):
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.05)
    return process


def test_ctrl_c_leaves_no_film_and_no_ffmpeg(tmp_path):
    out = tmp_path / "films"
    process = start_endless_film(out)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130
    assert said.splitlines()[-1] == "Interrupted."
    assert "Traceback" not in said
    assert list(out.iterdir()) == []


def test_the_next_film_removes_what_a_killed_one_left_beside_it(tmp_path):
    out, number = tmp_path / "films", tmp_path / "ffmpeg.pid"
    program = tmp_path / "programs" / "ffmpeg"
    program.unlink()
    program.write_text(f'#!/bin/sh\necho $$ > "{number}"\nexec "{imageio_ffmpeg.get_ffmpeg_exe()}" "$@"\n')
    program.chmod(0o755)
    process = start_endless_film(out)
    (left,) = out.iterdir()
    while not left.stat().st_size:
        time.sleep(0.05)
    process.kill()
    process.communicate(timeout=60)
    os.kill(int(number.read_text()), signal.SIGKILL)  # it would end the film; a full memory kills both
    assert left.name.endswith(f".{process.pid}.tmp.mp4")
    another = out / ".another.1000000000.tmp.mov"
    another.touch()
    for path in (left, another):
        os.utime(path, (0, 0))
    invoke("--seeds", "0,1", "--seconds", "0.2", "--out", str(out))
    assert not left.exists()
    assert another.exists()
    assert len(list(out.iterdir())) == 3
