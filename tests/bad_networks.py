"""Files that are offered as networks and are none, or would run code: each with the error it deserves."""

import os
import pickle
import struct
import zipfile

import torch
from pickle_files import PYTORCH, Named, dump_named, persistent, pickle_bytes
from safetensors.torch import save_file

from adatune.checkpoints.network_file import save_network
from adatune.networks import Generator, NetworkConfig

SMALL = NetworkConfig(resolution=8, z_dim=8, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2)


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


# What writes the file, and how the error begins after the file's name.
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


class _Harmful:
    def __reduce__(self):
        return os.system, ("touch canary",)


def executing_pickles():
    """Pickles that would run `touch canary` (or write that file), by the way they ask for it."""
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
