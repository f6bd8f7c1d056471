"""On a CUDA card (`make gpu`): the same numbers as on the CPU. Deselected where there is no card."""

import copy
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tiny_networks import tiny_networks
from torch import Tensor

from adatune import kernel_check, kernels
from adatune.checkpoints import save_network
from adatune.device import set_up_device
from adatune.kernel_check import check_kernels
from adatune.kernels import ops_mode
from adatune.latent.loading import load_to_draw
from adatune.latent.project_photos import Projected, project_photos
from adatune.latent.projection import ProjectionConfig, spread_of_w
from adatune.latent.refinding import generated_targets
from adatune.latent.sampling import SamplingConfig, draw_pictures
from adatune.metrics.features import discriminator_features
from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.networks.precision import set_precision
from adatune.ops import upfirdn2d
from adatune.ops.upfirdn2d import resampling_filter
from adatune.training.acceleration import step_taker
from adatune.training.config import TrainConfig
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState
from adatune.training.step import training_step

pytestmark = pytest.mark.gpu
CARD = torch.device("cuda")
SMALL = {"z_dim": 32, "w_dim": 32, "mapping_layers": 2, "channel_base": 2048, "channel_max": 64}
CONFIG = TrainConfig(data="none", resolution=64, batch=8, micro_batch=8, initial_p=0.3, **SMALL)


@pytest.fixture(autouse=True)
def exact_arithmetic() -> Iterator[None]:
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # read once, when cuBLAS starts
    set_up_device(CARD, "fp32", deterministic=False)
    kernels.trust(kernel_check._CHECKS)  # the first test checks them
    yield
    kernels.set_ops("auto")
    torch.use_deterministic_algorithms(False)


def batch(step: int, config: TrainConfig = CONFIG) -> Tensor:
    size = (config.batch, 3, config.resolution, config.resolution)
    return torch.rand(size, generator=torch.Generator().manual_seed(step)).to(CARD) * 2 - 1


def new_state(config: TrainConfig = CONFIG) -> TrainingState:
    return TrainingState(config, fresh_networks(config), None, CARD)


def largest_difference(a: torch.nn.Module, b: torch.nn.Module) -> float:
    pairs = zip(a.state_dict().values(), b.state_dict().values(), strict=True)
    return max(float((x - y).abs().max() / y.abs().max().clamp(min=1e-2)) for x, y in pairs)


def test_every_kernel_computes_what_its_reference_does(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kernels, "_disabled", {})
    assert check_kernels(CARD) == {}


def test_the_filter_has_right_first_and_second_derivatives() -> None:
    x = torch.randn(1, 2, 6, 5, dtype=torch.float64, device=CARD, requires_grad=True)
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
        G, D = G.to(CARD), D.to(CARD)
        fast_images = G(latents.to(CARD), noise="const")
        fast_logits = D(images.to(CARD))
    assert (fast_images.cpu() - images).abs().max() < 0.02 * images.abs().max()
    assert (fast_logits.cpu() - logits).abs().max() < 0.05 * logits.abs().max().clamp(min=1)


@pytest.mark.parametrize("ops", ["torch", "auto"])
def test_training_steps_equal_those_on_the_cpu(ops: Any) -> None:
    config = replace(CONFIG, resolution=16, batch=4, micro_batch=4, precision="fp32", initial_p=0.5)
    networks = fresh_networks(config)
    cpu, card = (
        TrainingState(config, copy.deepcopy(networks), None, device) for device in (torch.device("cpu"), CARD)
    )
    with ops_mode(ops):
        for step in range(3):
            training_step(cpu, batch(step, config).cpu(), None)
            training_step(card, batch(step, config), None)
    assert largest_difference(copy.deepcopy(card.D).cpu(), cpu.D) < 1e-2
    assert largest_difference(copy.deepcopy(card.G).cpu(), cpu.G) < 1e-2


@pytest.mark.parametrize(("precision", "levels"), [("fp32", 1), ("auto", 8)])
def test_generated_pictures_by_kernels_are_those_of_plain_torch(
    tmp_path: Path, precision: str, levels: int
) -> None:
    networks = tiny_networks(resolution=64)
    assert networks.G_ema is not None
    save_network(tmp_path / "a.safetensors", networks.G_ema)
    drawn: dict[str, Any] = {}
    for ops in ("torch", "auto"):
        loaded = load_to_draw(tmp_path / "a.safetensors", str(CARD), ops, precision, pytest.fail)
        pictures = draw_pictures(loaded, range(20), SamplingConfig())
        drawn[ops] = np.stack([np.asarray(picture) for _, picture in pictures]).astype(int)
    assert drawn["torch"].std() > 20
    assert np.abs(drawn["auto"] - drawn["torch"]).max() <= levels


def test_projection_by_kernels_goes_where_that_by_plain_torch_goes() -> None:
    networks = tiny_networks(resolution=64)
    assert networks.G_ema is not None
    assert networks.D is not None
    for network in (networks.G_ema, networks.D):
        set_precision(network.to(CARD), "fp32")
    features, target = discriminator_features(networks.D), generated_targets(networks, 1)
    spread, found = spread_of_w(networks.G_ema), dict[str, Tensor]()
    for ops in ("torch", "auto"):
        results: list[Projected] = []
        with ops_mode(ops):  # type: ignore[arg-type]
            config = ProjectionConfig(space="w", steps=10)
            for _ in project_photos(networks, features, target, config, 1, results.append):
                pass
        found[ops] = results[0].results["w"].ws
    moved = (found["torch"] - spread.mean.cpu()).norm()
    assert moved > 0.1 * spread.deviation.cpu()
    assert (found["auto"] - found["torch"]).norm() < 0.05 * moved


def test_recorded_steps_equal_steps_taken_as_they_stand() -> None:
    config = replace(CONFIG, precision="fp32", deterministic=True)
    set_up_device(CARD, "fp32", deterministic=True)
    eager, recorded = new_state(config), new_state(config)
    take_step = step_taker(config, CARD, pytest.fail)
    for step in range(40):
        training_step(eager, batch(step), None)
        take_step(recorded, batch(step), None)
    torch.cuda.synchronize()
    for name in ("G", "D", "G_ema"):
        assert largest_difference(getattr(recorded, name), getattr(eager, name)) == 0
    assert recorded.p == eager.p


def test_two_hundred_fused_steps_lose_what_plain_steps_lose() -> None:
    curves: dict[str, list[dict[str, Any]]] = {}
    for ops in ("torch", "auto"):
        config = replace(CONFIG, ops=ops)
        state = new_state(config)
        with ops_mode(config.ops):  # type: ignore[arg-type]
            take_step = step_taker(config, CARD, pytest.fail)
            rows = []
            for step in range(200):
                take_step(state, batch(step % 16), None)
                if step % 50 == 49:
                    rows.append(state.statistics.means())
                    state.statistics.clear()
        curves[ops] = rows
        assert all(value.isfinite().all() for value in state.G_ema.state_dict().values())
    for plain, fused in zip(curves["torch"], curves["auto"], strict=True):
        assert fused["not_finite"] == 0
        # fp16 and chaos: two runs part slowly. A wrong term in a kernel shows at once.
        for name in ("loss_G", "loss_D"):
            assert fused[name] == pytest.approx(plain[name], rel=0.2), name


def test_a_continued_run_is_equal_bit_for_bit_when_deterministic() -> None:
    config = replace(CONFIG, deterministic=True)
    set_up_device(CARD, "auto", deterministic=True)
    unbroken, first = new_state(config), new_state(config)
    take_step = step_taker(config, CARD, pytest.fail)
    for step in range(36):
        take_step(unbroken, batch(step), None)
    take_step = step_taker(config, CARD, pytest.fail)
    for step in range(20):
        take_step(first, batch(step), None)
    second = new_state(config)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    take_step = step_taker(config, CARD, pytest.fail)
    for step in range(20, 36):
        take_step(second, batch(step), None)
    for name in ("G", "D", "G_ema"):
        assert largest_difference(getattr(second, name), getattr(unbroken, name)) == 0


def test_one_broken_picture_poisons_neither_networks_nor_p() -> None:
    state = new_state()
    images = batch(0)
    images[1] = float("nan")
    for _ in range(4):
        training_step(state, images, None)
    assert all(value.isfinite().all() for value in state.G_ema.state_dict().values())
    assert all(value.isfinite().all() for value in state.D.state_dict().values())
    assert 0 <= state.p <= 0.8


def test_a_step_at_512_fits_seven_gigabytes() -> None:
    config = TrainConfig(data="none", resolution=512, batch=8, micro_batch=8)
    torch.cuda.empty_cache()
    torch.cuda.reset_peak_memory_stats()
    state = new_state(config)
    take_step = step_taker(config, CARD, pytest.fail)
    for step in range(20):
        take_step(state, batch(step, config), None)
    torch.cuda.synchronize()
    assert torch.cuda.max_memory_reserved() < 7e9
