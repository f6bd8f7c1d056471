"""A kernel that computes something else is found and left out, and no other."""

import re
from pathlib import Path

import pytest
import torch

import adatune
from adatune import kernels
from adatune.ops import adam_triton, epilogue_triton
from adatune.training import kernel_check
from adatune.training.kernel_check import _CHECKS, check_kernels

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def nothing_stays_disabled(monkeypatch):
    monkeypatch.setattr(kernels, "_disabled", {})
    monkeypatch.setattr(kernels, "_is_checked", False)


def test_every_kernel_is_checked():
    sources = [path.read_text() for path in Path(adatune.__file__).parent.rglob("*.py")]
    used = {name for text in sources for name in re.findall(r'may_fuse\("(\w+)"', text)}
    assert used == _CHECKS.keys()


def test_sound_kernels_stay():
    assert check_kernels(CPU) == {}
    assert kernels._is_checked


@pytest.fixture
def few_kernels(monkeypatch):
    """Those that the interpreter is quick with."""
    checks = {name: _CHECKS[name] for name in ("adam", "epilogue")}
    monkeypatch.setattr(kernel_check, "_CHECKS", checks)


def test_a_wrong_kernel_is_named_and_left_out(monkeypatch, few_kernels):
    right = adam_triton.fused_adam_step

    def wrong(parameters, gradients, squares, learning_rate, *rest):
        right(parameters, gradients, squares, learning_rate * 2, *rest)

    monkeypatch.setattr(adam_triton, "fused_adam_step", wrong)
    failed = check_kernels(CPU)
    assert list(failed) == ["adam"]
    assert "off by" in failed["adam"]
    with kernels.ops_mode("fused"):
        assert not kernels.may_fuse("adam", torch.zeros(1))
        assert kernels.may_fuse("epilogue", torch.zeros(1))


def test_a_kernel_that_cannot_be_compiled_is_left_out(monkeypatch, few_kernels):
    def broken(*_):
        raise RuntimeError("PTXAS error: unknown target\nand a long listing")

    monkeypatch.setattr(epilogue_triton, "fused_forward", broken)
    assert check_kernels(CPU) == {"epilogue": "PTXAS error: unknown target"}
