"""Half precision where it is asked for, on any device, close to single precision, with all derivatives."""

import copy

import pytest
import torch

from adatune.networks import Discriminator, Generator, NetworkConfig, set_precision
from adatune.networks.precision import block_dtype

SMALL = {"z_dim": 16, "w_dim": 16, "channel_base": 512, "channel_max": 32, "mapping_layers": 2}


def outputs_of_blocks(network, *inputs):
    """The dtype of the features after each block, by resolution."""
    found, hooks = {}, []
    for name, module in network.named_modules():
        if hasattr(module, "precision"):
            resolution = int(name.split("b")[-1])
            hooks.append(
                module.register_forward_hook(lambda _, __, out, r=resolution: found.update({r: out[0].dtype}))
            )
    network(*inputs)
    for hook in hooks:
        hook.remove()
    return found


def test_auto_is_half_on_cuda_and_single_elsewhere():
    assert block_dtype("auto", True, torch.device("cuda")) == torch.float16
    assert block_dtype("auto", True, torch.device("cpu")) == torch.float32
    assert block_dtype("auto", True, torch.device("mps")) == torch.float32
    assert block_dtype("fp32", True, torch.device("cuda")) == torch.float32
    assert block_dtype("bf16", True, torch.device("cpu")) == torch.bfloat16
    assert block_dtype("fp16", False, torch.device("cuda")) == torch.float32


def test_only_the_highest_resolutions_change():
    config = NetworkConfig(resolution=32, num_fp16_res=2, **SMALL)
    G, D = Generator(config), Discriminator(config)
    for network in (G, D):
        set_precision(network, "bf16")
    generator_dtypes = outputs_of_blocks(G, torch.randn(2, 16))
    half, single = torch.bfloat16, torch.float32
    assert generator_dtypes == {4: single, 8: single, 16: half, 32: half}
    assert outputs_of_blocks(D, torch.randn(2, 3, 32, 32)) == {32: half, 16: half, 8: single}


def test_pictures_logits_and_penalty_gradients_are_close_to_single_precision():
    torch.manual_seed(3)
    config = NetworkConfig(resolution=16, **SMALL)
    single = Generator(config), Discriminator(config)
    for layer in single[0].synthesis.layers:
        torch.nn.init.constant_(layer.noise_strength, 0.1)
    half = copy.deepcopy(single)
    z, reals, found = torch.randn(4, 16), torch.randn(4, 3, 16, 16, requires_grad=True), []
    for (G, D), precision in ((single, "fp32"), (half, "bf16")):
        set_precision(G, precision)
        set_precision(D, precision)
        ws = G.mapping(z)
        images = G.synthesis(ws, noise="const")
        (slope,) = torch.autograd.grad(images.square().sum(), ws, create_graph=True)
        slope.square().sum().sqrt().backward()
        (real_slope,) = torch.autograd.grad(D(reals).sum(), reals, create_graph=True)
        real_slope.square().sum().backward()
        gradients = [G.synthesis.b16.conv0.weight.grad, G.mapping.fc0.weight.grad, D.b16.conv1.weight.grad]
        assert images.dtype == torch.float32
        found.append([images.detach(), slope.detach(), *gradients])
    for expected, actual in zip(*found, strict=True):
        assert torch.nn.functional.cosine_similarity(actual.flatten(), expected.flatten(), dim=0) > 0.97


def test_the_state_does_not_know_about_precision():
    generator = Generator(NetworkConfig(resolution=8, **SMALL))
    before = list(generator.state_dict())
    set_precision(generator, "bf16")
    assert list(generator.state_dict()) == before


def test_an_unknown_precision_is_refused():
    with pytest.raises(ValueError, match="precision is 'fp8'"):
        set_precision(Generator(NetworkConfig(resolution=4, **SMALL)), "fp8")
