import json
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image

from adatune.data.dataset import Dataset, open_dataset
from adatune.errors import DatasetError, UsageError
from adatune.networks import NetworkConfig
from adatune.training.config import TrainConfig
from adatune.training.presets import for_gpus, largest_group, resolve

CPU = torch.device("cpu")


def make_dataset(
    folder: Path, size: int = 512, mode: str = "RGB", labels: Any = None, prep: Any = None
) -> Dataset:
    (folder / "images").mkdir(parents=True)
    for index in range(2):
        Image.new(mode, (size, size)).save(folder / f"images/{index}.png")
    (folder / "dataset.json").write_text(json.dumps({"labels": labels}))
    if prep is not None:
        (folder / "prep.json").write_text(json.dumps(prep))
    return open_dataset(folder)


def config_of(
    folder: Path, source: NetworkConfig | None = None, size: int = 512, **options: Any
) -> TrainConfig:
    return resolve(make_dataset(folder / "faces", size), options, CPU, source)


@pytest.mark.parametrize(
    ("cfg", "values"),
    [
        # kimg, batch, mbstd, channel_base, lr, gamma, ema, ramp-up, depth: the published table
        ("stylegan2", (25_000, 32, 4, 32768, 0.002, 10, 10, None, 8)),
        ("paper256", (25_000, 64, 8, 16384, 0.0025, 1, 20, None, 8)),
        ("paper512", (25_000, 64, 8, 32768, 0.0025, 0.5, 20, None, 8)),
        ("paper1024", (25_000, 32, 4, 32768, 0.002, 2, 10, None, 8)),
        ("cifar", (100_000, 64, 32, 32768, 0.0025, 0.01, 500, 0.05, 2)),
    ],
)
def test_presets_are_the_published_table(tmp_path: Path, cfg: str, values: tuple[Any, ...]) -> None:
    c = config_of(tmp_path, cfg=cfg)
    assert values == (
        c.length_kimg, c.batch, c.mbstd_group, c.channel_base, c.learning_rate, c.r1_gamma, c.ema_kimg,
        c.ema_rampup, c.mapping_layers,
    )  # fmt: skip
    is_cifar = cfg == "cifar"
    assert (c.d_architecture == "orig", c.style_mixing == 0, c.path_length_weight == 0) == (is_cifar,) * 3
    assert (c.ada_kimg, c.micro_batch) == (500, c.batch)


@pytest.mark.parametrize(
    ("size", "batch", "channel_base", "lr"),
    [(32, 32, 16384, 0.0025), (256, 16, 16384, 0.0025), (512, 8, 32768, 0.0025), (1024, 4, 32768, 0.002)],
)
def test_auto_follows_its_formulas(
    tmp_path: Path, size: int, batch: int, channel_base: int, lr: float
) -> None:
    c = config_of(tmp_path, size=size)
    assert (c.batch, c.channel_base, c.learning_rate, c.mapping_layers) == (batch, channel_base, lr, 2)
    assert c.r1_gamma == pytest.approx(0.0002 * size**2 / batch)
    assert c.ema_kimg == pytest.approx(batch * 10 / 32)
    assert (c.mbstd_group, c.ema_rampup, c.resolution) == (4, 0.05, size)


def test_transfer_takes_the_architecture_from_the_network(tmp_path: Path) -> None:
    source = NetworkConfig(mapping_layers=8, channel_base=16384, conv_clamp=None, c_dim=3, mbstd_group=None)
    c = config_of(tmp_path, source, resume="ffhq512")
    assert (c.mapping_layers, c.channel_base, c.conv_clamp, c.c_dim) == (8, 16384, None, 3)
    assert (c.ada_kimg, c.ema_rampup, c.length_kimg, c.mbstd_group) == (100, None, 1000, 4)
    assert c.r1_gamma == pytest.approx(6.5536)


def test_what_the_user_gives_wins(tmp_path: Path) -> None:
    c = config_of(
        tmp_path, r1_gamma=3.0, batch=6, length_kimg=10.0, augs="bg", learning_rate=0.001, aug_p=0.2
    )
    assert (c.r1_gamma, c.batch, c.augs, c.learning_rate, c.aug_p) == (3.0, 6, "bg", 0.001, 0.2)
    assert (c.mbstd_group, c.tick_kimg) == (3, 0.5)
    assert c.ema_kimg == pytest.approx(6 * 10 / 32)


def test_a_tick_is_4_kimg_in_long_runs(tmp_path: Path) -> None:
    assert config_of(tmp_path, length_kimg=1000.0).tick_kimg == 4


@pytest.mark.parametrize(
    ("batch", "wanted", "group"),
    [(8, 4, 4), (6, 4, 3), (5, 4, 5), (7, 4, 7), (1, 4, 1), (64, 32, 32), (9, 4, 3), (4, 1, 1)],
)
def test_minibatch_std_groups_divide_the_batch(batch: int, wanted: int, group: int) -> None:
    assert largest_group(batch, wanted) == group
    assert batch % group == 0


def test_each_gpu_gets_its_part_of_the_batch(tmp_path: Path) -> None:
    config = config_of(tmp_path, gpus=2, batch=16)
    assert (config.batch, config.micro_batch, config.mbstd_group) == (16, 8, 4)
    assert for_gpus(config, 4, CPU) == {"gpus": 4, "micro_batch": 4}
    assert for_gpus(config, 1, CPU) == {"gpus": 1, "micro_batch": 16}
    with pytest.raises(UsageError, match="--batch 16 on --gpus 8"):
        for_gpus(config, 8, CPU)


def test_freezing_is_counted_in_the_networks_own_layers(tmp_path: Path) -> None:
    c = config_of(tmp_path, NetworkConfig(), freeze_d="b128", freeze_g="b16", freeze_m="2")
    assert (c.freeze_d, c.freeze_g, c.freeze_m) == (10, 3, 2)


def test_one_snapshot_rule_is_taken_and_two_are_refused(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "faces")
    assert resolve(dataset, {}, CPU).snap_ticks == 4
    c = resolve(dataset, {"snap_minutes": 5.0}, CPU)
    assert (c.snap_ticks, c.snap_kimg, c.snap_minutes) == (None, None, 5.0)
    with pytest.raises(UsageError, match="--snap and --snap-kimg contradict"):
        resolve(dataset, {"snap_ticks": 1, "snap_kimg": 5.0}, CPU)


def test_mirroring_is_the_users_word_then_preps_then_on(tmp_path: Path) -> None:
    plain = make_dataset(tmp_path / "a")
    recorded = make_dataset(tmp_path / "b", prep={"mirror": False})
    assert resolve(plain, {}, CPU).mirror is True
    assert resolve(recorded, {}, CPU).mirror is False
    assert resolve(recorded, {"mirror": True}, CPU).mirror is True


def test_labels_are_used_only_where_both_sides_have_them(tmp_path: Path) -> None:
    labels = [["images/0.png", 0], ["images/1.png", 1]]
    dataset, plain = make_dataset(tmp_path / "a", labels=labels), make_dataset(tmp_path / "b")
    assert (resolve(dataset, {"cond": True}, CPU).c_dim, resolve(dataset, {}, CPU).c_dim) == (2, 0)
    assert resolve(dataset, {"cond": True}, CPU, NetworkConfig(c_dim=2)).cond is True
    assert resolve(dataset, {"cond": True}, CPU, NetworkConfig()).cond is False
    with pytest.raises(DatasetError, match="2 classes, the network knows 5"):
        resolve(dataset, {"cond": True}, CPU, NetworkConfig(c_dim=5))
    with pytest.raises(DatasetError, match="--cond needs labels"):
        resolve(plain, {"cond": True}, CPU)


def test_a_dataset_of_another_size_says_how_to_prepare_it(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="adatune prep PHOTOS --size 512"):
        config_of(tmp_path, NetworkConfig(), size=256)


def test_grey_pictures_do_not_fit_a_colour_network(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="has grey pictures, the network makes colour"):
        resolve(make_dataset(tmp_path / "a", mode="L"), {}, CPU, NetworkConfig())


def test_the_strength_can_be_taken_from_the_network(tmp_path: Path) -> None:
    dataset = make_dataset(tmp_path / "a")
    c = resolve(dataset, {"aug_p": "resume"}, CPU, NetworkConfig(), source_p=0.375)
    assert (c.aug_p, c.initial_p) == (None, 0.375)
    assert resolve(dataset, {}, CPU, NetworkConfig(), source_p=0.375).initial_p == 0
    with pytest.raises(UsageError, match="--aug-p resume needs --resume"):
        resolve(dataset, {"aug_p": "resume"}, CPU)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"cfg": "paper"}, "--cfg paper is not known"),
        ({"augs": "bgz"}, "No augmentation is called 'bgz'"),
        ({"batch": 0}, "--batch is 0"),
        ({"length_kimg": 0.0}, "--kimg is 0"),
        ({"channel_base": 0}, "channel_base is 0"),
        ({"gpus": 4}, "--batch 8 on --gpus 4 does not give each GPU whole .* groups of 4 .* --batch 16"),
        ({"gpus": 3, "batch": 8}, "does not give each GPU whole .* Use --batch 12"),
        ({"gpus": -1}, "--gpus is -1"),
    ],
)
def test_impossible_options_are_refused(tmp_path: Path, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        config_of(tmp_path, **options)


def test_a_file_that_contradicts_the_network_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="mapping_layers = 2 contradicts"):
        config_of(tmp_path, NetworkConfig(), mapping_layers=2)
