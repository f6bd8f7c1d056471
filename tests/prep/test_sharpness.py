import numpy as np
import pytest
from PIL import Image, ImageFilter

from adatune.prep.sharpness import VIEW_HEIGHT, VIEW_WIDTH, edge_blur


@pytest.mark.parametrize("contrast", [0.4, 1.0])
@pytest.mark.parametrize("sigma", [2.0, 4.0])
def test_the_blur_of_known_edges_is_measured_whatever_the_contrast(sigma: float, contrast: float) -> None:
    edges = np.full((VIEW_HEIGHT, VIEW_WIDTH, 3), 100, np.uint8)
    edges[:, ::96] = edges[:, 100:160] = int(100 + 120 * contrast)
    blurred = np.asarray(Image.fromarray(edges).filter(ImageFilter.GaussianBlur(sigma)))
    assert edge_blur(blurred) * 64 == pytest.approx(sigma, rel=0.25)


def test_one_flat_colour_counts_as_wholly_blurred() -> None:
    assert edge_blur(np.full((VIEW_HEIGHT, VIEW_WIDTH, 3), 120, np.uint8)) == 1.0
