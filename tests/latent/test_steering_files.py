"""Walks on disk, and lines as directions."""

import pytest
import torch

from adatune.augment.edits import make_edit
from adatune.errors import UsageError
from adatune.latent.direction_files import read_directions, save_directions
from adatune.latent.directions import move
from adatune.latent.steering import SteeringConfig, new_walk
from adatune.latent.steering_files import files_for, find_walk, keep_walk, to_directions
from adatune.networks import Generator, NetworkConfig


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    return tmp_path


def generator(resolution=16):
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=resolution, z_dim=12, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2
    )
    return Generator(config).eval().requires_grad_(requires_grad=False)


@pytest.mark.parametrize("space", ["z", "w", "w+"])
@pytest.mark.parametrize("is_nonlinear", [False, True])
def test_a_walk_comes_back_as_it_was(space, is_nonlinear):
    network, edit, config = generator(), make_edit("zoom", 16), SteeringConfig(space, is_nonlinear, seed=5)
    walk, files = new_walk(network, edit, config), files_for("near", config, may_replace=False)
    keep_walk(walk, edit, config, "faces", files.walk)
    again, known = find_walk("near", network, edit)
    assert (known.space, known.is_nonlinear) == (space, is_nonlinear)
    for name, value in walk.state_dict().items():
        assert torch.equal(again.state_dict()[name], value)
    assert (files.directions is None) is (is_nonlinear or space == "z")


def test_a_name_is_used_once_unless_it_is_to_be_replaced():
    config, edit = SteeringConfig("z"), make_edit("zoom", 16)
    files = files_for("near", config, may_replace=False)
    keep_walk(new_walk(generator(), edit, config), edit, config, "faces", files.walk)
    with pytest.raises(UsageError, match="exists"):
        files_for("near", config, may_replace=False)
    assert files_for("near", config, may_replace=True) == files


@pytest.mark.parametrize("space", ["w", "w+"])
@pytest.mark.parametrize("name", ["shiftx", "color"])
def test_directions_move_w_as_the_walk_does(space, name, home):
    network, edit, config = generator(), make_edit(name, 16), SteeringConfig(space)
    walk = new_walk(network, edit, config)
    save_directions(to_directions(walk, edit, {}, network, "faces", "mine", None), home / "mine.safetensors")
    found = read_directions(home / "mine.safetensors")
    assert found.details["labels"] == list(edit.labels)
    ws = torch.randn(2, network.num_ws, 8)
    for number, scale in enumerate(found.details["strength_of_slider"]):
        row = torch.zeros(1, len(edit.labels))
        row[0, number] = 0.7
        moved = walk(ws, row).detach()
        torch.testing.assert_close(move(ws, found, number, 0.7 * scale), moved, rtol=1e-4, atol=1e-5)


def test_strength_1_is_a_standard_deviation_of_w_along_the_direction():
    network, edit, config = generator(), make_edit("shiftx", 16), SteeringConfig("w")
    found = to_directions(new_walk(network, edit, config), edit, {}, network, "faces", "mine", None)
    torch.manual_seed(9)
    along = network.mapping(torch.randn(20000, 12))[:, 0] @ found.vectors[0, 0]
    assert float(found.deviations[0]) == pytest.approx(float(along.std()), rel=0.03)
    assert float(found.vectors.norm()) == pytest.approx(1)


def test_a_walk_that_is_not_there_is_said_to_be_missing():
    with pytest.raises(UsageError, match="no walk 'far'"):
        find_walk("far", generator(), make_edit("zoom", 16))
