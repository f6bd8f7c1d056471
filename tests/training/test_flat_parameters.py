"""Parameters in one buffer are the same parameters."""

import torch
from torch import nn

from adatune.training.flat_parameters import FlatParameters


def small_network() -> nn.Sequential:
    network = nn.Sequential(nn.Conv2d(3, 5, 3), nn.Flatten(), nn.Linear(5 * 4, 3))
    return network.to(memory_format=torch.channels_last)


def test_values_shapes_and_layouts_stay_and_share_one_buffer() -> None:
    network = small_network()
    before = {name: (p.detach().clone(), p.stride()) for name, p in network.named_parameters()}
    flat = FlatParameters(list(network.parameters()))
    for name, parameter in network.named_parameters():
        value, stride = before[name]
        assert torch.equal(parameter, value)
        assert parameter.stride() == stride
        assert parameter.data_ptr() % 16 == flat.values.data_ptr() % 16
    flat.values.zero_()
    assert not any(parameter.any() for parameter in network.parameters())


def test_backward_adds_to_the_buffer_in_place() -> None:
    network, plain = small_network(), small_network()
    plain.load_state_dict(network.state_dict())
    flat = FlatParameters(list(network.parameters()))
    x = torch.randn(2, 3, 4, 4)
    for _ in range(2):
        network(x).square().sum().backward()
        plain(x).square().sum().backward()
    for found, other in zip(flat.views(flat.gradients), plain.parameters(), strict=True):
        torch.testing.assert_close(found, other.grad)


def test_held_parameters_come_last_and_have_no_gradient() -> None:
    network = small_network()
    conv, linear = network[0], network[2]
    flat = FlatParameters(list(linear.parameters()), list(conv.parameters()))
    flat.trainable_values.fill_(7)
    assert (linear.weight == 7).all()
    assert not (conv.weight == 7).any()
    assert conv.weight.grad is None
    assert len(flat.gradients) == flat.trainable_length == 60 + 4  # three biases fill four places


def test_a_network_of_which_nothing_trains_has_no_gradients() -> None:
    flat = FlatParameters([], list(small_network().parameters()))
    assert len(flat.gradients) == 0
    assert len(flat.values) > 0
