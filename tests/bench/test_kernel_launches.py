import torch
import triton
import triton.language as tl

from adatune.bench.count import counting


@triton.jit
def double(source, target, count, BLOCK: tl.constexpr):
    places = tl.program_id(0) * BLOCK + tl.arange(0, BLOCK)
    inside = places < count
    tl.store(target + places, 2 * tl.load(source + places, mask=inside), mask=inside)


def test_a_kernel_is_one_launch_with_the_bytes_of_its_tensors():
    x, y = torch.arange(20.0), torch.empty(20)
    with counting() as counts:
        double[(2,)](x, y, 20, BLOCK=16)
    assert torch.equal(y, 2 * x)
    assert counts.operations == {"double": [1, 160]}


def test_a_kernel_on_the_meta_device_is_counted_and_not_launched():
    x = torch.empty(2**40, device="meta")
    with counting() as counts:
        double[(2**36,)](x, torch.empty_like(x), 2**40, BLOCK=16)
    assert counts.operations == {"double": [1, 2**43]}


def test_launches_are_as_before_once_counting_is_over():
    x, y = torch.arange(4.0), torch.empty(4)
    with counting() as counts:
        pass
    double[(1,)](x, y, 4, BLOCK=16)
    assert torch.equal(y, 2 * x)
    assert counts.launches == 0
