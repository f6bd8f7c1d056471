import io
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image, ImageFilter

from adatune.images import Pixels
from adatune.prep.sharpness import edge_blur
from adatune.prep.view import VIEW_HEIGHT, VIEW_WIDTH

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.jpg"
EYES = 64  # pixels between the eyes of a view


@pytest.fixture(scope="module")
def face() -> Pixels:
    """The astronaut's levelled face, 64 pixels between the eyes (its own 43, enlarged)."""
    picture = Image.open(ASTRONAUT).convert("RGB")
    box = (79.6, 1.6, 251.2, 216.1)  # eyes near (144, 101) and (187, 104)
    return np.asarray(picture.resize((VIEW_WIDTH, VIEW_HEIGHT), Image.Resampling.BICUBIC, box=box))


def _filtered(face: Pixels, kernel: np.ndarray) -> Pixels:
    return np.asarray(cv2.filter2D(face, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REFLECT))


def _gaussian(face: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(face, (0, 0), sigma))


@pytest.mark.parametrize("contrast", [0.4, 1.0])
@pytest.mark.parametrize("sigma", [2.0, 4.0])
def test_the_blur_of_known_edges_is_measured_whatever_the_contrast(sigma: float, contrast: float) -> None:
    edges = np.full((VIEW_HEIGHT, VIEW_WIDTH, 3), 100, np.uint8)
    edges[150:200, 100:160] = int(100 + 120 * contrast)
    blurred = np.asarray(Image.fromarray(edges).filter(ImageFilter.GaussianBlur(sigma)))
    assert edge_blur(blurred) * EYES == pytest.approx(sigma, rel=0.2)


@pytest.mark.parametrize("sigma", [2.0, 3.0, 4.0])
def test_a_known_blur_of_a_real_face_adds_to_its_own(face: Pixels, sigma: float) -> None:
    expected = np.hypot(edge_blur(face) * EYES, sigma)
    assert edge_blur(_gaussian(face, sigma)) * EYES == pytest.approx(expected, rel=0.2)


def test_a_disc_reads_half_its_radius(face: Pixels) -> None:
    y, x = np.mgrid[-7:8, -7:8]
    measured = edge_blur(_filtered(face, (x**2 + y**2 <= 36).astype(np.float32)))
    assert measured * EYES == pytest.approx(np.hypot(edge_blur(face) * EYES, 3), rel=0.25)


@pytest.mark.parametrize("kernel", [np.ones((1, 17)), np.ones((17, 1)), np.eye(13)], ids=str)
def test_motion_along_one_line_counts(face: Pixels, kernel: np.ndarray) -> None:
    assert edge_blur(_filtered(face, kernel)) > 1.3 * edge_blur(face) + 0.01


def test_noise_does_not_make_a_blurred_face_sharp(face: Pixels) -> None:
    blurred = _gaussian(face, 3)
    noise = np.random.default_rng(0).normal(0, 8, (VIEW_HEIGHT, VIEW_WIDTH, 1))
    grainy = np.clip(blurred + noise, 0, 255).astype(np.uint8)
    assert edge_blur(grainy) == pytest.approx(edge_blur(blurred), rel=0.1)


def test_strong_compression_does_not_make_a_blurred_face_sharp(face: Pixels) -> None:
    blurred = _gaussian(face, 3)
    buffer = io.BytesIO()
    Image.fromarray(blurred).save(buffer, "JPEG", quality=30)
    assert edge_blur(np.asarray(Image.open(buffer))) == pytest.approx(edge_blur(blurred), rel=0.2)


def test_a_blurred_background_costs_nothing(face: Pixels) -> None:
    soft = _gaussian(face, 6)
    soft[80:275, 55:201] = face[80:275, 55:201]
    assert edge_blur(soft) == pytest.approx(edge_blur(face), abs=1e-4)


def test_retouched_skin_between_sharp_features_costs_little(face: Pixels) -> None:
    smooth = np.asarray(cv2.bilateralFilter(face, 9, 25, 5))
    assert edge_blur(smooth) < edge_blur(face) + 0.008


@pytest.mark.parametrize("level", [0, 120, 255])
def test_one_flat_colour_counts_as_wholly_blurred(level: int) -> None:
    assert edge_blur(np.full((VIEW_HEIGHT, VIEW_WIDTH, 3), level, np.uint8)) == 1.0
