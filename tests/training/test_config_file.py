import math
import tomllib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, get_type_hints

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adatune.errors import RunError, UsageError
from adatune.training.config import TrainConfig
from adatune.training.config_file import read_config, read_values, to_toml, write_config

BASIC = TrainConfig(data="datasets/faces")
FREE = {  # fields that __post_init__ does not tie to others
    "data": st.text(min_size=1),
    "resume": st.text(),
    "cond": st.booleans(),
    "mirror_y": st.booleans(),
    "seed": st.integers(0, 2**63 - 1),
    "conv_clamp": st.none() | st.floats(0, allow_infinity=False),
    "length_kimg": st.floats(0, exclude_min=True, allow_infinity=False),
    "hours": st.none() | st.floats(0, allow_infinity=False),
    "learning_rate": st.floats(0, 1, exclude_min=True),
    "r1_gamma": st.integers(0, 100) | st.floats(0, 1e300),
    "ema_rampup": st.none() | st.floats(0, 1),
    "augs": st.text(),
    "aug_p": st.none() | st.floats(0, 1),
    "target": st.floats(-1, 1),
    "snap_ticks": st.none() | st.integers(0, 1000),
    "snap_kimg": st.none() | st.floats(0, 1e6),
    "device": st.text(),
}


@settings(max_examples=50, deadline=None)
@given(st.fixed_dictionaries({}, optional=FREE))
def test_every_configuration_survives_the_file(
    tmp_path_factory: pytest.TempPathFactory, changes: dict[str, Any]
) -> None:
    config = replace(BASIC, **changes)
    path = tmp_path_factory.mktemp("config") / "config.toml"
    write_config(path, config)
    assert read_config(path) == config


def test_the_file_is_toml_with_a_line_and_comment_for_every_setting() -> None:
    text = to_toml(replace(BASIC, hours=2.5))
    values = tomllib.loads(text)
    left_out = {"ema_rampup", "aug_p", "snap_kimg", "snap_minutes"}
    assert {field.name for field in fields(TrainConfig)} - left_out == set(values)
    assert 'data = "datasets/faces"  # dataset folder or zip' in text
    assert "hours = 2.5  # stop, saved, after this long" in text
    assert "# Augmentation" in text
    assert "# aug_p is not set: fixed strength; None: adaptive" in text


def test_every_kind_of_field_is_one_the_file_can_hold() -> None:
    kinds = {str(kind) for kind in get_type_hints(TrainConfig).values()}
    plain = {"<class 'str'>", "<class 'bool'>", "<class 'int'>", "<class 'float'>"}
    assert kinds <= plain | {"float | None", "int | None"}


def test_a_complete_file_means_none_by_a_missing_key(tmp_path: Path) -> None:
    write_config(tmp_path / "config.toml", replace(BASIC, conv_clamp=None, snap_ticks=None))
    values = read_values(tmp_path / "config.toml")
    assert values["conv_clamp"] is None
    assert values["snap_ticks"] is None


def test_a_partial_file_gives_only_what_it_holds(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text("r1_gamma = 2\naugs = 'bg'\n")
    assert read_values(path) == {"r1_gamma": 2, "augs": "bg"}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("gamma = 2", "has the key 'gamma', which is no setting"),
        ("lengh_kimg = 2", "Did you mean 'length_kimg'"),
        ("batch = 2.5", "batch = 2.5 is wrong; it must be a whole number"),
        ("batch = true", "must be a whole number"),
        ("mirror = 1", "must be true or false"),
        ("augs = 1", "must be text in quotes"),
        ("hours = '2'", "must be a number"),
        ("[network]\nbatch = 2", "has the key 'network'"),
        ("batch = ", "is not TOML"),
    ],
)
def test_wrong_files_are_refused_with_the_key(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "config.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=words):
        read_values(path)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UsageError, match="is not TOML"):
        read_values(tmp_path / "config.toml")


def test_a_missing_file_and_one_without_data_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="There is no"):
        read_config(tmp_path / "config.toml")
    (tmp_path / "config.toml").write_text("batch = 4\n")
    with pytest.raises(UsageError, match="what was trained on"):
        read_config(tmp_path / "config.toml")


def test_a_path_that_is_no_unicode_is_refused() -> None:
    with pytest.raises(UsageError, match="not valid Unicode"):
        to_toml(replace(BASIC, data="photos\udcff"))


def test_infinity_survives(tmp_path: Path) -> None:
    write_config(tmp_path / "config.toml", replace(BASIC, conv_clamp=math.inf))
    assert read_config(tmp_path / "config.toml").conv_clamp == math.inf
