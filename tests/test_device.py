"""Devices by name, and how torch computes on them."""

import os
import platform
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from adatune.device import (
    check_precision,
    cpu_has_bf16,
    describe_device,
    memory_gb,
    pick_device,
    set_up_device,
)
from adatune.errors import UsageError

CPU, CUDA, MPS = (torch.device(name) for name in ("cpu", "cuda", "mps"))


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


def test_auto_is_half_precision_on_a_cuda_card_only():
    assert [check_precision(device, "auto") for device in (CPU, CUDA, MPS)] == ["fp32", "fp16", "fp32"]


@pytest.mark.parametrize("capability", [(6, 0), (7, 0), (7, 5)])
def test_bf16_is_refused_below_compute_capability_8(capability):
    with pytest.raises(UsageError, match=rf"{capability[0]}\.{capability[1]}\. Use --precision fp16"):
        check_precision(CUDA, "bf16", capability)
    assert check_precision(CUDA, "fp16", capability) == "fp16"


def test_bf16_is_taken_on_newer_cards_and_on_a_cpu():
    assert {check_precision(CUDA, "bf16", capability) for capability in ((8, 0), (8, 9), (9, 0))} == {"bf16"}
    assert check_precision(CPU, "bf16") == "bf16"


def test_fp16_on_a_cpu_is_refused_with_what_to_use():
    with pytest.raises(UsageError, match=r"for CUDA cards.*Leave it out.*--precision bf16 on a CPU"):
        check_precision(CPU, "fp16")


@pytest.mark.parametrize("precision", ["fp16", "bf16"])
def test_a_macs_gpu_computes_in_fp32(precision):
    with pytest.raises(UsageError, match=f"{precision} is not for a Mac's GPU"):
        check_precision(MPS, precision)


def test_bf16_units_are_those_that_the_system_lists():
    listed = Path("/proc/cpuinfo")  # Linux's; no other CPU that we know has these two
    flags = listed.read_text().split() if listed.exists() else []
    assert cpu_has_bf16() == ("avx512_bf16" in flags or "amx_tile" in flags)


# Settings of the process: looked at in one of their own. The CUDA ones can be set without a card.
SETTINGS = """
import sys, torch, warnings
warnings.simplefilter("error")
from adatune.device import set_up_device
is_deterministic = sys.argv[2] == "True"
assert set_up_device(torch.device("cuda"), sys.argv[1], is_deterministic) == sys.argv[1]
b = torch.backends
is_new = hasattr(b.cuda.matmul, "fp32_precision")
tf32 = b.cuda.matmul.fp32_precision == "tf32" if is_new else b.cuda.matmul.allow_tf32
tf32_conv = b.cudnn.conv.fp32_precision == "tf32" if is_new else b.cudnn.allow_tf32
x = torch.ones(1, 1, 4, 4, requires_grad=True)
torch.nn.functional.conv2d(x, x).sum().backward()  # reads them, and would raise on a mixture of old and new
print(tf32, tf32_conv, b.cudnn.benchmark, torch.are_deterministic_algorithms_enabled())
"""


@pytest.mark.parametrize(
    ("precision", "deterministic", "said"),
    [
        ("fp16", False, "True True True False"),
        ("fp32", False, "False False True False"),
        ("fp16", True, "False False False True"),
    ],
)
def test_tf32_and_trials_are_on_unless_exactness_is_asked_for(precision, deterministic, said):
    run = subprocess.run(
        [sys.executable, "-c", SETTINGS, precision, str(deterministic)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout.strip() == said


def test_setting_up_a_cpu_says_its_precision_and_leaves_nothing_behind():
    assert set_up_device(CPU, "auto", deterministic=False) == "fp32"
    assert not torch.are_deterministic_algorithms_enabled()
    assert "CUBLAS_WORKSPACE_CONFIG" not in os.environ


FAULTS = """
import resource, sys, torch
from adatune.device import keep_freed_memory
is_kept = sys.argv[1] == "True" and keep_freed_memory()
torch.set_num_threads(1)
for turn in range(40):
    if turn == 20:  # by then all blocks have found their places
        before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    blocks = [torch.ones(12_000_000) for _ in range(2)]  # 48 MB each, above what glibc keeps by itself
    del blocks
print(is_kept, resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def test_freed_memory_is_used_again_where_the_c_library_can_keep_it():
    kept, returned = (
        subprocess.run(
            [sys.executable, "-c", FAULTS, choice], capture_output=True, text=True, check=True
        ).stdout
        for choice in ("True", "False")
    )
    is_kept, faults = kept.split()
    assert is_kept == str(platform.libc_ver()[0] == "glibc")
    if is_kept == "True":
        assert int(faults) * 10 < int(returned.split()[1])
