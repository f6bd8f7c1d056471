"""On a CUDA card (`make gpu`): the same numbers as on the CPU. Deselected where there is no card."""

import copy
from collections.abc import Iterator

import pytest
import torch

from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.ops import upfirdn2d
from adatune.ops.upfirdn2d import resampling_filter
from adatune.training.config import TrainConfig
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState
from adatune.training.step import training_step

pytestmark = pytest.mark.gpu
SMALL = {"z_dim": 32, "w_dim": 32, "mapping_layers": 2, "channel_base": 2048, "channel_max": 64}


@pytest.fixture(autouse=True)
def exact_convolutions() -> Iterator[None]:
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
        yield


def test_the_filter_has_right_first_and_second_derivatives() -> None:
    x = torch.randn(1, 2, 6, 5, dtype=torch.float64, device="cuda", requires_grad=True)
    f = resampling_filter([1, 3, 3, 1])
    assert torch.autograd.gradcheck(lambda x: upfirdn2d(x, f, up=2, padding=(2, 1, 2, 1)), x)
    assert torch.autograd.gradgradcheck(lambda x: upfirdn2d(x, f, down=2, padding=1), x)


def test_half_precision_pictures_and_logits_are_close_to_single_precision() -> None:
    torch.manual_seed(0)
    config = NetworkConfig(resolution=64, **SMALL)
    G, D = Generator(config), Discriminator(config)
    latents = torch.randn(4, 32)
    with torch.no_grad():
        images = G(latents, noise="const")
        logits = D(images)
        G, D = G.cuda(), D.cuda()
        fast_images = G(latents.cuda(), noise="const")
        fast_logits = D(images.cuda())
    assert (fast_images.cpu() - images).abs().max() < 0.02 * images.abs().max()
    assert (fast_logits.cpu() - logits).abs().max() < 0.05 * logits.abs().max().clamp(min=1)


def test_training_steps_equal_those_on_the_cpu() -> None:
    config = TrainConfig(
        data="none", resolution=16, batch=4, micro_batch=4, num_fp16_res=0, initial_p=0.5, **SMALL
    )
    networks = fresh_networks(config)
    states = [
        TrainingState(config, copy.deepcopy(networks), None, torch.device(name)) for name in ("cpu", "cuda")
    ]
    images = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 2 - 1
    for state in states:
        for _ in range(3):
            training_step(state, images.to(state.device), None)
    expected, found = (state.D.state_dict() for state in states)
    for name, value in expected.items():
        assert (found[name].cpu() - value).abs().max() < 1e-2 * value.abs().max().clamp(min=1e-2), name
