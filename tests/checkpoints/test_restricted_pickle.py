import pickle
import struct
from collections import OrderedDict
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adatune.checkpoints.restricted_pickle import Record, as_dict, read_pickle
from adatune.errors import UnreadableNetwork

KEYS = st.text(max_size=5) | st.integers(-(2**40), 2**40)
PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**100), 2**100)
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary(),
    lambda inner: st.lists(inner) | st.tuples(inner, inner) | st.dictionaries(KEYS, inner) | st.sets(KEYS),
    max_leaves=20,
)


@settings(max_examples=150, deadline=None)
@given(PLAIN, st.integers(3, 5))
def test_plain_values_are_read_as_python_reads_them(value, protocol):
    data = pickle.dumps(value, protocol)
    ours, end = read_pickle(data)
    if protocol >= 4 or not _has_set(value):  # older protocols call `set`, which we only record
        assert ours == pickle.loads(data)
    assert end == len(data)


def _has_set(value):
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else []
    return isinstance(value, set) or any(_has_set(v) for v in inner)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data):
    with suppress(UnreadableNetwork):
        read_pickle(b"\x80\x04" + data)


def test_an_ordered_dictionary_is_a_record_with_items():
    value, _ = read_pickle(pickle.dumps(OrderedDict(a=1, b=2)))
    assert isinstance(value, Record)
    assert as_dict(value) == {"a": 1, "b": 2}


BOMBS = {
    "bytes": b"\x8e" + struct.pack("<Q", 1 << 60),
    "text": b"\x8d" + struct.pack("<Q", 1 << 60),
    "frame": b"\x95" + struct.pack("<Q", 1 << 60),
    "bytearray": b"\x96" + struct.pack("<Q", 1 << 60),
    "integer": b"\x8b" + struct.pack("<i", 2**31 - 1),
    "negative integer size": b"\x8b" + struct.pack("<i", -1),
    "empty stack": b".",
    "unknown memo": b"j\xff\xff\xff\xff.",
    "deep key": b"}" + b")" + b"\x85" * 100_000 + b"Ns.",
    "append to nothing": b"NNa.",
    "odd items": b"}(Nu.",
    "persistent id": b"NQ.",
    "protocol": b"\x80\x09N.",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_at_once(kind):
    with pytest.raises(UnreadableNetwork):
        read_pickle(b"\x80\x04" + BOMBS[kind])


def test_a_large_memo_index_takes_no_memory():
    assert read_pickle(b"\x80\x04Nr\xff\xff\xff\xff.")[0] is None


def test_a_value_nested_very_deeply_is_read_without_recursion():
    value, _ = read_pickle(b"\x80\x04" + b"]" * 100_000 + b"a" * 99_999 + b".")
    assert isinstance(value, list)
