import pytest

from adatune.errors import UsageError
from adatune.prep.config import PrepConfig


@pytest.mark.parametrize(
    "wrong",
    [
        {"size": 500},
        {"size": 8},
        {"size": 2048},
        {"align": "ffhq2"},
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
