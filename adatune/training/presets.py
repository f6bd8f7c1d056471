"""From the few settings that a user gives to the complete configuration of a run.

The table and the formulas of `auto` are those that StyleGAN2-ADA was published with.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from adatune.augment.operations import parse_operations
from adatune.data.dataset import Dataset
from adatune.data.resident import fits_on, resident_bytes
from adatune.errors import DatasetError, UsageError
from adatune.networks.config import NetworkConfig
from adatune.training.config import TrainConfig
from adatune.training.freeze_options import count_freeze_d, count_freeze_g, count_freeze_m
from adatune.training.memory import available_bytes, memory_bytes

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True)
class Preset:
    """One published configuration; None is left to the formulas of `auto`."""

    length_kimg: float
    batch: int | None = None
    mbstd_group: int = 4
    feature_maps: float | None = None  # 1 is a channel_base of 32768
    learning_rate: float | None = None
    r1_gamma: float | None = None
    ema_kimg: float | None = None
    ema_rampup: float | None = None
    mapping_layers: int = 8


PRESETS = {
    "auto": Preset(25_000, ema_rampup=0.05, mapping_layers=2),
    "stylegan2": Preset(25_000, 32, 4, 1, 0.002, 10, 10),
    "paper256": Preset(25_000, 64, 8, 0.5, 0.0025, 1, 20),
    "paper512": Preset(25_000, 64, 8, 1, 0.0025, 0.5, 20),
    "paper1024": Preset(25_000, 32, 4, 1, 0.002, 2, 10),
    "cifar": Preset(100_000, 64, 32, 1, 0.0025, 0.01, 500, 0.05, 2),
}
TRANSFER_KIMG = 1000.0  # a first run from a trained network; where its users' results settle
ADA_KIMG, ADA_KIMG_TRANSFER = 500.0, 100.0

_TRAINING_CHOICES = {"mbstd_group", "num_fp16_res"}  # of a network, that hold no weights


def resolve(
    dataset: Dataset,
    options: Mapping[str, Any],
    device: "torch.device",
    source: NetworkConfig | None = None,
    source_p: float | None = None,
) -> TrainConfig:
    """The complete configuration.

    Args:
        dataset: what is trained on.
        options: what the user decided, by field of `TrainConfig` (None where that is undecided).
            Three may be text: freeze_d ('b128'), freeze_g ('b16'), aug_p ('resume').
        device: decides the micro-batch.
        source: architecture of the network that is started from; None from scratch.
        source_p: the augmentation strength that it was saved with.

    Raises:
        UsageError: options that contradict each other or the source network.
        DatasetError: the dataset does not fit the source network.
    """
    values = dict(options)
    name = values.setdefault("cfg", "auto")
    if name not in PRESETS:
        raise UsageError(f"--cfg {name} is not known. Choose from {', '.join(PRESETS)}.")
    preset = PRESETS[name]
    values |= {"data": str(dataset.path), **_mirroring(values, dataset), **_snapshots(values)}
    values |= _strength(values, source_p)
    values |= _optimisation(values, preset, dataset.resolution, is_transfer=source is not None)
    network = _architecture(values, preset, dataset, source)
    pictures = resident_bytes(dataset) if fits_on(device, dataset) else 0
    values |= _batches(values, preset, network, device, pictures)
    known = {field: getattr(network, field) for field in NetworkConfig.__dataclass_fields__}
    network = NetworkConfig(**{**known, "mbstd_group": values["mbstd_group"]})
    values |= known | {"mbstd_group": values["mbstd_group"]} | _freezing(values, network)
    values["cond"] = bool(values.get("cond")) and network.c_dim > 0
    optional = {field.name for field in fields(TrainConfig) if "None" in str(field.type)}
    decided: dict[str, Any] = {k: value for k, value in values.items() if value is not None or k in optional}
    return TrainConfig(**decided)


def _mirroring(values: Mapping[str, Any], dataset: Dataset) -> dict[str, Any]:
    mirror = values.get("mirror")
    if mirror is None:
        mirror = True if dataset.mirror is None else dataset.mirror
    return {"mirror": mirror}


def _snapshots(values: Mapping[str, Any]) -> dict[str, Any]:
    options = {"snap_ticks": "--snap", "snap_kimg": "--snap-kimg", "snap_minutes": "--snap-minutes"}
    given = [name for name in options if values.get(name) is not None]
    if len(given) > 1:
        raise UsageError(
            f"{' and '.join(options[name] for name in given)} contradict each other. Give one of them."
        )
    return dict.fromkeys(options) | ({given[0]: values[given[0]]} if given else {"snap_ticks": 4})


def _strength(values: Mapping[str, Any], source_p: float | None) -> dict[str, Any]:
    augs = values.get("augs") or "bgc"
    if augs != "none":
        parse_operations(augs)
    if values.get("aug_p") != "resume":
        return {"augs": augs}
    if source_p is None:
        raise UsageError(
            "--aug-p resume needs --resume with a network that was saved with its augmentation strength. "
            "Leave --aug-p out to start from 0, or give a number."
        )
    return {"augs": augs, "aug_p": None, "initial_p": source_p}


def _optimisation(
    values: Mapping[str, Any], preset: Preset, resolution: int, is_transfer: bool
) -> dict[str, Any]:
    batch = _first(values.get("batch"), preset.batch, max(min(4096 // resolution, 32), 1))
    length = _first(values.get("length_kimg"), TRANSFER_KIMG if is_transfer else preset.length_kimg)
    chosen: dict[str, Any] = {
        "batch": batch,
        "length_kimg": length,
        "tick_kimg": min(4.0, length / 20),
        "learning_rate": _first(preset.learning_rate, 0.002 if resolution >= 1024 else 0.0025),
        # With the batch that is used, so that --batch keeps the balance the formulas were made for.
        "r1_gamma": _first(preset.r1_gamma, 0.0002 * resolution**2 / max(batch, 1)),
        "ema_kimg": _first(preset.ema_kimg, batch * 10 / 32),
        "ema_rampup": None if is_transfer else preset.ema_rampup,
        "ada_kimg": ADA_KIMG_TRANSFER if is_transfer else ADA_KIMG,
    }
    if values["cfg"] == "cifar":
        chosen |= {"path_length_weight": 0.0, "style_mixing": 0.0}
    return {name: _first(values.get(name), value) for name, value in chosen.items()}


def _first(*candidates: Any) -> Any:
    return next((candidate for candidate in candidates if candidate is not None), None)


def _architecture(
    values: Mapping[str, Any], preset: Preset, dataset: Dataset, source: NetworkConfig | None
) -> NetworkConfig:
    given = {name: values[name] for name in NetworkConfig.__dataclass_fields__ if name in values}
    wants_labels = bool(values.get("cond"))
    if wants_labels and dataset.labels is None:
        raise DatasetError(
            f"--cond needs labels, and {dataset.path} has none. Leave --cond out, or add a dataset.json."
        )
    if source is None:
        feature_maps = _first(preset.feature_maps, 1 if dataset.resolution >= 512 else 0.5)
        defaults: dict[str, Any] = {
            "resolution": dataset.resolution,
            "channels": dataset.channels,
            "c_dim": dataset.c_dim if wants_labels else 0,
            "mapping_layers": preset.mapping_layers,
            "channel_base": round(32768 * feature_maps),
            "d_architecture": "orig" if values["cfg"] == "cifar" else "resnet",
        }
        try:
            network = NetworkConfig(**{**defaults, **given})
        except ValueError as error:
            raise UsageError(f"{error}. Correct it in the file of --config.") from error
    else:
        network = source
        for name, value in given.items():
            if name not in _TRAINING_CHOICES and value != getattr(source, name):
                raise UsageError(
                    f"{name} = {value} contradicts the network of --resume ({getattr(source, name)}). "
                    "Take that line out of the file of --config."
                )
    _check_fit(dataset, network, wants_labels)
    return network


def _check_fit(dataset: Dataset, network: NetworkConfig, wants_labels: bool) -> None:
    if dataset.resolution != network.resolution:
        raise DatasetError(
            f"{dataset.path} has {dataset.resolution}x{dataset.resolution} pictures, the network makes "
            f"{network.resolution}x{network.resolution}. Prepare the photos at that size: "
            f"adatune prep PHOTOS --size {network.resolution}"
        )
    if dataset.channels != network.channels:
        kinds = {1: "grey", 3: "colour"}
        raise DatasetError(
            f"{dataset.path} has {kinds[dataset.channels]} pictures, the network makes "
            f"{kinds.get(network.channels, f'{network.channels}-channel')} ones. 'adatune prep PHOTOS --size "
            f"{network.resolution}' makes colour pictures of any photos."
        )
    if wants_labels and network.c_dim and network.c_dim != dataset.c_dim:
        raise DatasetError(
            f"{dataset.path} has {dataset.c_dim} classes, the network knows {network.c_dim}. "
            "Leave --cond out, or train from scratch."
        )


def _batches(
    values: Mapping[str, Any], preset: Preset, network: NetworkConfig, device: "torch.device", pictures: int
) -> dict[str, Any]:
    batch = values["batch"]
    if batch < 1:
        raise UsageError(f"--batch is {batch}; it must be above 0.")
    group = values["mbstd_group"] if "mbstd_group" in values else min(preset.mbstd_group, batch)
    group = batch if group is None else largest_group(batch, group)
    gpus = max(values.get("gpus") or 1, 1)
    precision = values.get("precision") or "auto"
    fitting = fitting_micro_batch(network, batch, group, device, gpus, precision, pictures)
    micro_batch = _first(values.get("micro_batch"), fitting)
    return {"micro_batch": micro_batch, "mbstd_group": largest_group(micro_batch, group)}


def largest_group(batch: int, wanted: int) -> int:
    """The largest minibatch-std group of at most WANTED images that divides BATCH.

    A group of one has no deviation to measure: for a prime batch the whole batch is the group.
    """
    fitting = [size for size in range(1, min(wanted, batch) + 1) if batch % size == 0]
    if fitting[-1] > 1 or wanted == 1:
        return fitting[-1]
    return next((size for size in range(2, batch + 1) if batch % size == 0), 1)


def fitting_micro_batch(
    network: NetworkConfig,
    batch: int,
    group: int,
    device: "torch.device",
    gpus: int = 1,
    precision: str = "auto",
    pictures: int = 0,
) -> int:
    """The largest part of BATCH that the card is estimated to hold, with PICTURES bytes of data beside it.

    It divides each GPU's share of the batch and holds whole minibatch-std groups of GROUP images, even where
    these are estimated not to fit.

    Raises:
        UsageError: a GPU's share does not split into such groups.
    """
    sizes = [size for size in range(batch // gpus, 0, -1) if batch % (size * gpus) == 0 and size % group == 0]
    if not sizes:
        raise UsageError(
            f"--batch {batch} on --gpus {gpus} does not give each GPU whole minibatch-std groups of {group} "
            f"images. Use --batch {-(-batch // (group * gpus)) * group * gpus}, or fewer GPUs."
        )
    if device.type != "cuda":
        return sizes[0]
    left = available_bytes(device) - pictures
    return next((size for size in sizes if memory_bytes(network, size, "cuda", precision) <= left), sizes[-1])


def for_gpus(config: TrainConfig, gpus: int, device: "torch.device") -> dict[str, int]:
    """The settings that change when a run goes on with another number of GPUs.

    Raises:
        UsageError: its batch does not split that way.
    """
    group = config.batch if config.mbstd_group is None else config.mbstd_group
    micro_batch = fitting_micro_batch(
        config.network, config.batch, group, device, max(gpus, 1), config.precision
    )
    return {"gpus": gpus, "micro_batch": micro_batch}


def _freezing(values: Mapping[str, Any], network: NetworkConfig) -> dict[str, int]:
    return {
        "freeze_d": count_freeze_d(str(_first(values.get("freeze_d"), 0)), network),
        "freeze_g": count_freeze_g(str(_first(values.get("freeze_g"), 0)), network),
        "freeze_m": count_freeze_m(str(_first(values.get("freeze_m"), 0)), network),
    }
