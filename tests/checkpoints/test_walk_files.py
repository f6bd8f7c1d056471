"""Walks on disk: equal bytes, equal numbers, and clear words for what does not fit."""

import pytest
import torch
from safetensors.torch import save_file

from adatune.augment.edits import make_edit
from adatune.checkpoints.walk_files import WalkDescription, read_walk, save_walk, walk_beside
from adatune.errors import UnreadableLatents, UsageError
from adatune.networks import Generator, NetworkConfig
from adatune.networks.walks import make_walk

ZOOM = make_edit("zoom", 16)


def generator(resolution=16):
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=resolution, z_dim=12, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2
    )
    return Generator(config).eval().requires_grad_(requires_grad=False)


def description(**changes):
    return WalkDescription(**{"edit": "zoom", "space": "w+", "is_nonlinear": False, "network": "faces",
                              "training": {"steps": 7}, **changes})  # fmt: skip


@pytest.mark.parametrize("space", ["z", "w", "w+"])
@pytest.mark.parametrize("is_nonlinear", [False, True])
def test_a_walk_comes_back_as_it_was(space, is_nonlinear, tmp_path):
    walk = make_walk(generator(), space, 1, ZOOM.step if is_nonlinear else None, 5)
    known = description(space=space, is_nonlinear=is_nonlinear)
    save_walk(walk.state_dict(), known, tmp_path / "near.safetensors")
    again, what = read_walk(tmp_path / "near.safetensors", generator(), ZOOM)
    assert what == known
    for name, value in walk.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)


def test_equal_walks_give_equal_bytes(tmp_path):
    walk = make_walk(generator(), "w+", 1, None, 5)
    for name in ("one", "two"):
        save_walk(walk.state_dict(), description(), tmp_path / name)
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_walks_for_other_edits_and_networks_are_refused(tmp_path):
    path = tmp_path / "near.safetensors"
    save_walk(make_walk(generator(), "w+", 1, None, 0).state_dict(), description(), path)
    with pytest.raises(UsageError, match="near does zoom, not shiftx"):
        read_walk(path, generator(), make_edit("shiftx", 16))
    with pytest.raises(UsageError, match=r"fits another network.*with faces"):
        read_walk(path, generator(32), make_edit("zoom", 32))


def test_files_that_are_no_walks_are_refused(tmp_path):
    path = tmp_path / "walk.safetensors"
    path.write_bytes(b"\x10")
    with pytest.raises(UnreadableLatents, match="damaged or cut off"):
        read_walk(path, generator(), ZOOM)
    save_file({"vectors": torch.zeros(1, 1, 8)}, path)
    with pytest.raises(UnreadableLatents, match="holds no walk"):
        read_walk(path, generator(), ZOOM)
    vectors = {"vectors": torch.full((1, 6, 8), torch.nan)}
    save_walk(vectors, description(), path)
    with pytest.raises(UnreadableLatents, match="holds no walk"):
        read_walk(path, generator(), ZOOM)


@pytest.mark.parametrize(
    ("network", "walk"),
    [("network-000100.safetensors", "walk-zoom-000100.safetensors"), ("ffhq.pkl", "walk-zoom-ffhq.pkl")],
)
def test_a_walk_lies_beside_the_network_that_it_was_trained_with_and_is_never_that(network, walk, tmp_path):
    assert walk_beside(tmp_path / network, "zoom") == tmp_path / walk
