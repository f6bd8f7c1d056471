from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from rich.console import Console

from adatune.data.dataset import Dataset, open_dataset
from adatune.device import cpu_has_bf16
from adatune.errors import UsageError
from adatune.training.config import TrainConfig
from adatune.training.plan import Plan, make_plan, render_plan

CPU = torch.device("cpu")


@pytest.fixture
def dataset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    (tmp_path / "faces").mkdir()
    for index in range(40):
        Image.new("RGB", (16, 16)).save(tmp_path / f"faces/{index}.png")
    rows = ", ".join(f'["{i}.png", 0]' for i in range(40))
    (tmp_path / "faces/dataset.json").write_text(f'{{"labels": [{rows}]}}')
    return open_dataset(tmp_path / "faces")


def plan_of(dataset: Dataset, **changes: Any) -> Plan:
    small = {"resolution": 64, "channel_base": 1024, "channel_max": 32, "z_dim": 32, "w_dim": 32}
    return make_plan(TrainConfig(**{"data": "faces", "resume": "ffhq512", **small, **changes}), dataset, CPU)


def test_real_and_mirrored_images_are_counted_apart(dataset: Dataset) -> None:
    plan = plan_of(dataset, mirror_y=True)
    assert (plan.images, plan.images_with_mirrored) == (40, 160)
    assert (
        "40 real images, 160 with mirrored copies (left to right and top to bottom)" in plan.rows["Dataset"]
    )
    assert "no mirrored copies" in plan_of(dataset, mirror=False).rows["Dataset"]


def test_the_batch_is_divided_among_gpus_and_then_into_micro_batches(dataset: Dataset) -> None:
    assert plan_of(dataset).rows["Batch"].startswith("8 images; ")
    assert plan_of(dataset, micro_batch=4).rows["Batch"].startswith("8 images in 2 micro-batches of 4; ")
    both = plan_of(dataset, batch=16, gpus=2, micro_batch=4).rows["Batch"]
    assert both.startswith("16 images, 8 on each of 2 GPUs in 2 micro-batches of 4; ")


def test_every_guess_is_called_an_estimate(dataset: Dataset) -> None:
    plan = plan_of(dataset)
    for heading in ("Time", "Memory"):
        assert "estimate" in plan.rows[heading]
    assert plan.hours == pytest.approx(plan.seconds_per_kimg * 1000 / 3600)


def test_frozen_layers_are_named_with_their_parameters(dataset: Dataset) -> None:
    assert plan_of(dataset).rows["Frozen"] == "nothing"
    # 64x64: fromrgb 3*16+16, conv0 9*16*16+16, conv1 9*16*32+32, skip 16*32
    frozen = plan_of(dataset, freeze_d=4).rows["Frozen"]
    assert frozen == f"discriminator b64.fromrgb to b64.skip ({64 + 2320 + 4640 + 512:,} parameters)"
    # 8 mapping layers of 32*32+32
    assert plan_of(dataset, freeze_m=8).rows["Frozen"] == "mapping.fc0 to mapping.fc7 (8,448 parameters)"
    assert "generator mapping and b4 to b16" in plan_of(dataset, freeze_g=3).rows["Frozen"]


def test_hours_limit_the_time_that_is_promised(dataset: Dataset) -> None:
    plan = plan_of(dataset, hours=0.01)
    assert plan.hours == 0.01
    assert "stops, saved, after 0.01 h" in plan.rows["Time"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "bgc, adaptive: p from 0 to at most 0.8, target r_t 0.6"),
        ({"aug_p": 0.2}, "bgc, fixed at p 0.2"),
        ({"augs": "none"}, "none"),
        ({"initial_p": 0.375}, "bgc, adaptive: p from 0.375 to at most 0.8, target r_t 0.6"),
    ],
)
def test_augmentation_is_said_in_words(dataset: Dataset, changes: dict[str, Any], words: str) -> None:
    assert plan_of(dataset, **changes).rows["Augmentation"] == words


def test_a_slider_is_said_with_how_far_it_is_trained(dataset: Dataset) -> None:
    assert "Slider" not in plan_of(dataset).rows
    words = plan_of(dataset, steer="zoom").rows["Slider"]
    assert "zoom, trained with the networks from 0.607 to 1.65" in words


def test_the_snapshot_rule_is_the_one_chosen(dataset: Dataset) -> None:
    assert plan_of(dataset).rows["Saved"].startswith("a snapshot each 16 kimg")
    rule = {"snap_ticks": None, "snap_minutes": 20.0}
    assert plan_of(dataset, **rule).rows["Saved"].startswith("a snapshot each 20 min")


def test_unused_labels_and_a_small_dataset_are_noticed(dataset: Dataset) -> None:
    assert plan_of(dataset).notices == ("the labels of faces are not used: the source network has none.",)
    assert "--cond would use them" in plan_of(dataset, resume="").notices[0]
    assert plan_of(dataset, cond=True, c_dim=1).notices == ()


def test_training_on_a_validation_set_is_noticed(dataset: Dataset) -> None:
    dataset.is_validation = True
    assert any("kept apart to measure by" in notice for notice in plan_of(dataset).notices)


def test_a_hundred_columns_hold_the_plan(dataset: Dataset) -> None:
    console = Console(width=100, record=True, force_terminal=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(render_plan(plan_of(dataset, freeze_d=4, freeze_g=2)))
    lines = console.export_text().splitlines()
    assert all(len(line) <= 100 for line in lines)
    assert lines[0].startswith("Dataset  ")


def test_off_a_terminal_each_heading_is_one_line(dataset: Dataset) -> None:
    plan = plan_of(dataset)
    assert len(plan.lines()) == len(plan.rows) + len(plan.notices)
    assert all("\n" not in line for line in plan.lines())


def test_the_device_is_told_with_its_number_format(dataset: Dataset) -> None:
    assert plan_of(dataset).rows["Device"] == f"CPU ({torch.get_num_threads()} threads), fp32"
    assert (
        plan_of(dataset, precision="bf16").rows["Device"].endswith("bf16 in the operands of the convolutions")
    )
    assert plan_of(dataset, gpus=2, micro_batch=4).rows["Device"].startswith("2 x CPU")


def test_a_precision_that_the_device_lacks_is_refused_before_anything_is_written(dataset: Dataset) -> None:
    with pytest.raises(UsageError, match="--precision fp16 is for CUDA cards"):
        plan_of(dataset, precision="fp16")


def test_bf16_is_said_to_be_slow_on_a_cpu_without_units_for_it(dataset: Dataset) -> None:
    notices = plan_of(dataset, precision="bf16").notices
    assert any("no bfloat16 units" in notice for notice in notices) != cpu_has_bf16()
