"""The layers: equalised learning rates, mapping, truncation and the minibatch standard deviation."""

import pytest
import torch
from torch.autograd import gradcheck, gradgradcheck

from adatune.networks.layers import (
    Conv2dLayer,
    FullyConnectedLayer,
    MappingNetwork,
    as_dtype,
    minibatch_std,
    normalize_second_moment,
)


def test_stored_weights_are_unit_normal_over_the_learning_rate_multiplier():
    torch.manual_seed(0)
    layer = FullyConnectedLayer(256, 256, lr_mul=0.01, bias_init=1)
    assert layer.weight.std().item() == pytest.approx(100, rel=0.02)
    assert layer.bias.unique().item() == pytest.approx(100)
    assert layer(torch.zeros(1, 256)).unique().item() == pytest.approx(1)


def test_a_layer_keeps_the_variance_of_its_input():
    torch.manual_seed(0)
    x = torch.randn(64, 512)
    assert FullyConnectedLayer(512, 512)(x).std().item() == pytest.approx(1, rel=0.05)
    assert Conv2dLayer(64, 64, 3)(torch.randn(4, 64, 32, 32)).std().item() == pytest.approx(1, rel=0.05)


def test_half_and_single_precision_apply_the_same_gains_and_add_the_residual_last():
    torch.manual_seed(0)
    layer = Conv2dLayer(8, 6, 3, activation="lrelu", conv_clamp=1.0)
    torch.nn.init.normal_(layer.bias)
    x, residual = torch.randn(2, 8, 5, 5), torch.randn(2, 6, 5, 5)
    expected = torch.nn.functional.conv2d(x, layer.weight / 72**0.5, layer.bias, padding=1)
    expected = (torch.nn.functional.leaky_relu(expected, 0.2) * 2**0.5).clamp(-1, 1) * 0.5 + residual
    single = layer(x, 0.5, residual)
    half = layer(x.bfloat16(), 0.5, residual.bfloat16())
    assert torch.allclose(single, expected, atol=1e-5)
    assert torch.allclose(half.float(), expected, atol=0.05)


def test_the_second_moment_becomes_one_and_zero_stays_zero():
    x = normalize_second_moment(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    assert x.square().mean(dim=1).tolist() == [pytest.approx(1), 0]


def test_images_become_channels_last():
    x = as_dtype(torch.zeros(2, 3, 4, 4), torch.float16)
    assert x.dtype == torch.float16
    assert x.is_contiguous(memory_format=torch.channels_last)


def test_truncation_moves_the_first_copies_towards_the_mean():
    mapping = MappingNetwork(8, 0, 8, 2, 0.01, num_ws=6)
    mapping.w_avg.normal_()
    z = torch.randn(3, 8)
    ws = mapping(z)
    assert torch.equal(ws[:, 0], ws[:, 5])
    assert torch.allclose(mapping(z, psi=0), mapping.w_avg.expand(3, 6, -1), atol=1e-6)
    halfway = mapping(z, psi=0.5, cutoff=2)
    assert torch.allclose(halfway[:, :2], (ws[:, :2] + mapping.w_avg) / 2, atol=1e-5)
    assert torch.equal(halfway[:, 2:], ws[:, 2:])


@pytest.mark.parametrize(
    ("z", "c"), [(None, None), (torch.ones(1, 7), None), (torch.ones(1, 8), torch.ones(1, 2))]
)
def test_latents_and_labels_of_another_width_are_refused(z, c):
    with pytest.raises(ValueError, match="must be"):
        MappingNetwork(8, 3, 8, 1, 0.01, num_ws=2)(z, c)


def test_the_standard_deviation_is_over_strided_groups():
    x = torch.zeros(4, 1, 2, 2)
    x[2] = 2.0  # groups of two: 0 with 2 (deviation 1), 1 with 3 (deviation 0)
    added = minibatch_std(x, 2)[:, 1, 0, 0]
    assert added.tolist() == [pytest.approx(1), pytest.approx(1e-4), pytest.approx(1), pytest.approx(1e-4)]


def test_no_group_size_means_the_whole_batch_and_a_larger_one_too():
    x = torch.randn(6, 3, 4, 4)
    assert torch.equal(minibatch_std(x, None), minibatch_std(x, 6))
    assert torch.equal(minibatch_std(x, 8), minibatch_std(x, 6))


def test_a_group_that_does_not_divide_the_batch_is_refused():
    with pytest.raises(ValueError, match="a batch of 6 does not split"):
        minibatch_std(torch.zeros(6, 1, 2, 2), 4)


def test_derivatives_of_the_standard_deviation_equal_finite_differences():
    x = torch.randn(4, 2, 2, 3, dtype=torch.float64, requires_grad=True)
    assert gradcheck(lambda x: minibatch_std(x, 2), (x,))
    assert gradgradcheck(lambda x: minibatch_std(x, 2), (x,))
