"""Read a pickle as plain data: nothing in it is imported, called or executed.

Python's own reader runs whatever a file asks for. This one knows the few opcodes that published networks use
(protocols 2 to 5), a short list of names, and turns each object it would have to call into a `Record` of that
name and its arguments. What such a record means is decided by the code that reads it, never by the file.
"""

import struct
from collections.abc import Callable
from typing import Any

from adatune.errors import UnreadableNetwork

Buffer = bytes | memoryview

ALLOWED = frozenset(
    {
        "torch_utils.persistence._reconstruct_persistent_obj",
        "torch._utils._rebuild_tensor_v2",
        "torch._utils._rebuild_parameter",
        "torch.storage._load_from_bytes",
        "collections.OrderedDict",
        "builtins.set",
        "__builtin__.set",  # what protocol 2 calls builtins
        "numpy.dtype",
        "numpy.ndarray",
        "numpy.core.multiarray.scalar",
        "numpy.core.multiarray._reconstruct",
        "numpy._core.multiarray.scalar",
        "numpy._core.multiarray._reconstruct",
        "numpy.core.numeric._frombuffer",  # how protocol 5 writes an array
        "numpy._core.numeric._frombuffer",
        "_codecs.encode",
        "dnnlib.util.EasyDict",
        "dnnlib.tflib.network.Network",
    }
)
_MAX_OPCODES = (
    3_000_000  # a published 1024x1024 file has about 30,000; each can cost about 100 bytes of memory
)
_MAX_INTEGER_BYTES = 64
_SIMPLE = (str, int, float, bytes, bool, type(None))


class Global:
    """A name that the file refers to; never looked up."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Record:
    """An object that the file would have had Python build: its name, arguments, state and items."""

    __slots__ = ("arguments", "items", "name", "state")

    def __init__(self, name: str, arguments: tuple[Any, ...]) -> None:
        self.name = name
        self.arguments = arguments
        self.state: Any = None
        self.items: dict[Any, Any] = {}


class PersistentId:
    """A reference to something outside the pickle (torch.save's storages)."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def read_pickle(
    data: Buffer, allowed: frozenset[str] = ALLOWED, with_persistent_ids: bool = False, start: int = 0
) -> tuple[Any, int]:
    """Read one pickle from DATA.

    Args:
        data: the bytes; large byte strings in the result are views of it.
        allowed: full names of the globals that may occur.
        with_persistent_ids: accept references to things outside the pickle, as `PersistentId`.
        start: where the pickle begins.

    Returns: the value (plain Python values, `Record`, `Global`, `PersistentId`) and the position after it.

    Raises:
        UnreadableNetwork: the data is truncated, damaged, or asks for anything but data. The message is a
            fragment that starts with a verb ("is cut off ..."); the caller puts the file's name before it.
    """
    return _Machine(memoryview(data), allowed, with_persistent_ids, start).run()


def as_dict(value: Any) -> dict[Any, Any]:
    """The mapping that VALUE stands for: a dict, an OrderedDict or an EasyDict.

    Raises:
        UnreadableNetwork: VALUE is no mapping.
    """
    if isinstance(value, dict):
        return value  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, Record) and value.name in {"collections.OrderedDict", "dnnlib.util.EasyDict"}:
        return value.items
    raise UnreadableNetwork(f"holds {describe(value)} where a dictionary belongs: it is damaged")


def describe(value: Any) -> str:
    """A short name for what VALUE is, safe for any value (a file may nest values without end)."""
    if isinstance(value, (Record, Global)):
        return value.name
    return "nothing" if value is None else f"a value of type {type(value).__name__}"


_TRUNCATED = "is cut off: the pickle in it ends before its end. Download or copy it again."


class _Machine:
    """The pickle virtual machine, with records in place of calls."""

    def __init__(
        self, data: memoryview, allowed: frozenset[str], with_persistent_ids: bool, start: int
    ) -> None:
        self.data, self.position, self.allowed = data, start, allowed
        self.with_persistent_ids = with_persistent_ids
        self.stack: list[Any] = []
        self.marks: list[int] = []
        self.memo: dict[int, Any] = {}

    def run(self) -> tuple[Any, int]:
        for _ in range(_MAX_OPCODES):
            opcode = self.take(1)[0]
            if opcode == 0x2E:  # STOP
                return self.pop(), self.position
            operation = _OPERATIONS.get(opcode)
            if operation is None:
                raise UnreadableNetwork(
                    f"is not a network, or is damaged: it holds the pickle instruction 0x{opcode:02x} at "
                    "byte "
                    f"{self.position - 1}, which no published network uses."
                )
            operation(self)
        raise UnreadableNetwork("holds a pickle of millions of instructions, which no published network has.")

    def take(self, size: int) -> memoryview:
        left = len(self.data) - self.position
        if size > left:
            if size > 1 << 20 and size > 4 * len(self.data):
                raise UnreadableNetwork(
                    f"declares {size:,} bytes of data at byte {self.position} but is {len(self.data):,} "
                    "bytes long: "
                    "it is damaged, or made to exhaust memory. Nothing was allocated; get the file again."
                )
            raise UnreadableNetwork(_TRUNCATED)
        piece = self.data[self.position : self.position + size]
        self.position += size
        return piece

    def number(self, code: str) -> Any:
        return struct.unpack(code, self.take(struct.calcsize(code)))[0]

    def line(self) -> str:
        window = bytes(self.data[self.position : self.position + 512])
        end = window.find(b"\n")
        if end < 0:
            raise UnreadableNetwork(
                _TRUNCATED if len(window) < 512 else "is damaged: it holds a name without an end."
            )
        self.position += end + 1
        return window[:end].decode("ascii", "replace")

    def text(self, size: int) -> str:
        try:
            return str(self.take(size), "utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise UnreadableNetwork("is damaged: a text in it is not valid UTF-8.") from error

    def binary(self, size: int) -> Buffer:
        piece = self.take(size)
        return piece if size > 256 else bytes(piece)

    def push(self, value: Any) -> None:
        self.stack.append(value)

    def pop(self) -> Any:
        if not self.stack or (self.marks and len(self.stack) <= self.marks[-1]):
            raise _malformed()
        return self.stack.pop()

    def pop_mark(self) -> list[Any]:
        if not self.marks:
            raise _malformed()
        start = self.marks.pop()
        values = self.stack[start:]
        del self.stack[start:]
        return values

    def top(self) -> Any:
        if not self.stack or (self.marks and len(self.stack) <= self.marks[-1]):
            raise _malformed()
        return self.stack[-1]

    def remember(self, index: int) -> None:
        self.memo[index] = self.top()

    def recall(self, index: int) -> None:
        if index not in self.memo:
            raise _malformed()
        self.push(self.memo[index])

    def named(self, module: Any, name: Any) -> None:
        if not isinstance(module, str) or not isinstance(name, str):
            raise _malformed()
        full = f"{module}.{name}"
        if full not in self.allowed:
            raise UnreadableNetwork(
                f"asks to load {full[:100]!r}, which no StyleGAN2 network needs: it may hold code. Nothing "
                "in it was run. "
                "Use a file from its publisher."
            )
        self.push(Global(full))

    def record(self, function: Any, arguments: Any) -> None:
        if not isinstance(function, Global) or not isinstance(arguments, tuple):
            raise _malformed()
        self.push(Record(function.name, arguments))  # pyright: ignore[reportUnknownArgumentType]

    def build(self) -> None:
        state = self.pop()
        target = self.top()
        if not isinstance(target, Record):
            raise _malformed()
        target.state = state

    def append(self, values: list[Any]) -> None:
        target = self.top()
        if not isinstance(target, list):
            raise _malformed()
        target.extend(values)

    def set_items(self, values: list[Any]) -> None:
        target = self.top()
        items: Any = target.items if isinstance(target, Record) else target
        if not isinstance(items, dict) or len(values) % 2:
            raise _malformed()
        items.update(zip(_simple(values[0::2]), values[1::2], strict=True))

    def add_items(self, values: list[Any]) -> None:
        target = self.top()
        if not isinstance(target, set):
            raise _malformed()
        target.update(_simple(values))

    def persistent(self) -> None:
        if not self.with_persistent_ids:
            raise UnreadableNetwork("refers to data outside the file: it is no network that can be read.")
        self.push(PersistentId(self.pop()))


def _malformed() -> UnreadableNetwork:
    return UnreadableNetwork("is damaged: its pickle makes no sense. Download or copy it again.")


def _simple(keys: list[Any]) -> list[Any]:
    # Only these are used as keys: hashing a tuple that is nested a million deep would end the process.
    if not all(isinstance(key, _SIMPLE) for key in keys):
        raise _malformed()
    return keys


def _integer(machine: _Machine, size: int) -> None:
    if not 0 <= size <= _MAX_INTEGER_BYTES:
        raise UnreadableNetwork(f"holds an integer of {size:,} bytes, which no published network has.")
    machine.push(int.from_bytes(machine.take(size), "little", signed=True))


def _protocol(machine: _Machine) -> None:
    protocol = machine.number("<B")
    if not 2 <= protocol <= 5:
        raise UnreadableNetwork(f"is a pickle of protocol {protocol}; networks come in protocols 2 to 5.")


def _frame(machine: _Machine) -> None:
    size = machine.number("<Q")
    if size > len(machine.data) - machine.position:
        machine.take(size)  # raises the fitting error


def _tuple(machine: _Machine, size: int) -> None:
    values = [machine.pop() for _ in range(size)]
    machine.push(tuple(reversed(values)))


def _stack_global(machine: _Machine) -> None:
    name, module = machine.pop(), machine.pop()
    machine.named(module, name)


def _reduce(machine: _Machine) -> None:
    arguments, function = machine.pop(), machine.pop()
    machine.record(function, arguments)


def _new_with_keywords(machine: _Machine) -> None:
    keywords, arguments, function = machine.pop(), machine.pop(), machine.pop()
    if keywords:
        raise _malformed()
    machine.record(function, arguments)


def _instance(machine: _Machine) -> None:
    module, name = machine.line(), machine.line()
    arguments = tuple(machine.pop_mark())
    machine.named(module, name)
    machine.record(machine.pop(), arguments)


def _pair(machine: _Machine) -> list[Any]:
    value, key = machine.pop(), machine.pop()
    return [key, value]


def _dict(machine: _Machine) -> None:
    values = machine.pop_mark()
    machine.push({})
    machine.set_items(values)


def _latin1(machine: _Machine, size: int) -> None:
    machine.push(str(machine.take(size), "latin-1"))


_OPERATIONS: dict[int, Callable[[_Machine], object]] = {
    0x80: _protocol,
    0x95: _frame,
    ord("("): lambda m: m.marks.append(len(m.stack)),
    ord("0"): lambda m: m.pop(),
    ord("1"): lambda m: m.pop_mark(),
    ord("2"): lambda m: m.push(m.top()),
    ord("N"): lambda m: m.push(None),
    0x88: lambda m: m.push(True),
    0x89: lambda m: m.push(False),
    ord("J"): lambda m: m.push(m.number("<i")),
    ord("K"): lambda m: m.push(m.number("<B")),
    ord("M"): lambda m: m.push(m.number("<H")),
    0x8A: lambda m: _integer(m, m.number("<B")),
    0x8B: lambda m: _integer(m, m.number("<i")),
    ord("G"): lambda m: m.push(m.number(">d")),
    ord("C"): lambda m: m.push(m.binary(m.number("<B"))),
    ord("B"): lambda m: m.push(m.binary(m.number("<I"))),
    0x8E: lambda m: m.push(m.binary(m.number("<Q"))),
    0x96: lambda m: m.push(m.binary(m.number("<Q"))),
    ord("X"): lambda m: m.push(m.text(m.number("<I"))),
    0x8C: lambda m: m.push(m.text(m.number("<B"))),
    0x8D: lambda m: m.push(m.text(m.number("<Q"))),
    ord("U"): lambda m: _latin1(m, m.number("<B")),
    ord("T"): lambda m: _latin1(m, m.number("<I")),
    ord("]"): lambda m: m.push([]),
    ord(")"): lambda m: m.push(()),
    ord("}"): lambda m: m.push({}),
    0x8F: lambda m: m.push(set()),
    ord("l"): lambda m: m.push(m.pop_mark()),
    ord("d"): _dict,
    ord("t"): lambda m: m.push(tuple(m.pop_mark())),
    0x85: lambda m: _tuple(m, 1),
    0x86: lambda m: _tuple(m, 2),
    0x87: lambda m: _tuple(m, 3),
    0x91: lambda m: m.push(frozenset(_simple(m.pop_mark()))),
    ord("a"): lambda m: m.append([m.pop()]),
    ord("e"): lambda m: m.append(m.pop_mark()),
    ord("s"): lambda m: m.set_items(_pair(m)),
    ord("u"): lambda m: m.set_items(m.pop_mark()),
    0x90: lambda m: m.add_items(m.pop_mark()),
    ord("q"): lambda m: m.remember(m.number("<B")),
    ord("r"): lambda m: m.remember(m.number("<I")),
    0x94: lambda m: m.remember(len(m.memo)),
    ord("h"): lambda m: m.recall(m.number("<B")),
    ord("j"): lambda m: m.recall(m.number("<I")),
    ord("c"): lambda m: m.named(m.line(), m.line()),
    0x93: _stack_global,
    ord("i"): _instance,
    ord("R"): _reduce,
    0x81: _reduce,
    0x92: _new_with_keywords,
    ord("b"): lambda m: m.build(),
    ord("Q"): lambda m: m.persistent(),
}
