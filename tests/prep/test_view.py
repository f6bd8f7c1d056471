import numpy as np

from adatune.prep.crop import portrait_corners
from adatune.prep.view import EYE_LINE, FACE, VIEW_EYES, VIEW_HEIGHT, VIEW_WIDTH


def test_the_eyes_of_a_portrait_box_lie_where_the_view_says() -> None:
    eyes = np.array([[300.0, 200.0], [428.0, 200.0]])
    corners = portrait_corners(eyes)
    scale = VIEW_WIDTH / (corners[1, 0] - corners[0, 0])
    assert np.allclose((eyes - corners[0]) * scale, [[96, EYE_LINE], [160, EYE_LINE]])
    assert (eyes[1, 0] - eyes[0, 0]) * scale == VIEW_EYES
    assert (corners[3, 1] - corners[0, 1]) * scale == VIEW_HEIGHT


def test_the_face_holds_eyes_and_mouth_and_no_border() -> None:
    assert FACE[[150, 150, 215], [96, 160, 128]].all()
    assert not FACE[[0, -1]].any()
    assert not FACE[:, [0, -1]].any()
