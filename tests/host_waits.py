"""Finds out on a CPU whether the host would have to wait for a GPU, or a CUDA graph could not be recorded."""

from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

# Reading a value, shapes that depend on values, numbers of the host that become tensors (copied to the GPU).
_WAITING = {
    "_local_scalar_dense", "nonzero", "masked_select", "_unique2", "unique_dim", "unique_consecutive",
    "lift_fresh", "equal", "is_nonzero",
}  # fmt: skip


class OnlyOnTheDevice(TorchDispatchMode):
    """Raises where the host would have to wait for a GPU."""

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        name = func.overloadpacket.__name__
        assert name not in _WAITING, name
        assert name != "_to_copy" or (kwargs or {}).get("device") in (None, args[0].device), "between devices"
        return func(*args, **(kwargs or {}))
