"""A run from its first step to its last: train, tick, snapshot, stop at any moment with all saved."""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import FrameType
from typing import Any

import torch
from torch import Tensor

from adatune.checkpoints import save_network
from adatune.data.dataset import Dataset, open_dataset
from adatune.data.loader import Loader
from adatune.device import memory_gb, pick_device
from adatune.errors import Interrupted
from adatune.training import run_folder
from adatune.training.config import TrainConfig
from adatune.training.config_file import read_config, write_config
from adatune.training.micro_batch import first_step
from adatune.training.progress import Progress
from adatune.training.sample_grid import save_fakes, save_reals
from adatune.training.sources import fresh_networks, starting_networks
from adatune.training.state import TrainingState, load_state, save_state
from adatune.training.step import training_step


def train(config: TrainConfig, folder: Path | None = None) -> Path:
    """Start a run.

    Args:
        config: the complete settings; `adatune.training.presets.resolve` makes them from a few.
        folder: the run folder to use; None makes `runs/NNNNN-DATASET`.

    Returns:
        The run folder, with its last snapshot and state.

    Raises:
        Interrupted: SIGINT or SIGTERM came; everything is saved.
        DatasetError, RunError, UnreadableNetwork, DownloadFailed: before anything is written.
    """
    dataset, device = open_dataset(Path(config.data)), pick_device(config.device)
    dataset.check_pictures()
    state = TrainingState(config, starting_networks(config), _label_pool(dataset, config), device)
    folder = folder or run_folder.create(dataset.name)
    write_config(folder / "config.toml", config)
    save_reals(dataset, folder / "reals.jpg")
    save_fakes(state, folder / f"fakes-{run_folder.kimg_name(0)}.jpg", dataset.aspect)
    _run(state, dataset, folder)
    return folder


def resume(folder: Path, changes: dict[str, Any] | None = None) -> Path:
    """Go on with the run in FOLDER as if it had never stopped.

    Args:
        folder: a run folder with a state.pt.
        changes: fields of `TrainConfig` that may change between sessions (length, schedule of saving).

    Raises:
        RunError: the folder cannot be continued, or another process is training in it.
    """
    config = replace(read_config(folder / "config.toml"), **changes or {})
    dataset, device = open_dataset(Path(config.data)), pick_device(config.device)
    state = TrainingState(config, fresh_networks(config), _label_pool(dataset, config), device)
    load_state(state, folder / "state.pt")
    if changes:
        write_config(folder / "config.toml", config)
    _run(state, dataset, folder)
    return folder


def _run(state: TrainingState, dataset: Dataset, folder: Path) -> None:
    """Train to the end of the configuration; the story of a session."""
    config, started = state.config, time.monotonic()
    with (
        run_folder.lock(folder),
        _stop_requests() as stop,
        run_folder.explaining_full_disk(folder),
        Loader(dataset, config, state.device) as loader,
        Progress(config, folder, state.images_shown) as progress,
    ):
        run_folder.truncate_stats(folder, state.step)
        last_save = last_snapshot = last_tick = started
        tick_start_images, seconds_before, is_first = state.images_shown, state.seconds, True
        if state.images_shown >= config.length_images:
            progress.note(f"All {config.length_kimg:g} kimg were done already; a longer --kimg goes on.")
        while state.images_shown < config.length_images:
            shown_before = state.images_shown
            images, labels = loader.batch(shown_before, config.batch)
            if labels is None and state.label_pool is not None:
                labels = state.label_pool[:1].expand(config.batch, -1)
            if is_first:
                is_first, lowered = False, first_step(state, images, labels)
                if lowered:
                    progress.note(f"The batch does not fit the card's memory: micro-batches of {lowered}.")
            else:
                training_step(state, images, labels)
            now = time.monotonic()
            state.seconds = seconds_before + now - started
            progress.update(state.images_shown)

            is_over = state.images_shown >= config.length_images
            is_late = config.hours is not None and now - started >= config.hours * 3600
            is_tick = is_over or _crossed(shown_before, state.images_shown, config.tick_kimg)
            if is_tick:
                state.tick += 1
                shown = state.images_shown - tick_start_images
                row = _row(state) | {"seconds_per_kimg": round((now - last_tick) / shown * 1000, 3)}
                run_folder.append_stats(folder, row)
                progress.tick(row | {"memory_gb": memory_gb(state.device)})
                state.statistics.clear()
                last_tick, tick_start_images = now, state.images_shown

            if is_over or is_late or _is_snapshot_due(state, shown_before, is_tick, now - last_snapshot):
                progress.note(_snapshot(state, dataset, folder))
                last_save = last_snapshot = time.monotonic()
            elif stop.is_set() or now - last_save >= config.save_minutes * 60:
                save_state(state, folder / "state.pt")
                last_save = time.monotonic()
            if stop.is_set() and not is_over:
                raise Interrupted(
                    f"Stopped and saved at {state.images_shown / 1000:g} kimg. "
                    f"Go on with: adatune train --resume {folder.name}"
                )
            if is_late:
                break


def _snapshot(state: TrainingState, dataset: Dataset, folder: Path) -> str:
    """Write network, pictures and state, then remove what is no longer kept; returns a line about it."""
    config, name = state.config, run_folder.kimg_name(state.images_shown)
    path = folder / f"network-{name}.safetensors"
    metadata = {
        "aspect": dataset.aspect,
        "augment_p": state.p,
        "kimg": state.images_shown / 1000,
        "augs": config.augs,
    }
    discriminator = None if config.light else state.D
    save_network(path, state.G_ema, D=discriminator, config=config.network, metadata=metadata)
    save_fakes(state, folder / f"fakes-{name}.jpg", dataset.aspect)
    save_state(state, folder / "state.pt")
    run_folder.prune(folder, config.keep_last, config.keep_every_kimg)
    return f"Saved {path.name}"


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


def _is_snapshot_due(state: TrainingState, shown_before: int, is_tick: bool, seconds_since: float) -> bool:
    config = state.config
    if config.snap_minutes:
        return seconds_since >= config.snap_minutes * 60
    if config.snap_kimg:
        return _crossed(shown_before, state.images_shown, config.snap_kimg)
    return bool(config.snap_ticks and is_tick and state.tick % config.snap_ticks == 0)


def _label_pool(dataset: Dataset, config: TrainConfig) -> Tensor | None:
    """The labels that fakes are drawn with: those of the dataset, or all 0 where they are not used."""
    if not config.c_dim:
        return None
    if not config.cond or dataset.labels is None:
        return torch.zeros(1, config.c_dim, device=pick_device(config.device))
    return torch.from_numpy(dataset.labels).to(pick_device(config.device))


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
