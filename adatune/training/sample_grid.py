"""Sheets of pictures in a run folder: the same latents at every snapshot, and reals to compare with."""

from pathlib import Path

import numpy as np
import torch

from adatune import random
from adatune.data.dataset import Dataset
from adatune.images import grid, save_picture, to_pixels
from adatune.random import Purpose
from adatune.training.state import TrainingState

SHEET_PIXELS = 4096  # sheets are at most about this wide and high
MAX_COLUMNS = MAX_ROWS = 8
JPEG_QUALITY = 90


def sheet_size(resolution: int) -> tuple[int, int]:
    """Columns and rows of a sheet of pictures of RESOLUTION pixels: 8 by 8 up to 512, 4 by 4 at 1024."""
    return min(SHEET_PIXELS // resolution, MAX_COLUMNS), min(SHEET_PIXELS // resolution, MAX_ROWS)


@torch.no_grad()
def save_fakes(state: TrainingState, path: Path, aspect: float) -> None:
    """Write a sheet of the averaged generator: latents fixed by the seed, stored noise, no truncation."""
    columns, rows = sheet_size(state.config.resolution)
    samples = torch.arange(columns * rows, device=state.device)
    latents = random.normal(state.config.seed, 0, Purpose.SAMPLE_GRID, samples, state.config.z_dim)
    labels = None
    if state.label_pool is not None:
        labels = state.label_pool[samples % len(state.label_pool)]
    tiles = [
        to_pixels(state.G_ema(latents[part], None if labels is None else labels[part], noise="const"))
        for part in samples.split(state.config.micro_batch)
    ]
    save_picture(grid(np.concatenate(tiles), columns, aspect), path, quality=JPEG_QUALITY)


def save_reals(dataset: Dataset, path: Path) -> None:
    """Write a sheet of the first images of DATASET."""
    columns, rows = sheet_size(dataset.resolution)
    count = min(columns * rows, len(dataset))
    pixels = dataset.read(np.arange(count)).transpose(0, 2, 3, 1)
    if pixels.shape[3] == 1:
        pixels = pixels.repeat(3, axis=3)
    save_picture(grid(pixels, min(columns, count), dataset.aspect), path, quality=JPEG_QUALITY)
