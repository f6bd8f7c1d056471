import pickle

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from adatune.checkpoints.pickled_values import read_array, read_number, read_tensor
from adatune.checkpoints.restricted_pickle import Record, read_pickle
from adatune.errors import UnreadableNetwork


def _parse(value, protocol=4):
    return read_pickle(pickle.dumps(value, protocol))[0]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["f4", ">f4", "f8", "f2", "i8", "u1", "?"]),
    st.lists(st.integers(1, 3), max_size=3),
    st.integers(2, 5),
)
def test_arrays_are_read_as_numpy_reads_them(dtype, shape, protocol):
    array = np.arange(int(np.prod(shape))).reshape(shape).astype(dtype)
    for variant in (array, np.asfortranarray(array)):
        np.testing.assert_array_equal(read_array(_parse(variant, protocol)), variant)


def test_numpy_scalars_become_python_numbers():
    assert read_number(_parse(np.float64(0.25))) == 0.25
    assert type(read_number(_parse(np.int64(3)))) is int


@pytest.mark.parametrize(
    "dtype",
    [torch.float32, torch.float16, torch.bfloat16, torch.float64, torch.int64, torch.uint8, torch.bool],
)
def test_tensors_of_every_type_and_layout_are_read_as_torch_reads_them(dtype):
    base = (torch.arange(48).reshape(2, 3, 2, 4) % 7).to(dtype)
    for tensor in (
        base,
        base.permute(3, 1, 0, 2),
        base[1:, :2],
        base.contiguous(memory_format=torch.channels_last),
    ):
        result = read_tensor(_parse(tensor))
        assert torch.equal(result, tensor)
        assert result.is_contiguous()


def test_a_parameter_is_read_as_its_tensor():
    parameter = torch.nn.Parameter(torch.tensor([1.0, 2.0]))
    assert torch.equal(read_tensor(_parse(parameter)), parameter.detach())


def test_a_small_view_of_large_data_does_not_hold_all_of_it():
    assert read_tensor(_parse(torch.zeros(10_000)[5:7])).untyped_storage().nbytes() == 8


def _tensor_record(offset, size, stride):
    record = _parse(torch.zeros(4))
    return Record(record.name, (record.arguments[0], offset, size, stride))


@pytest.mark.parametrize(
    "arguments",
    [
        (0, (5,), (1,)),
        (1, (4,), (1,)),
        (-1, (4,), (1,)),
        (0, (1000, 1000), (0, 0)),
        (0, (4,), (1, 1)),
        (0, (2,), (2**47,)),
        (0, (1,) * 9, (1,) * 9),
        (0, ("4",), (1,)),
    ],
)
def test_a_tensor_that_does_not_fit_its_data_is_refused(arguments):
    with pytest.raises(UnreadableNetwork):
        read_tensor(_tensor_record(*arguments))


def test_an_array_of_objects_is_refused():
    with pytest.raises(UnreadableNetwork):
        read_array(_parse(np.array([None, "a"], dtype=object)))
