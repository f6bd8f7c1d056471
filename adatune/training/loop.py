"""A run from its first step to its last: train, tick, snapshot, stop at any moment with all saved."""

import signal
import sys
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from adatune.data.dataset import Dataset, open_dataset
from adatune.data.loader import Loader
from adatune.data.resident import fits_on
from adatune.device import memory_gb
from adatune.errors import Interrupted, UsageError
from adatune.training import run_folder
from adatune.training.acceleration import prepare_device, step_taker
from adatune.training.config import TrainConfig
from adatune.training.config_file import read_config, write_config
from adatune.training.launch import is_orphaned
from adatune.training.memory import one_pass_fits
from adatune.training.micro_batch import FittingSteps
from adatune.training.processes import ALONE, Processes
from adatune.training.progress import Progress
from adatune.training.sample_grid import save_fakes, save_reals
from adatune.training.snapshots import Snapshots
from adatune.training.sources import fresh_networks, starting_networks
from adatune.training.speed_probe import SpeedProbe, measured_words
from adatune.training.state import TrainingState, load_state


def train(config: TrainConfig, folder: Path | None = None, processes: Processes = ALONE) -> Path:
    """Start a run.

    Args:
        config: the complete settings; `adatune.training.presets.resolve` makes them from a few.
        folder: the run folder to use; None makes `runs/NNNNN-DATASET`.
        processes: those of `config.gpus`, each of which makes the same call (`adatune.training.processes`).

    Returns:
        The run folder, with its last snapshot and state.

    Raises:
        Interrupted: SIGINT or SIGTERM came; everything is saved.
        DatasetError, RunError, UnreadableNetwork, DownloadFailed: before anything is written.
    """
    _check_count(config, processes)
    dataset, device = open_dataset(Path(config.data)), processes.device(config.device)
    processes.decided_by_first(dataset.check_pictures)
    prepare_device(config, device, partial(_say, processes))
    labels = _label_pool(dataset, config, device)
    state = TrainingState(config, starting_networks(config), labels, device, processes)
    folder = processes.decided_by_first(lambda: _new_run(state, dataset, folder))
    _run(state, dataset, folder)
    return folder


def resume(folder: Path, changes: dict[str, Any] | None = None, processes: Processes = ALONE) -> Path:
    """Go on with the run in FOLDER as if it had never stopped.

    Args:
        folder: a run folder with a state.pt.
        changes: fields of `TrainConfig` that may change between sessions (length, schedule of saving, GPUs).
        processes: as in `train`.

    Raises:
        RunError: the folder cannot be continued, or another process is training in it.
    """
    path = folder / run_folder.CONFIG
    config = processes.decided_by_first(lambda: replace(read_config(path), **changes or {}))
    _check_count(config, processes)
    dataset, device = open_dataset(Path(config.data)), processes.device(config.device)
    prepare_device(config, device, partial(_say, processes))
    labels = _label_pool(dataset, config, device)
    state = TrainingState(config, fresh_networks(config), labels, device, processes)
    load_state(state, folder / run_folder.STATE)
    if changes and processes.is_first:
        write_config(path, config)
    _run(state, dataset, folder)
    return folder


def _say(processes: Processes, words: str) -> None:
    """Before there is progress to show."""
    if processes.is_first:
        print(words, file=sys.stderr)


def _check_count(config: TrainConfig, processes: Processes) -> None:
    if config.gpus != processes.count:
        raise UsageError(
            f"This run is for {config.gpus} GPUs, and {processes.count} process(es) were started. Start it "
            f"with 'adatune train --gpus {config.gpus}', or with torchrun."
        )


def _new_run(state: TrainingState, dataset: Dataset, folder: Path | None) -> Path:
    """The folder of a run that begins, with its settings and first pictures."""
    folder = folder or run_folder.create(dataset.name)
    write_config(folder / run_folder.CONFIG, state.config)
    save_reals(dataset, folder / "reals.jpg")
    save_fakes(state, run_folder.fakes_path(folder, 0), dataset.aspect)
    return folder


def _run(state: TrainingState, dataset: Dataset, folder: Path) -> None:
    """Train to the end of the configuration; the story of a session."""
    config, processes, started = state.config, state.processes, time.monotonic()
    with (
        _sole_writer(folder, processes),
        _stop_requests() as stop,
        run_folder.explaining_full_disk(folder),
        Loader(dataset, config, state.device, processes.own) as loader,
        Progress(config, folder, state.images_shown, is_silent=not processes.is_first) as progress,
        Snapshots(state, folder, progress.note) as snapshots,
    ):
        if processes.is_first:
            run_folder.truncate_stats(folder, state.step)
        last_save = last_snapshot = last_tick = started
        tick_start_images, seconds_before = state.images_shown, state.seconds
        if fits_on(state.device, dataset):
            loader.move_to_device(progress.note)
        state.config = replace(config, one_pass=config.one_pass or one_pass_fits(config, state.device))
        take_step = FittingSteps(step_taker(config, state.device, progress.note), progress.note)
        probe = SpeedProbe(config, state.device)
        if state.images_shown >= config.length_images:
            progress.note(f"All {config.length_kimg:g} kimg were done already; a longer --kimg goes on.")
        while state.images_shown < config.length_images:
            shown_before = state.images_shown
            images, labels = loader.batch(shown_before, config.batch)
            if labels is None and state.label_pool is not None:
                labels = state.label_pool[:1].expand(len(images), -1)
            take_step(state, images, labels)
            now = time.monotonic()
            state.seconds = seconds_before + now - started
            progress.update(state.images_shown)
            snapshots.check()
            speed = probe.step_taken(state.step - 1)
            if speed is not None:
                progress.note(measured_words(speed, config, state.images_shown))

            is_stopped, is_late, is_save_due, is_snapshot_due = processes.any_of(
                stop.is_set() or is_orphaned(),
                config.hours is not None and now - started >= config.hours * 3600,
                now - last_save >= config.save_minutes * 60,
                bool(config.snap_minutes) and now - last_snapshot >= (config.snap_minutes or 0) * 60,
            )
            is_over = state.images_shown >= config.length_images
            is_tick = is_over or _crossed(shown_before, state.images_shown, config.tick_kimg)
            if is_tick:
                state.tick += 1
                state.collect_sums()
                if processes.is_first:
                    shown = state.images_shown - tick_start_images
                    row = _row(state) | {"seconds_per_kimg": round((now - last_tick) / shown * 1000, 3)}
                    run_folder.append_stats(folder, row)
                    progress.tick(row | {"memory_gb": memory_gb(state.device)})
                state.statistics.clear()
                last_tick, tick_start_images = now, state.images_shown
                probe.interrupt()

            is_snapshot_due = is_snapshot_due or _is_snapshot_step(state, shown_before, is_tick)
            if is_over or is_late or is_snapshot_due:
                snapshots.save_network(dataset.aspect)
                if processes.is_first:
                    save_fakes(state, run_folder.fakes_path(folder, state.images_shown), dataset.aspect)
                last_save = last_snapshot = time.monotonic()
                probe.interrupt()
            elif is_stopped or is_save_due:
                snapshots.save()
                last_save = time.monotonic()
                probe.interrupt()
            if is_stopped and not is_over:
                snapshots.wait()
                raise Interrupted(
                    f"Stopped and saved at {state.images_shown / 1000:g} kimg. "
                    f"Go on with: adatune train --resume {folder.name}"
                )
            if is_late:
                break


def _row(state: TrainingState) -> dict[str, Any]:
    """One line of stats.jsonl: counters, augmentation, means since the last tick."""
    return {
        "tick": state.tick,
        "step": state.step,
        "kimg": state.images_shown / 1000,
        "p": state.p,
        "r_t": state.strength.r_t,
        **state.statistics.means(),
        "seconds_total": round(state.seconds, 1),
    }


def _crossed(before: int, after: int, every_kimg: float) -> bool:
    """Did the count of images pass a multiple of EVERY_KIMG?"""
    every = max(round(every_kimg * 1000), 1)
    return after // every > before // every


def _is_snapshot_step(state: TrainingState, shown_before: int, is_tick: bool) -> bool:
    config = state.config
    if config.snap_minutes:
        return False  # the clock decides
    if config.snap_kimg:
        return _crossed(shown_before, state.images_shown, config.snap_kimg)
    return bool(config.snap_ticks and is_tick and state.tick % config.snap_ticks == 0)


def _label_pool(dataset: Dataset, config: TrainConfig, device: torch.device) -> Tensor | None:
    """The labels that fakes are drawn with: those of the dataset, or all 0 where they are not used."""
    if not config.c_dim:
        return None
    if not config.cond or dataset.labels is None:
        return torch.zeros(1, config.c_dim, device=device)
    return torch.from_numpy(dataset.labels).to(device)


@contextmanager
def _sole_writer(folder: Path, processes: Processes) -> Generator[None]:
    """Hold FOLDER for this run; the first process does it for all."""
    with ExitStack() as held:
        processes.decided_by_first(lambda: held.enter_context(run_folder.lock(folder)))
        yield


@contextmanager
def _stop_requests() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set; a second SIGINT stops at once."""
    stop = threading.Event()

    def on_signal(number: int, frame: FrameType | None) -> None:
        if stop.is_set():
            raise KeyboardInterrupt
        stop.set()

    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread only
        yield stop
        return
    previous = {number: signal.signal(number, on_signal) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
