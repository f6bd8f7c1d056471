"""L*a*b* against OpenCV's."""

import cv2
import numpy as np
import pytest
import torch

from adatune.augment.lab import lab_to_rgb, rgb_to_lab


def colours():
    """Every 15th level of each channel, and the darkest ones, where the curves are lines: [1, 3, n, 1]."""
    levels = [np.arange(0, 256, 15), np.arange(0, 12)]
    cubes = [np.stack(np.meshgrid(each, each, each), axis=-1).reshape(-1, 3) for each in levels]
    return torch.from_numpy(np.concatenate(cubes).astype(np.float32) / 255).T[None, :, :, None]


def by_opencv(images, code):
    pixels = images[0].permute(1, 2, 0).contiguous().numpy()
    return torch.from_numpy(cv2.cvtColor(pixels, code)).permute(2, 0, 1)[None]


def test_lab_is_that_of_opencv():
    rgb = colours()  # OpenCV looks up a table of 33 levels and interpolates; its way back is exact
    torch.testing.assert_close(rgb_to_lab(rgb), by_opencv(rgb, cv2.COLOR_RGB2Lab), atol=0.35, rtol=0)


def test_colours_from_lab_are_those_of_opencv_within_srgb_and_beyond():
    lab = rgb_to_lab(colours())
    for shift in ((0, 0, 0), (30, 0, 0), (-30, 0, 0), (0, 70, 0), (0, 0, -70)):
        moved = lab + torch.tensor(shift)[None, :, None, None]
        expected = by_opencv(moved, cv2.COLOR_Lab2RGB).clamp(0, 1)
        torch.testing.assert_close(lab_to_rgb(moved), expected, atol=2e-4, rtol=0)


def test_white_and_grey_have_no_colour():
    grey = torch.linspace(0, 1, 11).expand(1, 3, 1, 11)
    lab = rgb_to_lab(grey)
    assert lab[:, 1:].abs().max() < 1e-3
    assert lab[0, 0, 0].tolist() == sorted(lab[0, 0, 0].tolist())
    assert lab[0, 0, 0, [0, -1]].tolist() == pytest.approx([0, 100], abs=1e-3)


def test_there_and_back_is_the_same_picture():
    rgb = colours()
    torch.testing.assert_close(lab_to_rgb(rgb_to_lab(rgb)), rgb, atol=1e-4, rtol=0)
