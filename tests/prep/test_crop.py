import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adatune.prep.crop import box_size, centre_square_corners, invented_share, portrait_corners, warp


@given(angle=st.floats(-180, 180), eyes=st.floats(5, 500), x=st.floats(-100, 3000), y=st.floats(-100, 3000))
@settings(max_examples=60, deadline=None)
def test_the_box_is_level_five_to_four_with_the_eyes_in_their_places(
    angle: float, eyes: float, x: float, y: float
) -> None:
    across = eyes * np.array([np.cos(np.deg2rad(angle)), np.sin(np.deg2rad(angle))])
    left, right = np.array([x, y]) - across / 2, np.array([x, y]) + across / 2
    corners = portrait_corners(np.stack([left, right]))
    assert box_size(corners) == pytest.approx((4 * eyes, 5 * eyes))
    axes = np.stack([corners[1] - corners[0], corners[3] - corners[0]], axis=1)
    places = np.linalg.solve(axes, np.stack([left, right], axis=1) - corners[0][:, None])
    assert places == pytest.approx(np.array([[0.375, 0.625], [0.47, 0.47]]), abs=1e-9)


def test_a_box_of_whole_pixels_is_copied_exactly() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    corners = np.array([[10, 5], [26, 5], [26, 25], [10, 25]], float)
    assert np.array_equal(warp(pixels, corners, 16, 20), pixels[5:25, 10:26])


def test_a_box_beyond_the_border_shows_the_reflection() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (20, 20, 3), np.uint8)
    corners = np.array([[-4, 0], [16, 0], [16, 20], [-4, 20]], float)
    assert np.array_equal(warp(pixels, corners, 20, 20)[:, :4], pixels[:, 4:0:-1])


def test_shrinking_agrees_with_lanczos() -> None:
    smooth = Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 12, 3), np.uint8))
    pixels = np.asarray(smooth.resize((512, 512), Image.Resampling.BICUBIC))
    corners = np.array([[0, 0], [512, 0], [512, 512], [0, 512]], float)
    expected = np.asarray(Image.fromarray(pixels).resize((70, 70), Image.Resampling.LANCZOS)).astype(float)
    error = ((warp(pixels, corners, 70, 70) - expected) ** 2).mean()
    assert 10 * np.log10(255**2 / error) > 45


def test_fine_stripes_shrink_to_grey_and_not_to_coarse_stripes() -> None:
    stripes = np.tile(np.array([0, 255], np.uint8)[None, :, None], (300, 150, 3))
    corners = np.array([[0, 0], [300, 0], [300, 300], [0, 300]], float)
    assert np.ptp(warp(stripes, corners, 43, 43)[4:-4, 4:-4].astype(int)) < 40


def test_a_photo_wider_than_opencv_can_take_is_cropped() -> None:
    wide = np.zeros((8, 40_000, 3), np.uint8)
    wide[:, 39_000:] = 200
    corners = np.array([[39_500, 0], [39_508, 0], [39_508, 8], [39_500, 8]], float)
    assert (warp(wide, corners, 8, 8) == 200).all()


def test_the_invented_share_is_the_area_outside() -> None:
    corners = np.array([[-5, 0], [5, 0], [5, 10], [-5, 10]], float)
    assert invented_share(corners, 100, 100) == pytest.approx(0.5)
    assert invented_share(centre_square_corners(30, 20), 30, 20) == pytest.approx(0, abs=1e-6)
