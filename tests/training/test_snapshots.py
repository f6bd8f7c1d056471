"""What is written behind the back of training: the same files, in order, errors and all."""

import errno
import hashlib
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tiny_runs import assert_equal, make_config

from adatune.augment.edits import make_edit
from adatune.checkpoints import save_network
from adatune.checkpoints.walk_files import read_walk
from adatune.training.processes import ALONE, Processes
from adatune.training.snapshots import Snapshots
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState, load_state
from adatune.training.step import training_step

IMAGES = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1


def new_state(processes: Processes = ALONE, **changes: object) -> TrainingState:
    config = make_config(Path("none"), **changes)
    return TrainingState(config, fresh_networks(config), None, torch.device("cpu"), processes)


def ignore(text: str) -> None:
    """Nobody listens."""


def hold_the_disk(snapshots: Snapshots) -> Callable[[], None]:
    """Occupy the thread that writes, until what is returned is called."""
    released = threading.Event()
    snapshots._start(lambda: bool(released.wait(60)))
    return released.set


@pytest.mark.parametrize("light", [False, True])
def test_the_files_are_those_of_the_moment_of_the_call(tmp_path: Path, light: bool) -> None:
    state = new_state(light=light)
    training_step(state, IMAGES, None)
    expected = new_state()
    expected.load_state_dict(state.state_dict())
    with Snapshots(state, tmp_path, ignore) as snapshots:
        release = hold_the_disk(snapshots)
        threading.Timer(0.2, release).start()
        snapshots.save_network(aspect=1.25)
        training_step(state, IMAGES, None)  # while the thread writes

    loaded = new_state()
    load_state(loaded, tmp_path / "state.pt")
    assert_equal(loaded.state_dict(), expected.state_dict(), "state")
    metadata = {"aspect": 1.25, "augment_p": 0.0, "kimg": 0.004, "augs": "color"}
    D = None if light else expected.D
    save_network(tmp_path / "directly.safetensors", expected.G_ema, D, metadata=metadata)
    files = "network-000000.004.safetensors", "directly.safetensors"
    first, second = (hashlib.sha256((tmp_path / name).read_bytes()).hexdigest() for name in files)
    assert first == second


def test_a_walk_lies_beside_its_network(tmp_path: Path) -> None:
    state = new_state(steer="zoom")
    training_step(state, IMAGES, None)
    with Snapshots(state, tmp_path, ignore) as snapshots:
        snapshots.save_network(aspect=1.0)
    walk, description = read_walk(
        tmp_path / "walk-zoom-000000.004.safetensors", state.G_ema, make_edit("zoom", 16)
    )
    assert (description.edit, description.space, description.network) == ("zoom", "w+", "network-000000.004")
    assert state.trained_walk is not None
    assert_equal(walk.state_dict(), state.trained_walk.walk.state_dict(), "walk")


def test_memory_for_copies_is_taken_once(tmp_path: Path) -> None:
    state = new_state()
    with Snapshots(state, tmp_path, ignore) as snapshots:
        snapshots.save()
        before = {copy.data_ptr() for copy in snapshots._copies.values()}
        training_step(state, IMAGES, None)
        snapshots.save()
        assert {copy.data_ptr() for copy in snapshots._copies.values()} == before
    # The parameters of a network share one copy, as they share their memory.
    parameters = [p for network in (state.G, state.D, state.G_ema) for p in network.parameters()]
    assert len(before) < len(parameters)


def test_training_waits_for_a_slow_disk_and_says_so_once(tmp_path: Path) -> None:
    said: list[str] = []
    with Snapshots(new_state(), tmp_path, said.append) as snapshots:
        for _ in range(2):
            release = hold_the_disk(snapshots)
            threading.Timer(0.2, release).start()
            snapshots.save_network(aspect=1)
            snapshots.wait()
    assert said == [
        "Training waits for the disk: the last snapshot is still being written.",
        "Saved network-000000.safetensors",
        "Saved network-000000.safetensors",
    ]


def test_what_was_written_is_said_at_the_next_look(tmp_path: Path) -> None:
    said: list[str] = []
    with Snapshots(new_state(), tmp_path, said.append) as snapshots:
        snapshots.save_network(aspect=1)
        assert snapshots._thread is not None
        snapshots._thread.join()
        assert said == []
        snapshots.check()
        assert said == ["Saved network-000000.safetensors"]


@pytest.mark.parametrize("moment", ["check", "save", "leave"])
def test_a_full_disk_is_an_error_in_the_training_thread(tmp_path: Path, moment: str) -> None:
    (tmp_path / "state.pt").mkdir()  # a file cannot take its place
    state = new_state()

    def train() -> None:
        with Snapshots(state, tmp_path, ignore) as snapshots:
            snapshots.save()
            if moment == "check":
                assert snapshots._thread is not None
                snapshots._thread.join()
                snapshots.check()
                raise AssertionError("not reached")
            if moment == "save":
                snapshots.save()
                raise AssertionError("not reached")

    with pytest.raises(OSError) as caught:  # noqa: PT011
        train()
    assert caught.value.errno in (errno.EISDIR, errno.EACCES, errno.EEXIST)


def test_an_error_of_training_comes_after_the_write_has_ended(tmp_path: Path) -> None:
    def train() -> None:
        with Snapshots(new_state(), tmp_path, ignore) as snapshots:
            snapshots.save_network(aspect=1)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        train()
    assert "G_ema.synthesis.b4.const" in load_file(tmp_path / "network-000000.safetensors")
    assert (tmp_path / "state.pt").is_file()


def test_only_the_first_process_writes(tmp_path: Path) -> None:
    apart = Processes(1, 2, is_connected=False)
    with Snapshots(new_state(apart, gpus=2, batch=8), tmp_path, ignore) as snapshots:
        snapshots.save_network(aspect=1)
    assert list(tmp_path.iterdir()) == []
