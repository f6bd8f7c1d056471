"""The switch between kernels and plain torch."""

import pytest
import torch

from adatune import kernels
from adatune.kernels import disable, disabled, may_fuse, ops_mode

ON_CPU = torch.zeros(1)


@pytest.fixture(autouse=True)
def nothing_stays_disabled(monkeypatch):
    monkeypatch.setattr(kernels, "_disabled", {})
    monkeypatch.setattr(kernels, "_checked", set())


def test_a_cpu_tensor_uses_the_reference_unless_kernels_are_asked_for():
    assert not may_fuse("epilogue", ON_CPU)
    with ops_mode("fused"):
        assert may_fuse("epilogue", ON_CPU, None)
    assert not may_fuse("epilogue", ON_CPU)


def test_double_precision_is_left_to_the_reference():
    with ops_mode("fused"):
        assert not may_fuse("epilogue", ON_CPU, ON_CPU.double())


def test_a_disabled_kernel_is_not_used_and_others_are():
    disable("epilogue", "wrong by 0.5")
    with ops_mode("fused"):
        assert not may_fuse("epilogue", ON_CPU)
        assert may_fuse("warp", ON_CPU)
    assert disabled() == {"epilogue": "wrong by 0.5"}


def test_the_mode_comes_back_after_an_error():
    with pytest.raises(KeyError), ops_mode("fused"):
        raise KeyError
    assert not may_fuse("epilogue", ON_CPU)


def test_a_card_gets_kernels_only_after_they_were_checked_unless_they_are_asked_for(monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET")
    on_card = OnCard()
    assert not may_fuse("epilogue", on_card)
    with ops_mode("fused"):
        assert may_fuse("epilogue", on_card)
        assert not may_fuse("epilogue", ON_CPU)
    kernels.trust(["epilogue"])
    assert may_fuse("epilogue", on_card)
    assert not may_fuse("warp", on_card)
    assert not may_fuse("epilogue", on_card, ON_CPU)


class OnCard:
    """What is asked of a tensor on a card, which this machine need not have."""

    is_cuda = True

    def is_floating_point(self):
        return True

    def element_size(self):
        return 2
