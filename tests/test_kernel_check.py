"""A kernel that computes something else is found and left out, and no other."""

import re
from pathlib import Path

import pytest
import torch
from tiny_networks import tiny_networks

import adatune
from adatune import kernel_check, kernels
from adatune.errors import UsageError
from adatune.kernel_check import _CHECKS, OF_NETWORKS, check_kernels, use_kernels
from adatune.ops import adam_triton, epilogue_triton

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setattr(kernels, "_disabled", {})
    monkeypatch.setattr(kernels, "_checked", set())
    yield
    kernels.set_ops("auto")


def test_every_kernel_is_checked():
    sources = [path.read_text() for path in Path(adatune.__file__).parent.rglob("*.py")]
    used = {name for text in sources for name in re.findall(r'may_fuse\("(\w+)"', text)}
    assert used == _CHECKS.keys()


def test_networks_compute_with_those_that_are_checked_for_them(monkeypatch):
    asked = set()

    class Refused(dict):
        def __contains__(self, kernel):
            asked.add(kernel)
            return True

    monkeypatch.setattr(kernels, "_disabled", Refused())
    networks = tiny_networks()
    z = torch.zeros(1, 16).requires_grad_()
    networks.D(networks.G_ema(z, noise="const")).sum().backward()
    assert asked | {"random"} == set(OF_NETWORKS)


def test_sound_kernels_stay():
    assert check_kernels(CPU) == {}
    assert all(map(kernels.is_checked, _CHECKS))


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


def test_only_the_kernels_that_are_named_are_checked_and_each_once(few_kernels):
    told = []
    use_kernels(CPU, "fused", told.append, ["adam"])
    assert [kernels.is_checked(name) for name in ("adam", "epilogue")] == [True, False]
    use_kernels(CPU, "fused", told.append, ["adam"])
    assert len(told) == 1
    use_kernels(CPU, "fused", told.append)
    assert kernels.is_checked("epilogue")
    assert [notice.split(" on ")[0] for notice in told] == ["Checking the kernels"] * 2


def test_a_cpu_checks_nothing_unless_kernels_are_asked_for():
    for ops in ("auto", "torch"):
        use_kernels(CPU, ops, pytest.fail)
    assert not kernels.may_fuse("epilogue", torch.zeros(1))


def test_kernels_that_cannot_run_are_refused_when_asked_for(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET")
    with pytest.raises(UsageError, match=r"--ops fused needs a CUDA card.*cpu\. Leave --ops out"):
        use_kernels(CPU, "fused", pytest.fail)


def test_a_kernel_that_fails_its_check_is_announced_and_no_other_is_left_out(monkeypatch, few_kernels):
    def wrong(device):
        return [torch.full([1], float(kernels.may_fuse("adam", torch.zeros(1))))]

    monkeypatch.setitem(kernel_check._CHECKS, "adam", wrong)
    told = []
    use_kernels(CPU, "fused", told.append)
    _, notice = told
    assert notice.startswith("The kernel adam is not used on this card (it is off by")
    assert kernels.disabled().keys() == {"adam"}
