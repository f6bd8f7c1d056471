import pytest
import torch

from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.training import cost
from adatune.training.config import TrainConfig


@pytest.mark.parametrize(
    ("resolution", "channel_base", "generator", "discriminator"),
    [(256, 16384, 29.8, 30.8), (512, 32768, 119.3, 123.2), (1024, 32768, 148.5, 153.3)],
)
def test_a_forward_pass_costs_what_was_counted_layer_by_layer(
    resolution: int, channel_base: int, generator: float, discriminator: float
) -> None:
    # GFLOP from the layer tables of the published networks.
    flops = cost.forward_flops(NetworkConfig(resolution=resolution, channel_base=channel_base))
    assert [round(f / 1e9, 1) for f in flops] == [generator, discriminator]


def test_a_training_image_at_512_costs_1598_gflop() -> None:
    assert cost.training_flops(TrainConfig(data="x")) / 1e9 == pytest.approx(1598, abs=1)


def test_without_path_length_and_r1_only_the_main_phases_cost() -> None:
    config = TrainConfig(data="x", path_length_weight=0, r1_gamma=0)
    assert cost.training_flops(config) / 1e9 == pytest.approx(4 * 119.332 + 8 * 123.178, abs=1)


def test_a_slider_costs_two_forward_passes_of_the_generator() -> None:
    plain, steered = TrainConfig(data="x"), TrainConfig(data="x", steer="zoom")
    more = cost.training_flops(steered) - cost.training_flops(plain)
    assert more == pytest.approx(2 * cost.forward_flops(plain.network)[0])


def test_parameters_at_512_are_those_of_the_published_network() -> None:
    assert cost.parameter_counts(NetworkConfig()) == (30_276_583, 28_982_849)


@pytest.mark.parametrize("architecture", ["orig", "skip", "resnet"])
def test_counted_parameters_are_those_of_the_built_networks(architecture: str) -> None:
    config = NetworkConfig(
        resolution=16, channel_base=256, channel_max=16, z_dim=16, w_dim=16, c_dim=3,
        g_architecture=architecture, d_architecture=architecture,
    )  # fmt: skip
    built = Generator(config), Discriminator(config)
    assert cost.parameter_counts(config) == tuple(sum(p.numel() for p in n.parameters()) for n in built)


def test_a_snapshot_at_512_takes_237_megabytes_and_a_light_one_half() -> None:
    assert cost.snapshot_bytes(TrainConfig(data="x")) == 4 * (30_276_583 + 28_982_849)
    assert cost.snapshot_bytes(TrainConfig(data="x", light=True)) == 4 * 30_276_583


def test_a_longer_run_takes_more_disk_by_its_milestones() -> None:
    short, long = (cost.disk_bytes(TrainConfig(data="x", length_kimg=kimg)) for kimg in (100, 300))
    assert long - short == 2 * cost.snapshot_bytes(TrainConfig(data="x"))


def test_speed_is_positive_and_micro_batches_cost_time() -> None:
    cpu = torch.device("cpu")
    whole, split = (cost.seconds_per_kimg(TrainConfig(data="x", micro_batch=m), cpu) for m in (8, 4))
    assert 0 < whole < split


def test_two_gpus_are_estimated_to_halve_the_time() -> None:
    one, two = (
        cost.seconds_per_kimg(TrainConfig(data="x", micro_batch=4, gpus=n), torch.device("cpu"))
        for n in (1, 2)
    )
    assert two == pytest.approx(one / 2)
