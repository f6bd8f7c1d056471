import torch
import torch.nn.functional as F
from torch.utils.flop_counter import FlopCounterMode

from adatune.bench.count import as_if_on_a_card, counting, touched_bytes


def test_an_addition_is_one_launch_that_reads_twice_and_writes_once():
    a, b = torch.zeros(5, 7), torch.zeros(5, 7)
    with counting() as counts:
        a + b
    assert (counts.launches, counts.bytes_read, counts.bytes_written) == (1, 2 * 140, 140)
    assert counts.operations == {"add": [1, 3 * 140]}


def test_an_addition_in_place_writes_what_it_reads():
    a, b = torch.zeros(10), torch.zeros(10)
    with counting() as counts:
        a += b
    assert (counts.launches, counts.bytes_read, counts.bytes_written) == (1, 80, 40)


def test_overwriting_reads_nothing_of_the_target():
    a, b = torch.zeros(10), torch.zeros(10, dtype=torch.float16)
    with counting() as counts:
        a.copy_(b)
        a.zero_()
    assert (counts.launches, counts.bytes_read, counts.bytes_written) == (2, 20, 80)


def test_views_and_empty_tensors_are_no_launches():
    a = torch.zeros(4, 6)
    with counting() as counts:
        a.T.reshape(6, 2, 2).transpose(0, 1)[1:].detach().expand(3, -1, -1, -1).unsqueeze(0)
        torch.empty_like(a)
        a.new_empty(3)
    assert counts.launches == 0


def test_an_expanded_tensor_is_read_once():
    assert touched_bytes(torch.zeros(3, 1).expand(3, 1000)) == 12
    assert touched_bytes(torch.zeros(3, 0)) == 0


def test_products_and_convolutions_cost_what_torch_itself_counts_through_second_derivatives():
    x, w = torch.randn(2, 4, 9, 9, requires_grad=True), torch.randn(6, 4, 3, 3, requires_grad=True)
    up, matrix = torch.randn(6, 5, 2, 2, requires_grad=True), torch.randn(5, 3, requires_grad=True)

    def penalty():
        y = F.conv_transpose2d(F.conv2d(x, w, stride=2), up, stride=2)
        z = y.square().mean(dim=(2, 3)) @ matrix
        (gradient,) = torch.autograd.grad(z.square().sum(), x, create_graph=True)
        gradient.square().sum().backward()

    with FlopCounterMode(display=False) as torchs_own:
        penalty()
    with counting() as counts:
        penalty()
    assert counts.flops == {"float32": torchs_own.get_total_flops()}


def test_a_convolution_in_groups_costs_what_its_groups_cost():
    x, w = torch.zeros(1, 8, 4, 4), torch.zeros(6, 4, 1, 1)
    with counting() as counts:
        F.conv2d(x, w, groups=2)
    assert counts.all_flops == 2 * 16 * 6 * 4


def test_filters_are_counted_apart_and_dtypes_too():
    x = torch.zeros(1, 8, 4, 4, dtype=torch.float64)
    with counting() as counts:
        F.conv2d(x, torch.zeros(8, 1, 2, 2, dtype=torch.float64), groups=8)
        x.flatten(2)[0] @ torch.zeros(16, 2, dtype=torch.float64)
    assert counts.filter_flops == 2 * (8 * 9) * 4
    assert counts.flops == {"float64": 2 * 8 * 16 * 2}


def test_counting_goes_on_where_it_is_told_to():
    with counting() as counts:
        torch.zeros(1) + 1
    before = counts.launches
    with counting(counts):
        torch.zeros(1) + 1
    assert counts.launches == 2 * before


def test_meta_tensors_pass_for_those_of_a_card_only_while_asked():
    x = torch.empty(1, device="meta")
    with as_if_on_a_card():
        assert x.is_cuda
        assert torch.nn.Parameter(x).is_cuda
    assert not x.is_cuda
    assert not torch.nn.Parameter(x).is_cuda


def test_convolutions_of_meta_tensors_keep_the_layout_as_those_of_a_card_do():
    def layout(device):
        x = torch.randn(2, 4, 9, 9, device=device).to(memory_format=torch.channels_last).requires_grad_()
        w = torch.randn(6, 4, 3, 3, device=device).to(memory_format=torch.channels_last).requires_grad_()
        with counting():
            y = F.conv2d(x, w)
            gradients = torch.autograd.grad(y, [x, w], torch.empty_like(y))
        return [tensor.stride() for tensor in (y, *gradients)]

    assert layout("meta") == layout("cpu")
