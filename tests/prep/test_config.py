import pytest

from adatune.errors import UsageError
from adatune.prep.config import ALIGNMENTS, PrepConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 500},
        {"size": 8},
        {"size": 2048},
        {"align": "ffhq2"},
        {"faces": "two"},
        {"ratio": "4x5"},
        {"ratio": "1:4"},
        {"ratio": "0:5"},
        {"every": 0},
        {"validation": 0.6},
        {"max_border": -0.1},
        {"name": "a/b"},
        {"workers": 0},
        {"min_face_score": 1.5},
        {"max_occlusion": float("nan")},
        {"max_yaw": -1},
        {"max_upscale": -0.1},
    ],
)
def test_a_value_that_cannot_be_right_is_refused_by_its_options_name(wrong: dict[str, object]) -> None:
    (field,) = wrong
    with pytest.raises(UsageError, match="--" + field.replace("_", "-")):
        PrepConfig(**wrong)


def test_the_aspect_is_five_to_four_or_square_unless_a_ratio_is_asked_for() -> None:
    assert [PrepConfig(align=align).aspect for align in ALIGNMENTS] == [1.25, 1, 1]
    assert [PrepConfig(align=align, ratio="4:6").aspect for align in ALIGNMENTS] == [1.5] * 3
