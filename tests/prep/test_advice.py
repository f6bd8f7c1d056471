import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from adatune.cli.train import train
from adatune.networks.config import NetworkConfig
from adatune.prep import advice as advice_module
from adatune.prep.config import PrepConfig
from adatune.prep.judge import judge
from adatune.prep.manifest import Row
from adatune.prep.record import Record
from adatune.prep.report import dataset_report
from adatune.training.freeze_options import count_freeze_d

_FACE = Record("a.jpg", faces=1, score=0.99, eye_px=200, upscale=0.25, blur=1.0, colour=(20.0, 10.0, 10.0))


def kept(count: int, **measured: Any) -> list[Row]:
    return [Row(replace(_FACE, source=f"{index}.jpg", **measured)) for index in range(count)]


def left_out(count: int, config: PrepConfig, **measured: Any) -> list[Row]:
    rows = [
        replace(row, record=replace(row.record, source=f"x{row.record.source}"))
        for row in kept(count, **measured)
    ]
    return [replace(row, reason=judge(row.record, config)) for row in rows]


def advice(rows: list[Row], config: PrepConfig | None = None, classes: tuple[str, ...] = ()) -> str:
    return "\n".join(dataset_report(rows, config or PrepConfig(), classes).advice)


def test_fifty_five_photos_hear_of_p_and_of_freezing() -> None:
    assert (
        "55 photos: expect p to rise to its limit, --p-max 0.8 (55 photos got there); try --freezed 10"
        in advice(kept(55))
    )


def test_very_few_photos_are_told_to_look_for_more() -> None:
    assert "12 photos: results get varied from about 30. Look for more" in advice(kept(12))
    assert "1 photo: results" in advice(kept(1))


def test_very_many_photos_are_told_to_train_longer() -> None:
    assert "20,000 photos: p will stay low" in advice(kept(20_000))
    assert "only 50 times" in advice(kept(20_000))


def test_a_small_discriminator_is_not_frozen() -> None:
    assert "--freezed" not in advice(kept(55), PrepConfig(size=64))


@pytest.mark.parametrize("size", [256, 512, 1024])
def test_the_layers_to_freeze_exist(size: int) -> None:
    found = re.search(r"--freezed (\d+)", advice(kept(55), PrepConfig(size=size)))
    assert found is not None
    assert count_freeze_d(found[1], NetworkConfig(resolution=size)) == int(found[1])


def test_enlarged_photos_are_counted_and_larger_ones_asked_for() -> None:
    said = advice([*kept(43), *kept(12, upscale=2.25)])
    assert (
        "12 of 55 are under 512 pixels across and were enlarged, up to 2.2 times: look for larger ones."
        in said
    )


def test_a_set_that_is_mostly_enlarged_hears_of_a_smaller_size() -> None:
    assert "or prepare them at --size 256" in advice([*kept(3), *kept(12, upscale=2)])
    assert "or prepare" not in advice(kept(12, upscale=2), PrepConfig(size=256))


def test_a_few_hardly_enlarged_photos_are_no_matter() -> None:
    assert "were enlarged" not in advice([*kept(99), *kept(1, upscale=1.2)])


def test_the_way_to_1024_is_told_with_what_stands_in_it() -> None:
    said = advice([*kept(43), *kept(12, upscale=0.8)], PrepConfig(name="faces"))
    assert "adatune prep PHOTOS --size 1024 --name faces-1024" in said
    assert "adatune train --data faces-1024 --resume ffhq1024 --kimg 200" in said
    assert "12 of 55 would be enlarged there: look for larger ones" in said
    assert "--resume ffhq512 --kimg 1000" in advice(kept(55), PrepConfig(size=256))
    assert "afterwards" not in advice(kept(55), PrepConfig(size=1024)) + advice(kept(55), PrepConfig(size=64))


def test_the_way_to_1024_keeps_the_other_options() -> None:
    config = PrepConfig(name="my faces", align="ffhq", mirror=False, max_yaw=20, labels="folders", workers=2)
    wanted = '--name "my faces-1024" --align ffhq --no-mirror --labels folders --max-yaw 20; then'
    assert wanted in advice(kept(55), config)


def test_photos_too_small_for_1024_are_not_sent_there() -> None:
    said = advice([*kept(20), *kept(35, upscale=0.8)])
    assert "35 of 55 are under 1024 pixels across" in said
    assert "ffhq1024" not in said


def test_heads_that_look_to_one_side_hear_of_mirroring() -> None:
    rows = [*kept(44, yaw=20), *kept(8, yaw=-20), *kept(10)]
    assert "44 of 52 turned heads look to the right of the picture" in advice(rows)
    assert "Leave --mirror on." in advice(rows)
    assert "train with --mirror" in advice(rows, PrepConfig(mirror=False))
    assert "to the left" in advice([*kept(44, yaw=-20), *kept(8, yaw=20), *kept(10)])
    assert "turned heads" not in advice([*kept(30, yaw=20), *kept(20, yaw=-20)])


def test_heads_that_are_mostly_lowered_are_noticed() -> None:
    assert "Half of the heads are lowered by more than 14 degrees" in advice(kept(40, pitch=-14))
    assert "Half of the heads" not in advice(kept(40, pitch=-5))


@pytest.mark.parametrize(
    ("measured", "option", "price"),
    [
        ({"upscale": 4.0}, "--max-upscale 4.5", "softer results"),
        ({"blur": 5.0}, "--max-blur 6", "softer results"),
        ({"yaw": -40.0}, "--max-yaw 45", "poses that need many examples"),
        ({"pitch": 35.0}, "--max-pitch 40", "poses that need many examples"),
        ({"occlusion": 0.8}, "--max-occlusion 0.85", "hands and microphones"),
        ({"exposure": 0.6}, "--max-exposure 0.75", "flat, dark or burnt"),
        ({"invented": 0.6}, "--max-border 0.75", "mirrored, blurred edges"),
    ],
)
def test_the_option_that_brings_most_back_is_told_with_its_price(
    measured: dict[str, float], option: str, price: str
) -> None:
    config = PrepConfig(max_blur=4.0, max_occlusion=0.7)
    rows = [*kept(40), *left_out(20, config, **measured)]
    assert re.search(
        f"20 of 60 were left out as .*: {option} would bring 20 of them back, .* {price}",
        advice(rows, config),
    )


def test_what_no_option_brings_back_is_said_to_be_lost() -> None:
    rows = [*kept(40), *left_out(20, PrepConfig(), upscale=9.0)]
    assert "even --max-upscale 4.5 would bring none of them back; look for other photos" in advice(rows)


@pytest.mark.parametrize("reason", ["no-face", "several-faces", "colour", "duplicate", "unreadable"])
def test_other_reasons_have_their_advice(reason: str) -> None:
    rows = [*kept(20), *(replace(row, reason=reason) for row in kept(20))]
    assert f"20 of 40 were left out as {reason}: " in advice(rows)


def test_what_the_user_dropped_and_a_few_lost_photos_are_no_matter() -> None:
    assert "left out" not in advice([*kept(20), *(replace(row, reason="review") for row in kept(20))])
    assert "left out" not in advice([*kept(50), *left_out(4, PrepConfig(), upscale=4.0)])


def test_grey_closed_cut_off_and_soft_pictures_are_pointed_at() -> None:
    said = advice([*kept(10, colour=(0.0, 0.0, 0.0)), *kept(10, eyes=0.1), *kept(10, invented=0.2)])
    assert "10 of 30 are black and white" in said
    assert "10 may have closed eyes" in said
    assert "10 crops reach beyond their photo" in said
    assert "--max-border 0.1" in said
    assert "edges softer than 3.0 pixels" in advice(kept(30, blur=3.0))
    assert "black and white" not in advice(kept(30, colour=(0.0, 0.0, 0.0)))


def test_small_classes_are_named() -> None:
    rows = [replace(row, label="cat" if index else "dog") for index, row in enumerate(kept(55))]
    said = advice(rows, PrepConfig(), ("cat", "dog", "owl"))
    assert "Few photos of a class: dog (1), owl (0)." in said
    assert "The published networks know no classes" in said
    assert "class" not in advice(rows)


def test_a_validation_set_that_measures_nothing_is_questioned() -> None:
    config = PrepConfig(validation=0.05)
    apart = [replace(row, split="validation") for row in kept(5)]
    assert "5 photos for validation, too few to measure by: with so few photos" in advice(
        [*kept(50), *apart], config
    )
    assert "use --validation 0.12" in advice([*kept(200), *apart], config)
    assert "to measure by" not in advice([*kept(200), *apart, *apart, *apart, *apart], config)


def test_a_good_set_is_left_in_peace() -> None:
    assert advice(kept(3000), PrepConfig(size=1024)) == ""


def test_every_option_that_is_advised_exists() -> None:
    """Those written in the text, and those made of the thresholds that are loosened (all are settings)."""
    text = Path(advice_module.__file__).read_text()
    known = {option for parameter in train.params if isinstance(parameter, click.Option) for option in
             [*parameter.opts, *parameter.secondary_opts]}  # fmt: skip
    known |= {f"--{field.name.replace('_', '-')}" for field in fields(PrepConfig)}
    advised = set(re.findall(r"--[a-z]+(?:-[a-z]+)*(?![\w-])", text))
    assert len(advised) > 10
    assert advised <= known


@given(
    st.lists(
        st.tuples(st.floats(0.1, 20), st.floats(-90, 90), st.floats(0, 1), st.floats(0, 20), st.booleans()),
        max_size=30,
    ),
    st.sampled_from([16, 256, 512, 1024]),
    st.sampled_from(["portrait54", "none"]),
)
def test_advice_is_whole_sentences_whatever_was_found(
    found: list[tuple[float, float, float, float, bool]], size: int, align: str
) -> None:
    config = PrepConfig(size=size, align=align, validation=0.1)
    records = [
        replace(
            _FACE, source=f"{i}.jpg", upscale=upscale, yaw=yaw, occlusion=covered, invented=covered, blur=blur
        )
        for i, (upscale, yaw, covered, blur, _) in enumerate(found)
    ]
    rows = [
        Row(record, judge(record, config), split="validation" if apart else "train")
        for record, (*_, apart) in zip(records, found, strict=True)
    ]
    for said in dataset_report(rows, config).advice:
        assert said.endswith(".")
        assert said[0].isupper() or said[0].isdigit()
        assert "  " not in said
        assert "nan" not in said
