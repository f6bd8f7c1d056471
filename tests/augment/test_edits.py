"""Edits against OpenCV, numpy and what they say of themselves."""

import math

import cv2
import numpy as np
import pytest
import torch

from adatune.augment.edits import NAMES, add, add_lab, alphas_for, edited_photos, make_edit, moved
from adatune.errors import UsageError

SIDE = 40


def pictures(side=SIDE, batch=2):
    """Smooth ones: OpenCV rounds the weights of its interpolation to 32nds."""
    random = np.random.default_rng(0)
    rough = random.normal(size=(batch * 3, side, side)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), 2.0) for plane in rough])
    return torch.from_numpy(smooth / smooth.std() * 0.5).reshape(batch, 3, side, side)


def by_opencv(images, matrix):
    """Warped by the map MATRIX from source to result, and the warped ones."""
    size = images.shape[3], images.shape[2]

    def warped(plane, border):
        return cv2.warpPerspective(plane, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border)

    planes = [[warped(plane, cv2.BORDER_REPLICATE) for plane in image] for image in images.numpy()]
    ones = warped(np.ones(size[::-1], np.float32), cv2.BORDER_CONSTANT)
    return torch.from_numpy(np.array(planes)), torch.from_numpy(ones)


def by(name, images, alpha):
    """IMAGES by the edit NAME at one ALPHA."""
    return moved(name, images, torch.tensor([[float(alpha)]]))


def check(result, reference):
    (target, mask), (expected, ones) = result, reference
    assert (target - mask * expected).abs().max() < 0.04
    assert (target - mask * expected).abs().mean() < 0.004
    assert mask.unique().tolist() in ([0.0, 1.0], [1.0])
    assert mask.shape == (len(target), 1, *target.shape[2:])
    # Rounding decides single pixels at the very edge, where hardly anything of the source is left.
    differs = (mask[0, 0] > 0) != (ones > 0)
    assert float((ones * differs).max()) < 0.05
    assert differs.float().mean() < 0.01


@pytest.mark.parametrize("x", [-7, 3, 12.25])
def test_a_shift_is_that_of_opencv(x):
    images = pictures()
    across = np.array([[1, 0, x], [0, 1, 0], [0, 0, 1]], dtype=np.float64)
    check(by("shiftx", images, x), by_opencv(images, across))
    down = np.array([[1, 0, 0], [0, 1, x], [0, 0, 1]], dtype=np.float64)
    check(by("shifty", images, x), by_opencv(images, down))


def test_a_shift_by_whole_pixels_copies_them_and_masks_just_the_rest():
    images = pictures()
    target, mask = make_edit("shiftx", SIDE).apply(images, torch.tensor([[5.0]]))
    torch.testing.assert_close(target[..., 5:], images[..., :-5], atol=1e-5, rtol=0)
    assert mask[..., 5:].all()
    assert not mask[..., :5].any()


@pytest.mark.parametrize("degrees", [-80, -10, 33])
def test_a_rotation_is_that_of_opencv(degrees):
    images, centre = pictures(), ((SIDE - 1) / 2, (SIDE - 1) / 2)
    matrix = np.vstack([cv2.getRotationMatrix2D(centre, degrees, 1.0), [0, 0, 1]])
    check(by("rotate2d", images, degrees), by_opencv(images, matrix))


@pytest.mark.parametrize("degrees", [-44, 20, 70])
def test_a_turn_is_what_a_camera_sees_of_the_turned_corners(degrees):
    images, half = pictures(), (SIDE - 1) / 2
    focal = math.sqrt(2) * SIDE
    corners = np.array([[-half, -half, 0], [half, -half, 0], [half, half, 0], [-half, half, 0]])
    axis = np.array([0, math.radians(degrees), 0])
    seen, _ = cv2.projectPoints(
        corners,
        axis,
        np.array([0, 0, focal]),
        np.array([[focal, 0, half], [0, focal, half], [0, 0, 1]]),
        None,
    )
    source = (corners[:, :2] + half).astype(np.float32)
    matrix = cv2.getPerspectiveTransform(source, seen[:, 0].astype(np.float32))
    check(by("rotate3d", images, degrees), by_opencv(images, matrix))


@pytest.mark.parametrize("ratio", [0.25, 0.6, 0.99, 1.3, 2.0, 3.9])
def test_a_zoom_is_that_of_opencv(ratio):
    images = pictures()
    centre, scale = (SIDE - 1) / 2, 1 / ratio
    matrix = np.array([[scale, 0, 0], [0, scale, 0], [0, 0, 1]])
    matrix[:2, 2] = centre - scale * centre
    check(by("zoom", images, ratio), by_opencv(images, matrix))
    _, mask = by("zoom", images, ratio)
    assert mask.mean() == pytest.approx(min(1, 1 / ratio**2), abs=0.08)


@pytest.mark.parametrize("name", [name for name in NAMES if "color" not in name])
def test_each_picture_of_a_batch_is_edited_by_its_own_strength(name):
    images, edit = pictures(), make_edit(name, SIDE)
    alphas = torch.tensor([[edit.alpha_of(-0.3)], [edit.alpha_of(0.4)]])
    together = edit.apply(images, alphas)
    apart = [edit.apply(images[n : n + 1], alphas[n : n + 1]) for n in range(2)]
    for whole, parts in zip(together, zip(*apart, strict=True), strict=True):
        torch.testing.assert_close(whole, torch.cat(parts), atol=1e-6, rtol=0)
    assert not torch.equal(together[0][1], edit.apply(images, alphas[:1])[0][1])


@pytest.mark.parametrize("name", NAMES)
def test_edited_photos_agree_with_the_target_where_there_is_one_and_have_no_border(name):
    images, edit = pictures().clamp(-1, 1), make_edit(name, SIDE)
    alphas = alphas_for(edit, 0, edit.alpha_of(0.5))
    target, mask = edit.apply(images, alphas)
    photos = edited_photos(name, images, alphas)
    around = torch.nn.functional.pad(1 - mask, (1, 1, 1, 1), value=1)
    inside = torch.nn.functional.max_pool2d(around, 3, 1) == 0
    torch.testing.assert_close(photos * inside, target.clamp(-1, 1) * inside, atol=1e-5, rtol=0)
    assert photos.abs().max() <= 1
    if "shift" in name:  # a mirror stands where the photo ends
        along, size = (3, 4) if name == "shiftx" else (2, 4)
        whole = edited_photos(name, images, torch.tensor([[float(size)]]))
        torch.testing.assert_close(
            whole.narrow(along, 0, size), images.narrow(along, 0, size).flip(along), atol=1e-5, rtol=0
        )


@pytest.mark.parametrize("name", ["zoom", "shiftx", "rotate2d", "rotate3d"])
def test_a_moved_picture_has_no_frame_of_what_lies_around_it(name):
    white, edit = torch.ones(1, 3, SIDE, SIDE), make_edit(name, SIDE)
    target, mask = by(name, white, edit.alpha_of(0.37))
    torch.testing.assert_close(target, mask.expand_as(target))
    assert mask.mean() < 1


def test_colours_are_added_to_their_channels_without_clipping():
    images, alphas = pictures(), torch.tensor([[0.5, 0.0, -0.25], [0.0, 2.0, 0.0]])
    target, mask = add(images, alphas)
    expected = images.numpy() + alphas.numpy()[:, :, None, None]
    assert torch.equal(target, torch.from_numpy(expected))
    assert mask.all()


def test_lightness_and_colour_are_added_to_lab_each_picture_its_own_and_cut_to_srgb():
    images, alphas = pictures(), torch.tensor([[0.5, 0.0, -0.25], [-0.3, 0.4, 0.0]])
    target, mask = add_lab(images, alphas)
    for image, alpha, found in zip(images.clamp(-1, 1), alphas, target, strict=True):
        lab = cv2.cvtColor((image.permute(1, 2, 0).contiguous().numpy() + 1) / 2, cv2.COLOR_RGB2Lab)
        moved = cv2.cvtColor(lab + alpha.numpy() * np.float32([50, 128, 128]), cv2.COLOR_Lab2RGB)
        expected = torch.from_numpy(moved.clip(0, 1)).permute(2, 0, 1) * 2 - 1
        torch.testing.assert_close(found, expected, atol=0.03, rtol=0)  # its table errs by 0.3 of L, a and b
    assert mask.all()


def test_a_network_without_colour_has_no_lab():
    with pytest.raises(UsageError, match="Use brightness"):
        make_edit("colorlab", SIDE, channels=1)


@pytest.mark.parametrize("name", NAMES)
def test_the_identity_leaves_pictures_whole(name):
    edit, images = make_edit(name, SIDE), pictures().clamp(-1, 1)
    target, mask = edit.apply(images, alphas_for(edit, 0, edit.identity))
    torch.testing.assert_close(target, images, atol=2e-5, rtol=0)
    assert mask.all()
    assert edit.slider_of(edit.identity) == 0
    assert edit.identity in edit.shown


@pytest.mark.parametrize("name", NAMES)
def test_sliders_and_alphas_undo_each_other(name):
    edit = make_edit(name, 64)
    for alpha in edit.shown:
        assert edit.alpha_of(edit.slider_of(alpha)) == pytest.approx(alpha)


def test_sliders_are_those_of_the_paper():
    assert make_edit("zoom", 256).slider_of(4) == math.log(4)
    assert make_edit("shiftx", 256).slider_of(50) == 1
    assert make_edit("shifty", 512).slider_of(50) == 0.5
    assert make_edit("rotate2d", 256).slider_of(45) == 1
    assert make_edit("color", 256).slider_of(0.5) == 0.5


def test_drawn_alphas_stay_in_the_ranges_of_the_paper():
    random = np.random.default_rng(1)
    for name, low, high, nearest in (
        ("shiftx", -49, 49, 1), ("rotate2d", -44, 44, 1), ("rotate3d", -44, 44, 1), ("color", -0.5, 0.5, 0)
    ):  # fmt: skip
        drawn = np.concatenate([make_edit(name, 256).draw(random, 4) for _ in range(2000)])
        assert low <= drawn.min() < 0.9 * low
        assert 0.9 * high < drawn.max() <= high
        assert np.abs(drawn).min() >= nearest
    zooms = np.array([float(make_edit("zoom", 256).draw(random, 4)[0, 0]) for _ in range(2000)])
    assert 0.25 <= zooms.min() < 0.3
    assert 3.8 < zooms.max() <= 4
    assert abs((zooms < 1).mean() - 0.5) < 0.05


def test_colours_are_drawn_for_each_picture_and_channel_movements_for_a_batch():
    random = np.random.default_rng(1)
    assert make_edit("color", 32).draw(random, 4).shape == (4, 3)
    assert make_edit("color", 32, channels=1).draw(random, 4).shape == (4, 1)
    assert make_edit("zoom", 32).draw(random, 4).shape == (1, 1)


def test_one_slider_is_moved_and_the_others_rest():
    assert alphas_for(make_edit("color", 32), 1, 0.3).tolist() == [[0, pytest.approx(0.3), 0]]


def test_what_a_turn_brings_behind_the_eye_is_masked():
    target, mask = by("rotate3d", pictures(), 89.9)
    assert target.isfinite().all()
    assert mask.mean() < 0.1
