import pytest
import torch
from pickle_files import TENSORFLOW, Named, pickle_bytes

from adatune.checkpoints.restricted_pickle import as_dict, read_pickle
from adatune.checkpoints.tensorflow_pickle import read_tensorflow
from adatune.errors import UnreadableNetwork
from adatune.networks import Discriminator, Generator


@pytest.fixture
def root():
    return read_pickle(pickle_bytes(TENSORFLOW))[0]


def test_every_variable_finds_its_place(root):
    contents = read_tensorflow(root)
    for weights, kind in ((contents.G_ema, Generator), (contents.D, Discriminator)):
        names = {name for name in kind(contents.config).state_dict() if not name.endswith("resample_filter")}
        assert weights.keys() == names


def test_absent_options_have_the_published_defaults(root):
    del as_dict(root[1].state)["static_kwargs"]["mbstd_group_size"]
    assert read_tensorflow(root).config.mbstd_group is None


def test_lod_names_mean_the_orig_architecture_and_only_the_highest_is_used(root):
    variables = root[1].state["variables"]
    renamed = [(n.replace("32x32/FromRGB/", "FromRGB_lod0/"), v) for n, v in variables if "Skip" not in n]
    renamed += [("FromRGB_lod1/bias", v) for n, v in variables if n == "Output/bias"]
    root[1].state["variables"] = renamed
    contents = read_tensorflow(root)
    assert contents.config.d_architecture == "orig"
    names = {n for n in Discriminator(contents.config).state_dict() if not n.endswith("resample_filter")}
    assert contents.D.keys() == names


def test_a_variable_of_another_network_is_named(root):
    root[1].state["variables"].append(("8x8/Attention/weight", 1.0))
    with pytest.raises(UnreadableNetwork, match="8x8/Attention/weight"):
        read_tensorflow(root)


@pytest.mark.parametrize("version", [2, 3])
def test_older_versions_are_stylegan1(root, version):
    root[0].state["version"] = version
    with pytest.raises(UnreadableNetwork, match="is a StyleGAN1 network"):
        read_tensorflow(root)


def test_something_else_in_the_tuple_is_refused():
    with pytest.raises(UnreadableNetwork, match="where a network belongs"):
        read_tensorflow((Named("a"), torch.zeros(1), None))
