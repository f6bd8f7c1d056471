import json
import struct

import pytest
import torch
from safetensors import safe_open

import adatune
from adatune.checkpoints import save_network
from adatune.errors import UnreadableNetwork
from adatune.networks import Discriminator, Generator, NetworkConfig

CONFIG = NetworkConfig(
    resolution=8, z_dim=8, w_dim=8, c_dim=2, channel_base=64, channel_max=8, mapping_layers=2
)


@pytest.fixture
def networks():
    torch.manual_seed(0)
    return Generator(CONFIG), Discriminator(CONFIG), Generator(CONFIG)


def test_what_is_saved_comes_back_bit_for_bit(networks, tmp_path):
    G_ema, D, G = networks
    save_network(
        tmp_path / "n.safetensors", G_ema, D, G, metadata={"aspect": 1.25, "augment_p": 0.5, "kimg": 3}
    )
    model = adatune.load(tmp_path / "n.safetensors")
    assert (model.config, model.aspect, model.augment_p) == (CONFIG, 1.25, 0.5)
    assert model.metadata == {"kimg": 3, "format": 1}
    for ours, saved in ((model.G_ema, G_ema), (model.D, D), (model.G, G)):
        assert ours.state_dict().keys() == saved.state_dict().keys()
        assert all(
            torch.equal(a, b)
            for a, b in zip(ours.state_dict().values(), saved.state_dict().values(), strict=True)
        )


def test_the_same_network_gives_the_same_bytes_whatever_its_memory_layout(networks, tmp_path):
    G_ema, D, _ = networks
    metadata = {"b": 1, "a": [1, 2], "kimg": 0.5}
    save_network(tmp_path / "one.safetensors", G_ema, D, metadata=metadata)
    other_layout = G_ema.to(memory_format=torch.channels_last)
    save_network(tmp_path / "two.safetensors", other_layout, D, metadata=dict(reversed(metadata.items())))
    assert (tmp_path / "one.safetensors").read_bytes() == (tmp_path / "two.safetensors").read_bytes()


def test_a_file_has_one_metadata_key_of_sorted_json(networks, tmp_path):
    save_network(tmp_path / "n.safetensors", networks[0], metadata={"z": 1, "a": 2})
    with safe_open(tmp_path / "n.safetensors", framework="pt") as file:
        metadata = file.metadata()
    assert list(metadata) == ["adatune"]
    assert metadata["adatune"] == json.dumps(json.loads(metadata["adatune"]), sort_keys=True)


def test_a_file_without_g_gives_a_copy_of_the_average_that_shares_no_memory(networks, tmp_path):
    save_network(tmp_path / "n.safetensors", networks[0])
    model = adatune.load(tmp_path / "n.safetensors")
    model.G.synthesis.b4.const.data.zero_()
    assert torch.equal(model.G_ema.synthesis.b4.const, networks[0].synthesis.b4.const)
    assert model.D is None


def test_replacing_the_file_does_not_change_what_was_loaded(networks, tmp_path):
    save_network(tmp_path / "n.safetensors", networks[0])
    model = adatune.load(tmp_path / "n.safetensors")
    (tmp_path / "n.safetensors").write_bytes(bytes((tmp_path / "n.safetensors").stat().st_size))
    assert torch.equal(model.G_ema.synthesis.b4.const, networks[0].synthesis.b4.const)


def _with_description(source, target, change):
    """Copy a network file with its description changed."""
    raw = source.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header = json.loads(raw[8 : 8 + size])
    description = json.loads(header["__metadata__"]["adatune"])
    change(description)
    header["__metadata__"]["adatune"] = json.dumps(description)
    text = json.dumps(header).encode()
    target.write_bytes(struct.pack("<Q", len(text)) + text + raw[8 + size :])


CHANGES = {
    "newer": (lambda d: d.update(format=2), "was written by a newer adatune"),
    "new field": (lambda d: d["config"].update(depth=3), "describes its networks with depth"),
    "wrong type": (lambda d: d["config"].update(z_dim="8"), "describes networks that cannot be: z_dim"),
    "negative": (lambda d: d["config"].update(w_dim=-1), "describes networks that cannot be: w_dim"),
    "huge": (lambda d: d["config"].update(mapping_layers=10**9), "describes networks that cannot be"),
    "clamp": (lambda d: d["config"].update(conv_clamp="x"), "describes networks that cannot be: conv_clamp"),
    "resolution": (lambda d: d["config"].update(resolution=24), "describes networks that cannot be built"),
    "architecture": (lambda d: d["config"].update(g_architecture=[1]), "describes networks that cannot be"),
    "no config": (lambda d: d.update(config=None), "has a description that cannot be read"),
    "aspect": (lambda d: d.update(aspect="wide"), "has a description that makes no sense"),
}


@pytest.mark.parametrize("kind", CHANGES)
def test_a_wrong_description_is_a_clear_error(kind, networks, tmp_path):
    save_network(tmp_path / "n.safetensors", networks[0])
    change, first_words = CHANGES[kind]
    _with_description(tmp_path / "n.safetensors", tmp_path / "changed.safetensors", change)
    with pytest.raises(UnreadableNetwork) as caught:
        adatune.load(tmp_path / "changed.safetensors")
    assert str(caught.value).startswith(f"{tmp_path / 'changed.safetensors'} {first_words}")


def test_a_cut_off_file_is_a_clear_error(networks, tmp_path):
    save_network(tmp_path / "n.safetensors", networks[0])
    raw = (tmp_path / "n.safetensors").read_bytes()
    for length in (9, 200, len(raw) // 2, len(raw) - 1):
        (tmp_path / "cut.safetensors").write_bytes(raw[:length])
        with pytest.raises(UnreadableNetwork):
            adatune.load(tmp_path / "cut.safetensors")
