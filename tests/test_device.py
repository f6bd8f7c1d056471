"""Devices by name."""

import pytest
import torch

from adatune.device import describe_device, memory_gb, pick_device
from adatune.errors import UsageError


def test_auto_takes_a_card_where_there_is_one():
    has_card = torch.cuda.is_available() or torch.backends.mps.is_available()
    assert (pick_device("auto").type != "cpu") == has_card


@pytest.mark.parametrize("name", ["cuda:99", "abacus"])
def test_a_device_that_is_not_there_is_refused_with_the_option_to_use(name):
    with pytest.raises(UsageError, match=f"--device {name} cannot be used here.*--device cpu"):
        pick_device(name)


def test_the_cpu_is_described_and_has_used_some_memory():
    cpu = pick_device("cpu")
    assert describe_device(cpu) == f"CPU ({torch.get_num_threads()} threads)"
    assert 0.05 < memory_gb(cpu) < 1000
