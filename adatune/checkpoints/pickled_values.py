"""What the records of a restricted pickle stand for: numbers, arrays, tensors, checked before being made."""

import math
import re
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from adatune.checkpoints.restricted_pickle import Buffer, Global, PersistentId, Record, describe, read_pickle
from adatune.errors import UnreadableNetwork

_STORAGES = {
    "torch.FloatStorage": (np.float32, torch.float32),
    "torch.HalfStorage": (np.float16, torch.float16),
    "torch.DoubleStorage": (np.float64, torch.float64),
    "torch.BFloat16Storage": (np.int16, torch.bfloat16),
    "torch.LongStorage": (np.int64, torch.int64),
    "torch.IntStorage": (np.int32, torch.int32),
    "torch.ShortStorage": (np.int16, torch.int16),
    "torch.CharStorage": (np.int8, torch.int8),
    "torch.ByteStorage": (np.uint8, torch.uint8),
    "torch.BoolStorage": (np.bool_, torch.bool),
}
_TORCH_MAGIC = 0x1950A86A20F9469CFC6C
_MAX_DIMENSIONS = 8


def read_number(value: Any) -> Any:
    """VALUE with numpy scalars turned into Python numbers; anything else as it is."""
    if isinstance(value, Record) and value.name.endswith(".multiarray.scalar"):
        dtype, raw = _arguments(value, 2)
        return _array(raw, _dtype(dtype), ()).item()
    return value


def read_array(value: Any) -> NDArray[Any]:
    """The numpy array or scalar that VALUE stands for (a view where that is possible).

    Raises:
        UnreadableNetwork: it is none, holds Python objects, or its size and shape disagree.
    """
    if isinstance(value, (int, float)):
        return np.asarray(value, dtype=np.float32)
    if isinstance(value, Record) and value.name.endswith(".multiarray.scalar"):
        return np.asarray(read_number(value))
    if isinstance(value, Record) and value.name.endswith(".numeric._frombuffer"):
        raw, dtype, shape, order = _arguments(value, 4)
        return _array(raw, _dtype(dtype), shape, is_fortran=order == "F")
    if not isinstance(value, Record) or not value.name.endswith(".multiarray._reconstruct"):
        raise UnreadableNetwork(f"holds {describe(value)} where an array belongs: it is damaged.")
    if not isinstance(value.state, tuple) or len(value.state) != 5:
        raise _damaged_array()
    _, shape, dtype, is_fortran, raw = value.state
    return _array(raw, _dtype(dtype), shape, bool(is_fortran))


def read_tensor(value: Any) -> Tensor:
    """The tensor or parameter that VALUE stands for, as a copy of its own on the CPU.

    Raises:
        UnreadableNetwork: it is none, or its shape does not fit into its data.
    """
    if isinstance(value, Record) and value.name == "torch._utils._rebuild_parameter":
        value = _arguments(value, 1)[0]
    if not isinstance(value, Record) or value.name != "torch._utils._rebuild_tensor_v2":
        raise UnreadableNetwork(f"holds {describe(value)} where a tensor belongs: it is damaged.")
    storage, offset, size, stride = _arguments(value, 4)
    data, dtype = _read_storage(storage)
    size, stride = _whole_numbers(size), _whole_numbers(stride)
    if len(size) != len(stride) or not isinstance(offset, int) or offset < 0 or len(size) > _MAX_DIMENSIONS:
        raise _damaged_array()
    count = math.prod(size)
    reach = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True)) + 1
    if count and (
        reach > len(data) or count > len(data)
    ):  # the second: views that repeat their data would grow
        raise UnreadableNetwork(f"declares a tensor of {count:,} values over {len(data):,}: it is damaged.")
    # Only the part that is used: a file may hang a thousand small tensors on one large storage.
    tensor = torch.from_numpy(data[offset : max(reach, offset)].copy())
    if dtype == torch.bfloat16:
        tensor = tensor.view(torch.bfloat16)
    return tensor.as_strided(size, stride).contiguous()


def _read_storage(value: Any) -> tuple[NDArray[Any], torch.dtype]:
    """The flat data of a storage that was written with torch.save's older format inside the pickle."""
    if not isinstance(value, Record) or value.name != "torch.storage._load_from_bytes":
        raise UnreadableNetwork(f"holds {describe(value)} where a tensor's data belong: it is damaged.")
    raw = _raw(_arguments(value, 1)[0])
    position, parts = 0, []
    for _ in range(5):  # magic number, protocol, system, the storage, the list of its keys
        part, position = read_pickle(raw, frozenset(_STORAGES), with_persistent_ids=True, start=position)
        parts.append(part)
    magic, _, system, reference, keys = parts
    if (
        magic != _TORCH_MAGIC
        or not isinstance(reference, PersistentId)
        or not isinstance(keys, list)
        or len(keys) != 1
    ):
        raise UnreadableNetwork("holds a tensor written in a way that adatune does not know.")
    if isinstance(system, dict) and system.get("little_endian") is False:
        raise UnreadableNetwork("was written on a big-endian machine, which adatune does not read.")
    numpy_type, dtype = _STORAGES[_storage_name(reference.value)]
    item_size = np.dtype(numpy_type).itemsize
    count = int.from_bytes(raw[position : position + 8], "little")
    body = raw[position + 8 :]
    if count * item_size > len(body):
        raise UnreadableNetwork(
            f"declares {count:,} values in {len(body):,} bytes: it is cut off or damaged."
        )
    return np.frombuffer(body, dtype=numpy_type, count=count), dtype


def _storage_name(reference: Any) -> str:
    """The class name in torch.save's reference: ("storage", class, key, device, count, view)."""
    if isinstance(reference, tuple) and len(reference) >= 5 and isinstance(reference[1], Global):
        return reference[1].name
    raise _damaged_array()


def _arguments(record: Record, count: int) -> tuple[Any, ...]:
    """The first COUNT arguments (newer writers append more)."""
    if len(record.arguments) < count:
        raise _damaged_array()
    return record.arguments[:count]


def _dtype(value: Any) -> np.dtype[Any]:
    """The dtype of a numpy record: only plain numbers, so that an array can never hold objects."""
    if not isinstance(value, Record) or value.name != "numpy.dtype" or not value.arguments:
        raise _damaged_array()
    code = value.arguments[0]
    order = value.state[1] if isinstance(value.state, tuple) and len(value.state) > 1 else "<"
    if (
        not isinstance(code, str)
        or not re.fullmatch(r"f[248]|[iu][1248]|b1", code)
        or order not in ("<", ">", "|", "=")
    ):
        raise UnreadableNetwork(
            "holds an array of something other than numbers, which no published network has."
        )
    return np.dtype(code).newbyteorder(">" if order == ">" else "<")


def _array(raw: Any, dtype: np.dtype[Any], shape: Any, is_fortran: bool = False) -> NDArray[Any]:
    raw, shape = _raw(raw), _whole_numbers(shape)
    if math.prod(shape) * dtype.itemsize != len(raw):
        raise _damaged_array()
    array = np.frombuffer(raw, dtype=dtype).astype(dtype.newbyteorder("="), copy=False)
    return array.reshape(shape, order="F" if is_fortran else "C")


def _raw(value: Any) -> Buffer:
    """The bytes that VALUE is, or stands for: protocol 2 writes them as text to encode."""
    if isinstance(value, (bytes, memoryview)):
        return value
    if not isinstance(value, Record) or value.name != "_codecs.encode":
        raise _damaged_array()
    text, encoding = _arguments(value, 2)
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise _damaged_array()
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError as error:
        raise _damaged_array() from error


def _whole_numbers(values: Any) -> tuple[int, ...]:
    if not isinstance(values, (tuple, list)) or len(values) > _MAX_DIMENSIONS:
        raise _damaged_array()
    numbers = [read_number(value) for value in values]
    if not all(type(n) is int and 0 <= n < 2**48 for n in numbers):
        raise _damaged_array()
    return tuple(numbers)


def _damaged_array() -> UnreadableNetwork:
    return UnreadableNetwork(
        "holds an array or tensor that makes no sense: it is damaged. Get the file again."
    )
