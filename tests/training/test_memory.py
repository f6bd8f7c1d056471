"""Estimated memory against what autograd holds."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.training.config import TrainConfig
from adatune.training.memory import activation_bytes, memory_bytes, one_pass_fits

IMAGES = 2


def held_bytes(network: nn.Module, forward: Callable[[], Tensor]) -> tuple[Tensor, int]:
    """What FORWARD computes, and the bytes of the activations that its graph holds."""
    of_network = {t.untyped_storage().data_ptr() for t in [*network.parameters(), *network.buffers()]}
    held: dict[int, Tensor] = {}

    def hold(tensor: Tensor) -> Tensor:
        is_activation = tensor.ndim >= 3 and len(tensor) == IMAGES
        if is_activation and tensor.untyped_storage().data_ptr() not in of_network:
            held.setdefault(tensor.untyped_storage().data_ptr(), tensor)
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(hold, lambda tensor: tensor):
        out = forward()
    return out, sum(tensor.untyped_storage().nbytes() for tensor in held.values())


@pytest.mark.parametrize(("resolution", "channel_base"), [(32, 1024), (64, 2048)])
def test_counted_activations_are_those_that_autograd_holds(resolution: int, channel_base: int) -> None:
    config = NetworkConfig(
        resolution=resolution, channel_base=channel_base, channel_max=64, z_dim=16, w_dim=16,
        mapping_layers=1, mbstd_group=2,
    )  # fmt: skip
    G, D = Generator(config), Discriminator(config)
    ws = G.mapping(torch.zeros(IMAGES, 16)).detach()
    noise = [torch.zeros(IMAGES, 1, layer.resolution, layer.resolution) for layer in G.synthesis.layers]
    images, of_generator = held_bytes(G, lambda: G.synthesis(ws, noise))
    _, of_discriminator = held_bytes(D, lambda: D(images.detach()))
    counted = activation_bytes(config, is_half=False)
    assert [of_generator / IMAGES, of_discriminator / IMAGES] == [pytest.approx(c, rel=0.1) for c in counted]


def test_the_discriminator_at_512_holds_what_was_counted_layer_by_layer() -> None:
    # 1.96 GB for a batch of 8: the sum over the layers of the published network, in fp16 from 64x64 up.
    assert 8 * activation_bytes(NetworkConfig(), is_half=True)[1] / 1e9 == pytest.approx(1.96, abs=0.01)


def test_memory_grows_by_the_same_with_each_image() -> None:
    network = NetworkConfig(resolution=64)
    sizes = [memory_bytes(network, count, "cpu") for count in (1, 2, 3)]
    assert sizes[2] - sizes[1] == pytest.approx(sizes[1] - sizes[0])


def test_half_precision_and_two_passes_take_less() -> None:
    network = NetworkConfig()
    half, single = (memory_bytes(network, 8, "cuda", precision) for precision in ("fp16", "fp32"))
    assert half < single
    assert half == memory_bytes(network, 8, "cuda") == memory_bytes(network, 8, "cuda", "bf16")
    assert half <= memory_bytes(network, 8, "cuda", is_one_pass=True)


def test_a_cpu_holds_activations_in_float32_whatever_the_precision() -> None:
    sizes = {memory_bytes(NetworkConfig(), 8, "cpu", precision) for precision in ("auto", "bf16", "fp32")}
    assert len(sizes) == 1


def test_one_pass_is_for_cards_and_never_where_bits_must_repeat() -> None:
    config = TrainConfig(data="x", resolution=32)
    assert not one_pass_fits(config, torch.device("cpu"))
    assert not one_pass_fits(replace(config, deterministic=True), torch.device("cuda"))
