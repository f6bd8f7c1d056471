import hashlib
import io
import os
import pickle
import random
import struct
import zipfile

import pytest
import torch
from pickle_files import (
    PYTORCH,
    TENSORFLOW,
    Named,
    dump_named,
    persistent,
    pickle_bytes,
    read_expected,
    write_pickle,
)
from safetensors.torch import save_file

import adatune
from adatune.checkpoints.load import newest_network
from adatune.checkpoints.network_file import save_network
from adatune.errors import AdatuneError, RunError, UnreadableNetwork, UsageError
from adatune.networks import Generator, NetworkConfig

SMALL = NetworkConfig(resolution=8, z_dim=8, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2)


@pytest.mark.parametrize("name", [*PYTORCH, TENSORFLOW])
def test_every_tensor_of_a_reference_pickle_is_bit_for_bit_that_of_the_published_code(name, tmp_path):
    model = adatune.load(write_pickle(name, tmp_path))
    sums = {
        f"{part}.{key}": [list(value.shape), hashlib.sha256(value.numpy().tobytes()).hexdigest()]
        for part in ("G", "D", "G_ema")
        for key, value in getattr(model, part).state_dict().items()
    }
    assert sums == read_expected(name)[1]


@pytest.mark.parametrize("name", [*PYTORCH, TENSORFLOW])
def test_images_and_logits_of_a_reference_pickle_are_those_of_the_published_code(name, tmp_path):
    model, (vectors, _) = adatune.load(write_pickle(name, tmp_path)), read_expected(name)
    labels = vectors["in.c"] if "in.c" in vectors and vectors["in.c"].shape[1] else None
    image = model.G_ema(vectors["in.z"], labels, noise="const")
    for ours, theirs in ((image, "out.G_ema.img"), (model.D(image, labels), "out.D.logits")):
        expected = vectors[theirs]
        assert (ours - expected).abs().max() <= 1e-4 * expected.abs().max()


def test_the_augmentation_strength_comes_from_the_pickle(tmp_path):
    assert adatune.load(write_pickle(PYTORCH[0], tmp_path)).augment_p == 0.375
    assert adatune.load(write_pickle(TENSORFLOW, tmp_path)).augment_p is None


def test_the_architecture_comes_from_the_file(tmp_path):
    config = adatune.load(write_pickle("ada_pytorch_cond16", tmp_path)).config
    assert (config.c_dim, config.num_fp16_res, config.conv_clamp, config.mapping_layers) == (3, 0, None, 2)
    config = adatune.load(write_pickle("ada_pytorch_uncond32", tmp_path)).config
    assert (config.c_dim, config.num_fp16_res, config.conv_clamp, config.resolution) == (0, 4, 256, 32)
    config = adatune.load(write_pickle(TENSORFLOW, tmp_path)).config
    assert (config.mapping_layers, config.channel_base, config.d_mapping_layers) == (4, 1024, 0)


def test_files_are_told_by_content_and_not_by_extension(tmp_path):
    path = tmp_path / "network.safetensors"
    path.write_bytes(pickle_bytes(PYTORCH[0]))
    assert adatune.load(path).config.resolution == 16


def _git_lfs(path):
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 381624121\n")


def _torch_zip(path):
    torch.save({"G": torch.zeros(3)}, path)


def _dataset_zip(path):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("dataset.json", "{}")


def _stylegan3(path):
    network = persistent(
        {
            "_parameters": {},
            "_buffers": {},
            "_modules": {"synthesis": persistent({"_modules": {"input": None, "L0_36_512": None}})},
            "_init_kwargs": {"img_resolution": 256, "channel_base": 65536},
        }
    )
    dump_named({"G": network, "D": None, "G_ema": network}, path)


def _stylegan1(path):
    state = {"version": 3, "name": "G", "static_kwargs": {}, "build_func_name": "G_style", "variables": []}
    network = Named("dnnlib.tflib.network.Network", state=state)
    dump_named((network, network, network), path, protocol=3)


def _huge_bytes(path):
    path.write_bytes(b"\x80\x04\x8e" + struct.pack("<Q", 1 << 50) + b"abc")


def _huge_array(path):
    dtype = Named("numpy.dtype", "f4", False, True, state=(3, "<", None, None, None, -1, -1, 0))
    array = Named(
        "numpy.core.multiarray._reconstruct", None, (0,), b"b", state=(1, (1 << 40,), dtype, False, b"1234")
    )
    variables = [("mapping/Dense0/weight", array)]
    state = {"version": 5, "static_kwargs": {"resolution": 8}, "components": {}, "variables": variables}
    network = Named("dnnlib.tflib.network.Network", state=state)
    dump_named((network, network, network), path, protocol=3)


def _huge_network(path):
    options = {"img_resolution": 1024, "synthesis_kwargs": {"channel_base": 2**24, "channel_max": 16384}}
    network = persistent({"_parameters": {}, "_buffers": {}, "_modules": {}, "_init_kwargs": options})
    dump_named({"G_ema": network}, path)


def _endless_modules(path):
    state = {"_parameters": {}, "_buffers": {}, "_init_kwargs": {"img_resolution": 8}}
    state["_modules"] = {"synthesis": persistent({"_modules": {}, "_buffers": {}, "_parameters": {}})}
    inner = state["_modules"]["synthesis"].arguments[0]["state"]["_modules"]
    for _ in range(20):  # each level holds the next one twice: 2^20 modules in a few kilobytes
        below = {"_modules": {}, "_buffers": {}, "_parameters": {}}
        child = persistent(below)
        inner |= {"a": child, "b": child}
        inner = below["_modules"]
    dump_named({"G_ema": persistent(state)}, path)


def _misfit(path):
    G = Generator(SMALL)
    save_network(path, G, config=NetworkConfig(**{**SMALL.to_dict(), "channel_max": 4}))


BAD_FILES = {
    "empty": (lambda p: p.write_bytes(b""), "is empty"),
    "html": (lambda p: p.write_text("\n<!DOCTYPE html><html>"), "is a web page"),
    "git-lfs": (_git_lfs, "is a Git-LFS pointer"),
    "text": (lambda p: p.write_text("hello"), "is a text file"),
    "protocol 0": (lambda p: p.write_bytes(pickle.dumps({"G": 1}, 0)), "is a text file"),
    "picture": (lambda p: p.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50)), "is a picture"),
    "gzip": (lambda p: p.write_bytes(b"\x1f\x8b" + bytes(50)), "is a compressed archive"),
    "torch.save": (_torch_zip, "is a plain torch.save file"),
    "old torch.save": (
        lambda p: torch.save({"G": 1}, p, _use_new_zipfile_serialization=False),
        "is a plain torch.save",
    ),
    "dataset": (_dataset_zip, "is a plain torch.save file or a zip"),
    "noise": (lambda p: p.write_bytes(bytes(range(1, 32)) * 9), "is no network"),
    "truncated": (lambda p: p.write_bytes(pickle_bytes(PYTORCH[0])[:400_000]), "is cut off"),
    "stylegan3": (_stylegan3, "is a StyleGAN3 network"),
    "stylegan1": (_stylegan1, "is a StyleGAN1 network"),
    "huge bytes": (_huge_bytes, "declares 1,125,899,906,842,624 bytes"),
    "huge array": (_huge_array, "holds an array or tensor that makes no sense"),
    "huge network": (_huge_network, "holds a network G_ema that does not fit"),
    "endless modules": (_endless_modules, "holds modules inside modules"),
    "other pickle": (lambda p: p.write_bytes(pickle.dumps([1, 2])), "is a pickle of a value of type list"),
    "other dict": (lambda p: p.write_bytes(pickle.dumps({"a": 1})), "is a pickle, but holds no generator"),
    "other safetensors": (
        lambda p: save_file({"a": torch.zeros(2)}, p),
        "is a safetensors file that adatune",
    ),
    "misfit": (_misfit, "holds a network G that does not fit"),
}


@pytest.mark.parametrize("kind", BAD_FILES)
def test_each_wrong_file_gets_its_own_error(kind, tmp_path):
    path = tmp_path / "file.pkl"
    make, first_words = BAD_FILES[kind]
    make(path)
    with pytest.raises(UnreadableNetwork) as caught:
        adatune.load(path)
    assert str(caught.value).startswith(f"{path} {first_words}")


def test_a_folder_without_networks_is_an_error(tmp_path):
    with pytest.raises(RunError, match="holds no network"):
        adatune.load(tmp_path)


def test_an_unknown_name_suggests_the_one_that_was_meant():
    with pytest.raises(UsageError, match=r"Did you mean ffhq512\?"):
        adatune.load("fhq512")


def test_a_run_folder_means_its_network_with_most_training(tmp_path):
    for name in ("network-000009.500", "network-000010", "network-000002", "network-best"):
        (tmp_path / f"{name}.safetensors").touch()
    assert newest_network(tmp_path).name == "network-000010.safetensors"


def test_a_run_is_found_by_its_name_and_as_latest(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    folder = tmp_path / "runs" / "00000-faces"
    folder.mkdir(parents=True)
    save_network(folder / "network-000001.safetensors", Generator(SMALL))
    assert adatune.load("00000-faces").config == adatune.load("latest").config == SMALL


def test_loaded_networks_are_in_evaluation_mode_without_gradients(tmp_path):
    model = adatune.load(write_pickle(PYTORCH[0], tmp_path))
    assert not model.G.training
    assert not any(p.requires_grad for n in (model.G, model.D, model.G_ema) for p in n.parameters())


def test_cut_and_flipped_pickles_end_in_a_clear_error_or_a_network(tmp_path):
    generator, path = random.Random(0), tmp_path / "network.pkl"
    outcomes = set()
    for original in (pickle_bytes(PYTORCH[0]), pickle_bytes(TENSORFLOW)):
        for attempt in range(120):
            data = bytearray(original)
            if attempt % 3 == 0:
                del data[generator.randrange(len(data)) :]
            # Half of the flips fall into the first few kilobytes, where the structure is densest.
            for _ in range(generator.choice([1, 4, 40]) if data else 0):
                place = generator.randrange(min(len(data), 4096 if attempt % 2 else len(data)))
                data[place] = generator.randrange(256)
            path.write_bytes(data)
            try:
                adatune.load(path)
                outcomes.add("loaded")
            except AdatuneError as error:
                assert isinstance(error, UnreadableNetwork)  # noqa: PT017
                outcomes.add("refused")
    assert outcomes == {"loaded", "refused"}


class _Harmful:
    def __reduce__(self):
        return os.system, ("touch canary",)


def _executing_pickles():
    command = b"touch canary"
    text = b"X" + struct.pack("<I", len(command)) + command
    by_hand = {
        "GLOBAL": b"\x80\x03cos\nsystem\n" + text + b"\x85R.",
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x06system\x93" + text + b"\x85R.",
        "INST": b"\x80\x02(" + text + b"ios\nsystem\n.",
        "OBJ": b"\x80\x02(cos\nsystem\n" + text + b"o.",
        "eval": b"\x80\x03cbuiltins\neval\nX\x1f\x00\x00\x00open('canary','w').write('hello')\x85R.",
        "getattr": b"\x80\x03cbuiltins\ngetattr\ncos\nX\x06\x00\x00\x00system\x86R" + text + b"\x85R.",
        "dotted name": b"\x80\x04\x8c\x0bcollections\x8c\x1cOrderedDict.__init__.__globals\x93)R.",
        "BUILD": b"\x80\x03cbuiltins\nset\n}X\x0c\x00\x00\x00__setstate__cos\nsystem\nsb" + text + b"b.",
        "persistent id": b"\x80\x03" + text + b"Q.",
        "extension": b"\x80\x03\x82\x01.",
    }
    by_pickle = {f"protocol {n}": pickle.dumps({"G": _Harmful()}, n) for n in range(2, 6)}
    return by_hand | by_pickle


@pytest.mark.parametrize("kind", _executing_pickles())
def test_a_pickle_that_asks_for_code_is_refused_and_nothing_runs(kind, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "network.pkl").write_bytes(_executing_pickles()[kind])
    with pytest.raises(UnreadableNetwork):
        adatune.load("network.pkl")
    assert not (tmp_path / "canary").exists()


def test_an_unknown_global_is_named(tmp_path):
    path = tmp_path / "network.pkl"
    path.write_bytes(pickle.dumps({"G": io.BytesIO}))
    with pytest.raises(UnreadableNetwork, match=r"asks to load '_?io\.BytesIO'"):
        adatune.load(path)
