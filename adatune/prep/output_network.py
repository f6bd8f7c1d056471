"""MTCNN's last network, O-Net, for measurements that look at a face again; loaded once in each process."""

import functools
import warnings
from typing import Any, cast

import torch

from adatune.prep.landmarks import OutputNetwork


@functools.cache
def output_network() -> OutputNetwork:
    """O-Net with the weights that ship with facenet-pytorch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from facenet_pytorch.models import mtcnn

        return cast(Any, mtcnn).ONet().eval().to(memory_format=torch.channels_last)
