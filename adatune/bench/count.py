"""Counts what a computation does: kernels launched, bytes read and written, multiplications and additions.

Every operation that torch dispatches is seen, those of backward passes included. An operation that only
renames memory (a view, an empty tensor) is no launch. Nothing is estimated: bytes are those of the elements
that an operation is given and gives back, and what a cache saves of them is the machine's affair.
"""

# pyright: reportPrivateUsage=false
# (torch.utils._python_dispatch is where torch's own counter of operations comes from, too)

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from adatune.bench.kernel_launches import kernel_launches

# Give memory a name or a place and touch none of it.
_FREE = {
    "empty", "empty_like", "empty_strided", "new_empty", "new_empty_strided", "_unsafe_view", "lift_fresh",
    "is_same_size", "promote_types", "result_type",
    "sym_size", "sym_stride", "sym_numel", "sym_storage_offset", "set_", "record_stream",
}  # fmt: skip
# Write their first argument without reading it.
_OVERWRITING = {"copy_", "fill_", "zero_", "normal_", "uniform_", "_foreach_copy_", "_foreach_zero_"}
_CONVOLUTIONS = {"convolution", "_convolution", "convolution_overrideable"}
_BATCHES_OF = {"mm": (0, 1), "addmm": (1, 2), "bmm": (0, 1), "baddbmm": (1, 2)}  # the two factors


@dataclass
class Counts:
    """What was done."""

    launches: int = 0
    bytes_read: int = 0
    bytes_written: int = 0
    # Of matrix products and convolutions, by dtype; a multiplication and an addition are two.
    flops: dict[str, int] = field(default_factory=dict[str, int])
    filter_flops: int = 0  # of depthwise convolutions, which no tensor core computes
    operations: dict[str, list[int]] = field(default_factory=dict[str, list[int]])  # name: [launches, bytes]

    @property
    def bytes_moved(self) -> int:
        """Read and written."""
        return self.bytes_read + self.bytes_written

    @property
    def all_flops(self) -> int:
        """Of products and convolutions in every dtype."""
        return sum(self.flops.values())

    def add(self, name: str, read: int, written: int) -> None:
        """One launch of the operation NAME."""
        self.launches += 1
        self.bytes_read += read
        self.bytes_written += written
        row = self.operations.setdefault(name, [0, 0])
        row[0] += 1
        row[1] += read + written


@contextmanager
def counting(counts: Counts | None = None) -> Iterator[Counts]:
    """Count what is computed while it lasts, on top of COUNTS if given.

    Launches of Triton kernels are no operations of torch and are counted at Triton's own door; each tensor
    that a kernel is given counts once, as read.
    """
    counts = Counts() if counts is None else counts
    mode = _Mode(counts)
    with mode, kernel_launches(mode.kernel):
        yield counts


@contextmanager
def as_if_on_a_card() -> Iterator[None]:
    """While it lasts, tensors say that they are on a CUDA card, so that meta tensors are treated like them.

    Fused kernels are chosen by `is_cuda`; without it only plain torch could be counted
    where there is no card.
    """
    torch.Tensor.is_cuda = property(lambda _: True)  # pyright: ignore
    try:
        yield
    finally:
        del torch.Tensor.is_cuda  # the property of torch's base class shows again


class _Mode(TorchDispatchMode):
    """Adds each dispatched operation to COUNTS."""

    def __init__(self, counts: Counts) -> None:
        super().__init__()
        self._counts, self._is_paused = counts, False

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name: str = func._schema.name.removeprefix("aten::")
        if name in _CONVOLUTIONS or name == "convolution_backward":
            factors = args[:2] if name in _CONVOLUTIONS else args[1:3]
            out = _as_a_card_lays_out(out, is_channels_last=any(map(_is_channels_last, factors)))
        if not (self._is_paused or name in _FREE or _is_view(func._schema)):
            self._count(name, func._schema, args, kwargs or {}, out)
        return out

    @contextmanager
    def kernel(self, name: str, arguments: list[Tensor]) -> Iterator[None]:
        """A Triton kernel is being launched. What Triton's interpreter does with torch is not counted."""
        self._counts.add(name, sum(touched_bytes(tensor) for tensor in arguments), 0)
        self._is_paused = True
        try:
            yield
        finally:
            self._is_paused = False

    def _count(self, name: str, schema: Any, args: tuple[Any, ...], kwargs: dict[str, Any], out: Any) -> None:
        read = written = 0
        for position, argument in enumerate(schema.arguments):
            value = args[position] if position < len(args) else kwargs.get(argument.name)
            size = sum(touched_bytes(tensor) for tensor in _tensors(value))
            if argument.alias_info is not None and argument.alias_info.is_write:
                written += size
                is_read = not argument.is_out and name not in _OVERWRITING
                read += size if is_read else 0
            else:
                read += size
        if not any(returned.alias_info for returned in schema.returns):
            written += sum(touched_bytes(tensor) for tensor in _tensors(out))
        self._counts.add(name, read, written)
        self._add_flops(name, args, out)

    def _add_flops(self, name: str, args: tuple[Any, ...], out: Any) -> None:
        if name in _BATCHES_OF:
            a, b = (args[place] for place in _BATCHES_OF[name])
            self._add_products(a.dtype, 2 * a.numel() * b.shape[-1])
        elif name in _CONVOLUTIONS:
            self._add_convolution(args[0], args[1], args[6], args[8], out, times=1)
        elif name == "convolution_backward":
            gradient, x, weight, wanted = args[0], args[1], args[2], args[10]
            self._add_convolution(x, weight, args[7], args[9], gradient, times=wanted[0] + wanted[1])

    def _add_convolution(
        self, x: Tensor, weight: Tensor, is_transposed: bool, groups: int, out: Tensor, times: int
    ) -> None:
        """Forward, the input's gradient and the weight's cost the same."""
        flops = times * 2 * (x if is_transposed else out).numel() * prod(weight.shape[1:])
        if (groups > 1 and weight.shape[1] == 1) or x.shape[1] == 1:
            self._counts.filter_flops += flops
        else:
            self._add_products(x.dtype, flops)

    def _add_products(self, dtype: torch.dtype, flops: int) -> None:
        name = str(dtype).removeprefix("torch.")
        self._counts.flops[name] = self._counts.flops.get(name, 0) + flops


def touched_bytes(tensor: Tensor) -> int:
    """Bytes of the different elements of TENSOR: an expanded dimension counts once."""
    if tensor.layout != torch.strided:
        return tensor.numel() * tensor.element_size()
    sizes = (
        size if stride else min(size, 1) for size, stride in zip(tensor.shape, tensor.stride(), strict=True)
    )
    return prod(sizes) * tensor.element_size()


def _as_a_card_lays_out(out: Any, is_channels_last: bool) -> Any:
    """Meta tensors of convolutions' gradients are always NCHW; the copies that follow would be counted."""
    if isinstance(out, tuple):
        return tuple(_as_a_card_lays_out(item, is_channels_last) for item in out)
    if isinstance(out, Tensor) and out.is_meta and out.ndim == 4 and is_channels_last:
        return torch.empty_like(out, memory_format=torch.channels_last)
    return out


def _is_channels_last(tensor: Tensor) -> bool:
    return tensor.ndim == 4 and tensor.is_contiguous(memory_format=torch.channels_last)


def _is_view(schema: Any) -> bool:
    aliases = [returned.alias_info for returned in schema.returns]
    return bool(aliases) and all(alias is not None and not alias.is_write for alias in aliases)


def _tensors(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
