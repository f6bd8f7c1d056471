import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from adatune.prep.border import outside_distances, soften_border
from adatune.prep.crop import box_corners, centre_corners, invented_share
from adatune.prep.resample import cut, warp


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


def beyond_the_left(size, share=0.5):
    """A box of SIZE pixels whose left SHARE lies outside the photo."""
    return box_corners(-share * size, 0, size, size, 0, 1)


@given(
    x=st.floats(-60, 60),
    y=st.floats(-60, 60),
    side=st.floats(20, 150),
    angle=st.floats(-180, 180),
    aspect=st.floats(0.5, 2),
)
@settings(max_examples=30, deadline=None)
def test_what_the_photo_shows_is_not_touched(x, y, side, angle, aspect):
    pixels = noise(90, 70)
    corners = box_corners(x, y, side, side, angle, aspect)
    assume(invented_share(corners, 90, 70) < 0.98)  # where hardly anything is photo, one colour is made
    plain, softened = warp(pixels, corners, 40, 40), cut(pixels, corners, 40)
    share = (np.arange(40) + 0.5) / 40
    u, v = np.meshgrid(share, share)
    places = corners[0] + u[..., None] * (corners[1] - corners[0]) + v[..., None] * (corners[3] - corners[0])
    inside = ((places > 1e-6) & (places < np.array([90, 70]) - 1e-6)).all(axis=-1)
    assert np.array_equal(plain[inside], softened[inside])


def test_a_box_within_the_photo_is_given_back_as_it_is():
    picture = noise(32, 32)
    assert soften_border(picture, centre_corners(50, 40, 1.0), 50, 40) is picture


def test_distances_are_in_pixels_across_the_picture_round_the_corner_too():
    # The box is 20 x 40 photo pixels, shown as 10 x 10: a pixel is 2 across and 4 down.
    distances = outside_distances(box_corners(-10, -20, 20, 40, 0, 2), 100, 100, 10, 10)
    assert distances[5:, 5:].max() == 0
    assert distances[7, :5] == pytest.approx([4.5, 3.5, 2.5, 1.5, 0.5])
    assert distances[:5, 7] == pytest.approx([9, 7, 5, 3, 1])
    assert distances[0, 0] == pytest.approx(np.hypot(4.5, 9))


def test_there_is_no_seam_at_the_edge_of_the_photo():
    y, x = np.mgrid[:256, :256]
    waves = 127.5 + 60 * np.sin(x / 9) + 60 * np.sin(y / 7 + x / 20)
    pixels = np.repeat(waves[..., None], 3, -1).round().astype(np.uint8)
    softened = cut(pixels, beyond_the_left(256), 256).astype(int)
    steps = np.abs(np.diff(softened[..., 0], axis=1))
    assert steps[:, 127].max() <= steps[:, 140:].max()  # from outside to inside, against inside alone
    plain = warp(pixels, beyond_the_left(256), 256, 256).astype(int)
    assert np.abs(softened - plain)[:, 127].max() <= 3


def test_the_further_out_the_smoother_and_the_nearer_to_the_median():
    pixels = noise(256, 256)
    pixels[::2] //= 2
    softened = cut(pixels, beyond_the_left(256), 256).astype(float)
    roughness = [softened[:, column].std(axis=0).mean() for column in (130, 124, 112, 90, 60, 5)]
    assert roughness == sorted(roughness, reverse=True)
    assert roughness[-1] < roughness[0] / 50
    median = np.median(softened[:, 128:], axis=(0, 1))
    gaps = [np.abs(softened[:, column].mean(axis=0) - median).max() for column in (90, 50, 25, 3)]
    assert gaps == sorted(gaps, reverse=True)
    assert gaps[-1] < 1


def test_ten_pixels_out_eyelashes_are_gone_and_fifty_out_eyes():
    rows = np.arange(256)[:, None, None]
    for width, distance in (
        (4, 10),
        (25, 50),
    ):  # pixels of a dark or bright stripe, and from the photo's edge
        stripes = np.broadcast_to(np.where(rows // width % 2, 255, 0), (256, 256, 3)).astype(np.uint8)
        softened = cut(stripes, beyond_the_left(256), 256)[64:192, 127 - distance].astype(float)
        assert softened.std() < 0.1 * stripes.std()


def test_the_blur_is_round_once_the_aspect_is_undone():
    # One bright row and one bright column cross outside the photo, in a box shown twice as flat as it is.
    pixels = np.zeros((400, 200, 3), np.uint8)
    pixels[195:205] = 200
    row = cut(pixels, box_corners(-100, 0, 200, 400, 0, 2), 200)[:, 60, 0].astype(float)
    pixels[:] = 0
    pixels[:, 95:105] = 200
    column = cut(pixels, box_corners(0, -200, 200, 400, 0, 2), 200)[80, :, 0].astype(float)
    places = np.arange(200)

    def spread(values):
        mean = (places * values).sum() / values.sum()
        return np.sqrt(((places - mean) ** 2 * values).sum() / values.sum())

    assert 2 * spread(row) == pytest.approx(
        spread(column), rel=0.1
    )  # both are 40 pixels across from the photo


@pytest.mark.parametrize("size", [16, 64, 512])
def test_a_box_hardly_of_the_photo_still_gives_a_picture(size):
    softened = cut(noise(40, 40), box_corners(34, 34, 50, 50, 10, 1.25), size)
    assert softened.shape == (size, size, 3)
    assert np.ptp(softened[-size // 4 :].astype(int), axis=(0, 1)).max() < 60
