"""What a configuration refuses, and what it derives."""

from dataclasses import fields
from typing import Any, get_args, get_type_hints

import pytest
import torch

from adatune.errors import UsageError
from adatune.networks import Generator
from adatune.training.config import TrainConfig

NUMBERS = [
    name for name, kind in get_type_hints(TrainConfig).items() if kind is float or float in get_args(kind)
]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"length_kimg": 0.0}, "--kimg is 0.0; it must be above 0"),
        ({"batch": -4}, "--batch is -4; it must be above 0"),
        ({"r1_gamma": -1.0}, "--gamma is -1.0; it cannot be negative"),
        ({"batch": 6, "micro_batch": 4}, "--batch 6 is not a multiple of the micro-batch 4"),
        ({"batch": 6, "micro_batch": 6}, "does not split into minibatch-std groups of 4"),
        ({"batch": 8, "gpus": 2}, "--batch 8 on --gpus 2 does not split into micro-batches of 8.*--batch 16"),
        ({"gpus": 0}, "--gpus is 0; it must be above 0"),
        ({"aug_p": 1.1}, "--aug-p is 1.1"),
        ({"p_max": 2.0}, "--p-max is 2.0"),
        ({"target": -1.5}, "--target is -1.5"),
        ({"steer": "smile"}, "--steer smile is not known. Choose from zoom, "),
        ({"seed": 2**63}, f"--seed is {2**63}; it goes from 0 to {2**63 - 1}"),
    ],
)
def test_what_cannot_be_is_refused_with_the_options_name(settings: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        TrainConfig("faces", **settings)


@pytest.mark.parametrize("option", ["length_kimg", "learning_rate", "snap_kimg", "save_minutes", "r1_gamma"])
@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_numbers_without_end_are_refused(option: str, value: float) -> None:
    assert option in NUMBERS
    with pytest.raises(UsageError, match=r"is (nan|inf); it"):
        TrainConfig("faces", **{option: value})


def test_the_length_is_rounded_up_to_whole_steps() -> None:
    assert TrainConfig("faces", length_kimg=0.1, batch=8).length_images == 104
    assert TrainConfig("faces", length_kimg=0.096, batch=8).length_images == 96


def test_the_architecture_holds_every_field_of_the_networks() -> None:
    config = TrainConfig(
        "faces", resolution=8, z_dim=4, w_dim=4, channel_base=64, channel_max=8, mapping_layers=1
    )
    values = {field.name: getattr(config, field.name) for field in fields(config)}
    assert config.network.to_dict().items() <= values.items()
    assert Generator(config.network)(torch.zeros(1, 4)).shape == (1, 3, 8, 8)
