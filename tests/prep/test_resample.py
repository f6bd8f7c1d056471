import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from adatune.images import undo_aspect
from adatune.prep.crop import box_corners, box_size, centre_corners
from adatune.prep.resample import cut, warp

LANCZOS = Image.Resampling.LANCZOS


def upright(left, top, width, height):
    return box_corners(left, top, width, height, 0, height / width)


def natural(width, height, seed=0):
    """A picture with the spectrum of photos: amplitude falls with frequency."""
    generator = np.random.default_rng(seed)
    spectrum = np.fft.rfft2(generator.normal(size=(height, width, 3)), axes=(0, 1))
    frequency = np.hypot(np.fft.fftfreq(height)[:, None], np.fft.rfftfreq(width)[None])
    spectrum *= (1 / np.maximum(frequency, 1 / max(width, height)))[..., None]
    values = np.fft.irfft2(spectrum, (height, width), axes=(0, 1))
    return np.clip(127.5 + 45 * values / values.std(), 0, 255).round().astype(np.uint8)


def signal_to_noise(seen, expected):
    """PSNR in decibels."""
    return 10 * np.log10(255**2 / max(1e-9, ((seen.astype(float) - expected) ** 2).mean()))


def lanczos(x):
    return np.where(np.abs(x) < 3, np.sinc(x) * np.sinc(x / 3), 0)


def exact_warp(pixels, corners, width, height):
    """Each output pixel as the Lanczos-weighted mean of all photo pixels, weighed in the box's own frame."""
    rows, columns = pixels.shape[:2]
    axes = np.stack([corners[1] - corners[0], corners[3] - corners[0]], axis=1)
    y, x = np.mgrid[:rows, :columns] + 0.5
    u, v = np.linalg.solve(axes, np.stack([x.ravel(), y.ravel()]) - corners[0][:, None])
    across = lanczos(u * width - (np.arange(width)[:, None] + 0.5))  # [width, pixels]
    down = lanczos(v * height - (np.arange(height)[:, None] + 0.5))
    flat = np.concatenate([pixels.reshape(-1, 3), np.ones((rows * columns, 1))], axis=1)
    sums = np.stack([(down * flat[:, channel]) @ across.T for channel in range(4)], axis=-1)
    return np.clip(sums[..., :3] / sums[..., 3:], 0, 255)


def test_a_box_of_whole_pixels_is_copied_exactly():
    pixels = np.random.default_rng(0).integers(0, 255, (40, 50, 3), np.uint8)
    for linear_light in (False, True):
        copy = warp(pixels, upright(10, 5, 16, 20), 16, 20, linear_light=linear_light)
        assert np.array_equal(copy, pixels[5:25, 10:26])


@pytest.mark.parametrize("left", [-90, -31, -4, 15, 70])
@pytest.mark.parametrize("top", [-45, -1, 12, 33])
def test_beyond_the_border_the_photo_is_reflected_as_often_as_needed(left, top):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    around = np.pad(pixels, ((100, 100), (100, 100), (0, 0)), mode="symmetric")
    expected = around[top + 100 : top + 135, left + 100 : left + 128]
    assert np.array_equal(warp(pixels, upright(left, top, 28, 35), 28, 35), expected)


@pytest.mark.parametrize(
    ("left", "top"), [(-25, 5), (-95, 71), (-13, -18), (33, 2), (44, 30), (7, -17), (12, 27)]
)
def test_a_small_box_beyond_the_border_shows_the_reflection_alone(left, top):
    pixels = np.random.default_rng(0).integers(0, 255, (20, 30, 3), np.uint8)
    around = np.pad(pixels, ((100, 100), (100, 100), (0, 0)), mode="symmetric")
    expected = around[top + 100 : top + 106, left + 100 : left + 108]
    assert np.array_equal(warp(pixels, upright(left, top, 8, 6), 8, 6), expected)


@pytest.mark.parametrize("shrinking", [0.4, 0.8, 1, 1.3, 1.9, 2.5, 3.7, 5, 5.9, 8.3, 12])
def test_an_upright_box_equals_the_lanczos_of_pillow(shrinking):
    pixels = natural(720, 600)
    size = min(128, int(500 / shrinking))
    left, top, width, height = 40.3, 31.8, size * shrinking, 1.1 * size * shrinking
    inside = (left, top, left + width, top + height)
    expected = np.asarray(Image.fromarray(pixels).resize((size, size), LANCZOS, inside))
    seen = warp(pixels, upright(left, top, width, height), size, size)
    # Every pixel of this picture holds detail. Enlarging it, OpenCV's cubic is not Pillow's Lanczos.
    assert signal_to_noise(seen, expected) > (48 if shrinking > 1.5 else 41)


@given(
    angle=st.floats(-180, 180),
    shrinking=st.floats(2, 7),
    aspect=st.floats(0.7, 1.5),
    centre=st.tuples(st.floats(110, 130), st.floats(90, 110)),
)
@settings(max_examples=8, deadline=None)
def test_a_turned_box_equals_lanczos_computed_without_shortcuts(angle, shrinking, aspect, centre):
    pixels = natural(240, 200)
    size = int(110 / shrinking / max(1, aspect))
    width, height = size * shrinking, size * shrinking * aspect
    corners = box_corners(centre[0] - width / 2, centre[1] - height / 2, width, height, angle, aspect)
    expected = exact_warp(pixels, corners, size, size)
    assert signal_to_noise(warp(pixels, corners, size, size), expected) > 44


@given(angle=st.floats(-180, 180), enlarging=st.floats(1, 4))
@settings(max_examples=12, deadline=None)
def test_a_turned_box_that_grows_shows_what_the_photo_sampled(angle, enlarging):
    waves = np.random.default_rng(3).uniform(-0.12, 0.12, (12, 2))  # cycles a photo pixel

    def scene(x, y):
        values = sum(np.sin(2 * np.pi * (x * a + y * b) + 9 * a) for a, b in waves)
        return 127.5 + 9 * np.repeat(values[..., None], 3, -1)

    y, x = np.mgrid[:100, :100] + 0.5
    corners = box_corners(30, 30, 40, 40, angle, 1)
    size = int(40 * enlarging)
    share = (np.arange(size) + 0.5) / size
    u, v = np.meshgrid(share, share)
    places = corners[0] + u[..., None] * (corners[1] - corners[0]) + v[..., None] * (corners[3] - corners[0])
    seen = warp(scene(x, y).round().astype(np.uint8), corners, size, size)
    assert signal_to_noise(seen, scene(places[..., 0], places[..., 1])) > 44


@pytest.mark.parametrize("shrinking", [2, 2.9, 4, 5, 5.9, 8])
def test_rings_too_fine_for_the_output_vanish_as_by_lanczos_and_better_than_by_area(shrinking):
    side = 1024
    y, x = np.mgrid[:side, :side] + 0.5
    radius = np.hypot(x, y)
    rings = np.repeat((127.5 + 127.5 * np.cos(np.pi * radius**2 / (2 * side)))[..., None], 3, -1)
    size = int(side / shrinking)
    span = size * shrinking
    seen = warp(rings.round().astype(np.uint8), upright(0, 0, span, span), size, size).astype(float)
    # A ring of radius r has r / (2 side) cycles a photo pixel: look at those 1.5 times too fine.
    far = np.hypot(*(np.mgrid[:size, :size] + 0.5)) * shrinking
    hidden = (far > 1.5 * side / shrinking) & (far < side)
    whole = rings[: int(span), : int(span)].astype(np.uint8)
    area = np.asarray(Image.fromarray(whole).resize((size, size), Image.Resampling.BOX)).astype(float)
    assert (seen[hidden] - 127.5).std() < 0.62 * (area[hidden] - 127.5).std()
    assert (seen[hidden] - 127.5).std() < 6.5


def test_fine_stripes_shrink_to_grey_and_not_to_coarse_stripes():
    stripes = np.tile(np.array([0, 255], np.uint8)[None, :, None], (300, 150, 3))
    assert np.ptp(warp(stripes, upright(0, 0, 300, 300), 43, 43)[4:-4, 4:-4].astype(int)) < 10


@given(
    angle=st.floats(-180, 180),
    pixel=st.floats(0.4, 9),
    aspect=st.floats(0.6, 1.6),
    place=st.tuples(st.floats(0.2, 0.8), st.floats(0.2, 0.8)),
)
@settings(max_examples=40, deadline=None)
def test_a_spot_lands_within_a_tenth_of_a_pixel_of_its_place(angle, pixel, aspect, place):
    size, spot = 48, np.array([230.4, 251.7])
    width, height = size * pixel, size * pixel * aspect
    corners = box_corners(0, 0, width, height, angle, aspect)
    across, down = corners[1] - corners[0], corners[3] - corners[0]
    corners = corners - corners[0] + spot - place[0] * across - place[1] * down
    y, x = np.mgrid[:480, :480] + 0.5
    spread = 1.5 * max(1, pixel)
    blob = 250 * np.exp(-((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / (2 * spread**2))
    seen = warp(np.repeat(blob[..., None], 3, -1).round().astype(np.uint8), corners, size, size)[..., 0]
    row, column = np.unravel_index(seen.argmax(), seen.shape)
    reach = int(np.ceil(4 * spread / pixel / min(1, aspect)))
    weights = np.zeros((size, size))
    near = np.s_[max(0, row - reach) : row + reach + 1, max(0, column - reach) : column + reach + 1]
    weights[near] = seen[near]
    rows, columns = np.mgrid[:size, :size] + 0.5
    if min(place) * size < reach or (1 - max(place)) * size < reach:
        return  # the spot is cut off
    mean = [(weights * columns).sum() / weights.sum(), (weights * rows).sum() / weights.sum()]
    assert mean == pytest.approx([place[0] * size, place[1] * size], abs=0.1)


@given(angle=st.floats(-180, 180), pixel=st.floats(0.5, 6), shift=st.floats(-60, 60))
@settings(max_examples=15, deadline=None)
def test_cutting_a_mirrored_photo_mirrors_the_cut(angle, pixel, shift):
    pixels = natural(200, 160)
    side = 32 * pixel
    corners = box_corners(100 - side / 2 + shift, 80 - side / 2, side, side, angle, 1.25)
    mirrored = corners[[1, 0, 3, 2]] * [-1, 1] + [200, 0]
    assert signal_to_noise(cut(pixels[:, ::-1], mirrored, 32)[:, ::-1], cut(pixels, corners, 32)) > 46


@pytest.mark.parametrize("pixel", [0.7, 1.4, 4.4])
def test_cutting_a_photo_on_its_side_gives_the_same_picture(pixel):
    pixels = natural(200, 160)
    corners = box_corners(40, 30, 32 * pixel, 40 * pixel, 12, 1.25)
    on_its_side = np.ascontiguousarray(np.rot90(pixels))  # counter-clockwise: (x, y) goes to (y, 200 - x)
    moved = np.stack([corners[:, 1], 200 - corners[:, 0]], axis=1)
    assert signal_to_noise(cut(on_its_side, moved, 32), cut(pixels, corners, 32)) > 46


@given(width=st.integers(4, 8), height=st.integers(4, 8), angle=st.floats(-180, 180))
@settings(max_examples=20, deadline=None)
def test_a_circle_is_round_again_once_the_aspect_is_undone(width, height, angle):
    aspect = height / width
    y, x = np.mgrid[:400, :400] + 0.5
    circle = 250 * np.exp(-((x - 200) ** 2 + (y - 200) ** 2) / (2 * 25**2))
    photo = np.repeat(circle[..., None], 3, -1).round().astype(np.uint8)
    corners = box_corners(100, 100, 200, 200, angle, aspect)
    shown = np.asarray(undo_aspect(Image.fromarray(cut(photo, corners, 96)), aspect))[..., 0].astype(float)
    assert shown.shape[0] == (round(96 * aspect) if aspect > 1 else 96)
    assert shown.shape[1] == (round(96 / aspect) if aspect < 1 else 96)
    rows, columns = np.mgrid[: shown.shape[0], : shown.shape[1]] + 0.5
    spread = [
        np.sqrt((shown * (c - (shown * c).sum() / shown.sum()) ** 2).sum() / shown.sum())
        for c in (rows, columns)
    ]
    assert spread[0] == pytest.approx(spread[1], rel=0.02)
    assert spread[0] == pytest.approx(25 * shown.shape[1] / box_size(corners)[0], rel=0.03)


def test_linear_light_averages_light_and_plain_averages_values():
    board = (np.indices((256, 256)).sum(axis=0) % 2 * 255).astype(np.uint8)
    photo = np.repeat(board[..., None], 3, -1)
    corners = centre_corners(256, 256, 1.0)
    for size in (90, 64, 20):
        assert np.abs(warp(photo, corners, size, size)[4:-4, 4:-4].astype(int) - 127.5).max() < 2
        # Half of the light is sRGB 188: 255 * (1.055 * 0.5 ** (1 / 2.4) - 0.055) = 187.5.
        bright = warp(photo, corners, size, size, linear_light=True)[4:-4, 4:-4]
        assert np.abs(bright.astype(int) - 187.5).max() < 2


def test_linear_light_changes_nothing_where_a_box_grows():
    pixels = natural(60, 60)
    corners = box_corners(10, 10, 30, 30, 20, 1)
    assert np.array_equal(cut(pixels, corners, 64, linear_light=True), cut(pixels, corners, 64))


def test_linear_light_keeps_every_even_colour():
    for value in range(256):
        photo = np.full((30, 30, 3), value, np.uint8)
        assert (cut(photo, centre_corners(30, 30, 1.0), 7, linear_light=True) == value).all()


def test_a_photo_wider_than_opencv_can_take_is_cropped():
    wide = np.zeros((8, 40_000, 3), np.uint8)
    wide[:, 39_000:] = 200
    assert (warp(wide, upright(39_500, 0, 8, 8), 8, 8) == 200).all()


def test_a_box_without_extent_has_one_colour():
    pixels = natural(40, 40)
    assert np.ptp(cut(pixels, np.full((4, 2), 20.0), 8), axis=(0, 1)).max() == 0


def test_a_box_without_any_photo_is_of_its_median_colour():
    pixels = natural(40, 30)
    for box in ((400, 0, 50, 50), (-90_000, -90_000, 100_000, 100_000)):
        seen = cut(pixels, box_corners(*box, 5, 1.25), 16)
        assert seen.shape == (16, 16, 3)
        assert (seen == np.median(pixels, axis=(0, 1)).astype(int)).all()


def test_a_box_nine_times_as_large_as_the_photo_repeats_it():
    pixels = np.repeat(np.repeat(natural(8, 8), 8, 0), 8, 1)
    seen = warp(pixels, upright(-192, -192, 576, 576), 72, 72)
    expected = np.pad(pixels[4::8, 4::8], ((24, 40), (24, 40), (0, 0)), mode="symmetric")[:72, :72]
    inner = np.s_[8:-8, 8:-8]
    assert signal_to_noise(seen[inner], expected[inner]) > 30


@pytest.mark.parametrize("linear_light", [False, True])
def test_memory_does_not_grow_with_the_photo(linear_light):
    photo = np.full((7072, 7072, 3), 7, np.uint8)  # 50 megapixels
    corners = box_corners(-400, 300, 6800, 6800, 3, 1)
    tracemalloc.start()
    try:
        cut(photo, corners, 512, linear_light=linear_light)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 0.6 * photo.nbytes
