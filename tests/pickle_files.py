"""The reference pickles, and pickles written by hand, for the tests of what reads them."""

import io
import json
import lzma
import pickle
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from torch import Tensor, nn

DATA = Path(__file__).parent / "data"
PYTORCH = ("ada_pytorch_cond16", "ada_pytorch_uncond32")
TENSORFLOW = "ada_tensorflow_uncond32"


def pickle_bytes(name: str) -> bytes:
    """The reference pickle NAME."""
    return lzma.decompress((DATA / f"{name}.pkl.xz").read_bytes())


def write_pickle(name: str, folder: Path) -> Path:
    """The reference pickle NAME as a file in FOLDER."""
    path = folder / f"{name}.pkl"
    path.write_bytes(pickle_bytes(name))
    return path


def read_expected(name: str) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Inputs and outputs of the reference pickle NAME, and [shape, sha256] of each of its tensors."""
    with safe_open(DATA / f"{name}.expected.safetensors", framework="pt") as file:
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        return tensors, json.loads(file.metadata()["sums"])


class Named:
    """Pickles as a call of the global NAME with arguments, whether that exists or not."""

    def __init__(self, name: str, *arguments: Any, state: Any = None) -> None:
        self.name, self.arguments, self.state = name, arguments, state


class NamingPickler(pickle._Pickler):  # the one in Python lets us write names of things that do not exist
    """Writes `Named` values as REDUCE (and BUILD) of their names."""

    def save(self, obj: Any, save_persistent_id: bool = True) -> None:
        if not isinstance(obj, Named):
            super().save(obj, save_persistent_id)
            return
        if id(obj) in self.memo:
            self.write(self.get(self.memo[id(obj)][0]))
            return
        self.save_name(obj.name)
        self.save(obj.arguments)
        self.write(pickle.REDUCE)
        if obj.state is not None:
            self.save(obj.state)
            self.write(pickle.BUILD)
        self.memoize(obj)

    def save_name(self, name: str) -> None:
        module, _, last = name.rpartition(".")
        if self.proto >= 4:
            self.save(module)
            self.save(last)
            self.write(pickle.STACK_GLOBAL)
        else:
            self.write(pickle.GLOBAL + f"{module}\n{last}\n".encode())


def dump_named(value: Any, path: Path, protocol: int = 4) -> Path:
    """Write VALUE, which may hold `Named`, as a pickle."""
    with path.open("wb") as file:
        NamingPickler(file, protocol).dump(value)
    return path


def persistent(state: dict[str, Any], class_name: str = "Generator") -> Named:
    """A persistent object as the published PyTorch code writes them."""
    meta = {"type": "class", "version": 6, "module_src": "", "class_name": class_name, "state": state}
    return Named("torch_utils.persistence._reconstruct_persistent_obj", meta)


def named_tensor(tensor: Tensor) -> Named:
    """A tensor as torch's own pickling writes it."""
    buffer = io.BytesIO()
    torch.save(tensor.contiguous()._typed_storage(), buffer, _use_new_zipfile_serialization=False)
    storage = Named("torch.storage._load_from_bytes", buffer.getvalue())
    return Named(
        "torch._utils._rebuild_tensor_v2", storage, 0, tuple(tensor.shape), tensor.stride(), False, {}
    )


def named_network(network: nn.Module, options: dict[str, Any], group: str = "_parameters") -> Named:
    """A network as a persistent object; GROUP takes its weights (published frozen ones are in `_buffers`)."""
    state: dict[str, Any] = {"_parameters": {}, "_buffers": {}, "_init_kwargs": options}
    own = [*network.named_parameters(recurse=False), *network.named_buffers(recurse=False)]
    for name, tensor in own:
        state[group if isinstance(tensor, nn.Parameter) else "_buffers"][name] = named_tensor(tensor.detach())
    state["_modules"] = {name: named_network(child, {}, group) for name, child in network.named_children()}
    return persistent(state)
