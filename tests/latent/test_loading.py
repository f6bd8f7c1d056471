"""Networks are loaded for drawing with the number format and the kernels that were asked for."""

import numpy as np
import pytest
import torch
from tiny_networks import tiny_networks

from adatune import kernels
from adatune.checkpoints import save_network
from adatune.errors import UnreadableNetwork, UsageError
from adatune.kernel_check import OF_NETWORKS
from adatune.latent.loading import load_to_draw
from adatune.latent.sampling import SamplingConfig, draw_pictures
from adatune.ops import to_rgb_triton


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    """Every kernel that networks need counts as checked: the interpreter takes its time for that."""
    monkeypatch.setattr(kernels, "_checked", set(OF_NETWORKS))
    yield
    kernels.set_ops("auto")


def file_of(folder, **settings):
    networks = tiny_networks(**settings)
    save_network(folder / "a.safetensors", networks.G_ema, networks.D)
    return folder / "a.safetensors"


def load(file, ops="auto", precision="auto", announce=pytest.fail):
    return load_to_draw(file, "cpu", ops, precision, announce)


def test_pictures_by_kernels_are_within_one_level_of_those_by_plain_torch(tmp_path):
    file, drawn = file_of(tmp_path, resolution=16), {}
    for ops in ("torch", "fused"):
        pictures = draw_pictures(load(file, ops), [0], SamplingConfig())
        drawn[ops] = np.stack([np.asarray(picture) for _, picture in pictures]).astype(int)
    assert drawn["torch"].std() > 20
    assert np.abs(drawn["fused"] - drawn["torch"]).max() <= 1


def test_the_highest_resolutions_of_all_networks_compute_as_asked(tmp_path):
    file = file_of(tmp_path)
    for precision in ("auto", "fp32"):
        networks = load(file, precision=precision)
        blocks = [*networks.G_ema.synthesis.blocks, networks.D.get_submodule("b32")]
        assert {block.precision for block in blocks} == {precision}


def test_a_network_without_clamps_draws_in_single_precision(tmp_path):
    file = file_of(tmp_path, conv_clamp=None)
    assert {block.precision for block in load(file).G_ema.synthesis.blocks} == {"fp32"}


def test_what_the_device_cannot_do_is_refused_before_the_file_is_read(tmp_path, monkeypatch):
    monkeypatch.delenv("TRITON_INTERPRET")
    damaged = tmp_path / "a.safetensors"
    damaged.write_text("x")
    with pytest.raises(UsageError, match="--precision fp16 is for CUDA cards"):
        load(damaged, precision="fp16")
    with pytest.raises(UsageError, match="--ops fused needs a CUDA card"):
        load(damaged, ops="fused")
    with pytest.raises(UnreadableNetwork):
        load(damaged)


def test_a_wrong_kernel_is_left_out_and_the_picture_is_right_all_the_same(tmp_path, monkeypatch):
    monkeypatch.setattr(kernels, "_checked", set(OF_NETWORKS) - {"to_rgb"})
    monkeypatch.setattr(kernels, "_disabled", {})
    right = to_rgb_triton.fused_to_rgb
    monkeypatch.setattr(to_rgb_triton, "fused_to_rgb", lambda *given: right(*given) * 2)
    told = []
    networks = load(file_of(tmp_path, resolution=8), "fused", announce=told.append)
    assert kernels.disabled().keys() == {"to_rgb"}
    assert told[1].startswith("The kernel to_rgb is not used on this card")
    ws = torch.ones(1, 4, 16)
    with kernels.ops_mode("torch"):
        expected = networks.G_ema.synthesis(ws, "const")
    assert torch.allclose(networks.G_ema.synthesis(ws, "const"), expected, atol=1e-4)
