"""The photos of a dataset as a network would have drawn them: for measures that put the two side by side."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from adatune.data.dataset import open_dataset
from adatune.errors import DatasetError
from adatune.networks import NetworkConfig

_MOST = 500  # photos, evenly spaced ones of a larger dataset


def read_photos(path: Path, config: NetworkConfig) -> Tensor:
    """Up to 500 photos of the dataset at PATH as a network of CONFIG makes them, in [-1, 1].

    Returns:
        [count, channels, resolution, resolution], float32.

    Raises:
        DatasetError: it cannot be read, or holds fewer than two photos.
    """
    dataset = open_dataset(path)
    if len(dataset) < 2:
        raise DatasetError(f"{path} holds one picture, which has no spread. Name another with --data.")
    chosen = np.linspace(0, len(dataset) - 1, min(len(dataset), _MOST)).round().astype(np.int64)
    parts = [_fitted(dataset.read([int(index)]), config) for index in chosen]
    return torch.cat(parts)


def _fitted(pixels: "np.ndarray[tuple[int, ...], np.dtype[np.uint8]]", config: NetworkConfig) -> Tensor:
    image = torch.from_numpy(pixels).float() / 127.5 - 1
    if image.shape[1] != config.channels:
        image = image.mean(dim=1, keepdim=True).expand(-1, config.channels, -1, -1)
    size = (config.resolution, config.resolution)
    if image.shape[-1] > config.resolution:
        return F.interpolate(image, size=size, mode="area")
    return F.interpolate(image, size=size, mode="bilinear", align_corners=False)
