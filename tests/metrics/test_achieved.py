"""What was done to pictures is found again, where it is known because it was done by OpenCV or numpy."""

import cv2
import numpy as np
import pytest
import torch

from adatune.augment.edits import make_edit
from adatune.augment.user_edit import edit_of
from adatune.metrics.achieved import achieved_sliders, spread_of

SIDE = 64


def pictures(count=4, side=SIDE):
    random = np.random.default_rng(0)
    rough = random.normal(size=(count * 3, side, side)).astype(np.float32)
    smooth = np.stack([cv2.GaussianBlur(plane, (0, 0), side / 20) for plane in rough])
    return torch.from_numpy(smooth / smooth.std() * 0.3).clamp(-1, 1).reshape(count, 3, side, side)


def moved_by(images, matrix):
    size = images.shape[3], images.shape[2]
    planes = [
        [cv2.warpAffine(p, matrix, size, borderMode=cv2.BORDER_REFLECT) for p in image]
        for image in images.numpy()
    ]
    return torch.from_numpy(np.array(planes))


def found(name, images, moved, largest, number=0):
    edit = make_edit(name, images.shape[-1])
    return [edit.alpha_of(float(s)) for s in achieved_sliders(edit, number, images, moved, largest)]


def test_a_shift_is_found_in_pixels():
    images = pictures()
    right = moved_by(images, np.float32([[1, 0, 4.5], [0, 1, 0]]))
    assert found("shiftx", images, right, 1.0) == pytest.approx([4.5] * 4, abs=0.02)
    # Not undone sideways, pictures are likest a little up or down, by chance.
    assert found("shifty", images, right, 1.0) == pytest.approx([0] * 4, abs=0.4)


def test_a_shift_of_a_large_picture_is_found_in_its_own_pixels():
    images = pictures(2, 256)
    right = moved_by(images, np.float32([[1, 0, -23], [0, 1, 0]]))
    assert found("shiftx", images, right, 1.0) == pytest.approx([-23] * 2, abs=1)


@pytest.mark.parametrize(
    ("degrees", "scale"),
    [(17, 1.0), (-30, 1.0), (0, 1.0), (0, 0.95), (0, 1.05), (0, 0.7), (0, 1.5), (0, 0.35), (0, 2.8)],
)
def test_a_turn_is_found_in_degrees_and_a_zoom_as_the_side_of_the_crop(degrees, scale):
    images, centre = pictures(), ((SIDE - 1) / 2, (SIDE - 1) / 2)
    moved = moved_by(images, cv2.getRotationMatrix2D(centre, degrees, scale))
    if degrees:
        assert found("rotate2d", images, moved, 1.0) == pytest.approx([degrees] * 4, abs=1)
    else:
        assert found("zoom", images, moved, 1.2) == pytest.approx([1 / scale] * 4, rel=0.01)


def test_strangers_are_not_taken_for_a_far_zoom():
    images = pictures(40)
    sliders = achieved_sliders(make_edit("zoom", SIDE), 0, images[:20], images[20:], 1.4)
    assert sliders.abs().median() < 0.7


def test_a_change_of_contrast_and_colour_is_no_movement():
    images = pictures()
    changed = 0.5 * images + 0.3
    for name in ("shiftx", "rotate2d", "zoom"):
        edit = make_edit(name, SIDE)
        assert achieved_sliders(edit, 0, images, changed, 1.0).abs().max() < 0.02


def test_a_colour_is_found_by_the_mean_of_its_channel_as_it_is_seen():
    images = pictures()
    brighter = images.clone()
    brighter[:, 1] += 0.4
    assert found("color", images, brighter, 1.0, number=1) == pytest.approx([0.4] * 4, abs=0.01)
    assert found("color", images, brighter.clamp(-1, 1), 1.0, number=1) == pytest.approx([0.4] * 4, abs=0.01)
    assert found("color", images, brighter, 1.0, number=0) == pytest.approx([0] * 4, abs=1e-6)
    assert found("brightness", images, images + 0.2, 1.0) == pytest.approx([0.2] * 4, abs=0.01)


def test_lightness_and_colour_are_found_by_the_mean_of_what_was_added_to():
    images = pictures()
    lab = [
        cv2.cvtColor((image.permute(1, 2, 0).contiguous().numpy() + 1) / 2, cv2.COLOR_RGB2Lab)
        for image in images
    ]
    for number, units in enumerate((50, 128, 128)):
        added = np.eye(3, dtype=np.float32)[number] * 0.2 * units
        moved = [cv2.cvtColor(each + added, cv2.COLOR_Lab2RGB).clip(0, 1) for each in lab]
        moved = torch.from_numpy(np.stack(moved)).permute(0, 3, 1, 2) * 2 - 1
        assert found("colorlab", images, moved, 1.0, number) == pytest.approx([0.2] * 4, abs=0.01)


def test_colours_beyond_what_srgb_holds_count_as_much_as_the_edit_can_do():
    blue = torch.tensor([-0.9, -0.6, 0.95]).reshape(1, 3, 1, 1)
    images = pictures(2) * 0.3 + torch.tensor([0.2, 0.0, -0.1]).reshape(3, 1, 1)
    sliders = found("colorlab", images, images * 0 + blue, 1.0, number=2)
    assert all(-1.5 < slider < -0.6 for slider in sliders), sliders


def test_an_edit_of_ones_own_is_found_by_what_differs_least():
    def fade(images, alpha):
        return images * (1 - alpha), torch.ones_like(images[:, :1])

    images = pictures()
    sliders = achieved_sliders(edit_of("fade", fade), 0, images, 0.37 * images, 1.0)
    assert sliders.tolist() == pytest.approx([0.63] * 4, abs=0.01)


def test_the_spread_of_a_dataset_is_that_of_its_pictures():
    (face,) = pictures(1)
    shifts = np.random.default_rng(5).normal(0, 1.5, 60)
    photos = torch.cat([moved_by(face[None], np.float32([[1, 0, x], [0, 1, 0]])) for x in shifts])
    spread = spread_of(make_edit("shiftx", SIDE), 0, photos, 1.0)
    assert spread.count == 60
    assert spread.deviation * 12.5 == pytest.approx(shifts.std(), rel=0.2)
    assert spread.high - spread.low == pytest.approx(
        np.quantile(shifts, 0.95) - np.quantile(shifts, 0.05), rel=0.2
    )
