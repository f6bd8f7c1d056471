"""One training step against the same step written out plainly with torch's own optimiser."""

import copy
from dataclasses import replace
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from host_waits import OnlyOnTheDevice
from torch import Tensor

from adatune import random
from adatune.kernels import ops_mode
from adatune.random import Purpose
from adatune.training.config import TrainConfig
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState
from adatune.training.step import train_discriminator, training_step

BATCH = 4


def small_config(**changes: Any) -> TrainConfig:
    config = TrainConfig(
        data="none",
        resolution=16,
        z_dim=16,
        w_dim=16,
        mapping_layers=2,
        channel_base=128,
        channel_max=16,
        batch=BATCH,
        micro_batch=BATCH,
        r1_gamma=2.0,
        ema_kimg=0.05,
        ema_rampup=0.5,
        augs="bgc",
        initial_p=0.5,
        seed=3,
    )
    return replace(config, **changes)


def new_state(config: TrainConfig, label_pool: Tensor | None = None) -> TrainingState:
    networks = fresh_networks(config)
    for network in networks:  # noise strengths start at 0, which would hide wrong noise
        for name, parameter in network.named_parameters():
            if name.endswith("noise_strength"):
                parameter.data.fill_(0.3)
    return TrainingState(config, networks, label_pool, torch.device("cpu"))


def batches(count: int) -> list[Tensor]:
    generator = torch.Generator().manual_seed(0)
    return [torch.rand(BATCH, 3, 16, 16, generator=generator) * 2 - 1 for _ in range(count)]


class PlainTraining:
    """The published procedure from facts and papers, without micro-batches, as directly as it can be said."""

    def __init__(self, state: TrainingState) -> None:
        self.config, self.seed, self.step_index, self.shown = state.config, state.config.seed, 0, 0
        self.G, self.D, self.G_ema = (
            copy.deepcopy(state.G),
            copy.deepcopy(state.D),
            copy.deepcopy(state.G_ema),
        )
        self.pipe = copy.deepcopy(state.augment_pipe)
        self.G.requires_grad_(True)
        self.D.requires_grad_(True)
        lr = self.config.learning_rate
        self.optimizer_G = torch.optim.Adam(
            self.G.parameters(), lr * 4 / 5, betas=(0.0, 0.99 ** (4 / 5)), eps=1e-8
        )
        self.optimizer_D = torch.optim.Adam(
            self.D.parameters(), lr * 16 / 17, betas=(0.0, 0.99 ** (16 / 17)), eps=1e-8
        )
        self.path_mean = torch.zeros([])
        self.signs: list[Tensor] = []

    def draw(self, kind: Any, phase: int, purpose: Purpose, count: int, samples: int = BATCH) -> Tensor:
        return kind(self.seed, self.step_index, phase * 32 + purpose, torch.arange(samples), count)

    def fakes(self, phase: int, samples: int = BATCH) -> tuple[Tensor, Tensor]:
        z = self.draw(random.normal, phase, Purpose.LATENTS, 16, samples)
        w = self.G.mapping(z)[:, 0]
        with torch.no_grad():  # every generator run moves w_avg, by its first latents alone
            self.G.mapping.w_avg.copy_(self.G.mapping.w_avg * 0.995 + w.mean(dim=0) * 0.005)
        other = self.G.mapping(self.draw(random.normal, phase, Purpose.MIXING_LATENTS, 16, samples))[:, 0]
        coin, where = self.draw(random.uniform, phase, Purpose.MIXING_CUTOFF, 2, 1)[0].tolist()
        num_ws = self.G.num_ws
        cutoff = 1 + int(where * (num_ws - 1)) if coin < 0.9 else num_ws
        ws = torch.stack([w if index < cutoff else other for index in range(num_ws)], dim=1)
        sizes = [16, 64, 64, 256, 256]  # 4x4, then two layers a resolution
        drawn = self.draw(random.normal, phase, Purpose.LAYER_NOISE, sum(sizes), samples).split(sizes, dim=1)
        noise = [plane.reshape(samples, 1, int(plane.shape[1] ** 0.5), -1) for plane in drawn]
        return self.G.synthesis(ws, noise), ws

    def judge(self, phase: int, purpose: Purpose, images: Tensor) -> Tensor:
        return self.D(self.pipe(images, draws=self.draw(random.uniform, phase, purpose, self.pipe.num_draws)))

    def update(self, optimizer: torch.optim.Optimizer, module: torch.nn.Module, loss: Tensor) -> None:
        optimizer.zero_grad()
        loss = loss + 0 * sum(
            parameter.sum() for parameter in module.parameters()
        )  # a gradient of 0, not none
        loss.backward(inputs=list(module.parameters()))
        optimizer.step()

    def step(self, reals: Tensor) -> None:
        images, _ = self.fakes(0)
        self.update(
            self.optimizer_G, self.G, F.softplus(-self.judge(0, Purpose.AUGMENT_FAKES, images)).mean()
        )
        if self.step_index % 4 == 0:
            images, ws = self.fakes(1, BATCH // 2)
            y = (
                self.draw(random.normal, 1, Purpose.PATH_NOISE, images[0].numel(), BATCH // 2).reshape(
                    images.shape
                )
                / 16
            )
            (jacobian,) = torch.autograd.grad((images * y).sum(), ws, create_graph=True)
            lengths = jacobian.square().sum(2).mean(1).sqrt()
            mean = self.path_mean + 0.01 * (lengths.mean() - self.path_mean)
            self.path_mean = mean.detach()
            self.update(self.optimizer_G, self.G, 4 * 2 * (lengths - mean).square().mean())
        images, _ = self.fakes(2)
        real_logits = self.judge(2, Purpose.AUGMENT_REALS, reals)
        self.signs.append(real_logits.detach().sign())
        fake_logits = self.judge(2, Purpose.AUGMENT_FAKES, images.detach())
        self.update(
            self.optimizer_D, self.D, F.softplus(fake_logits).mean() + F.softplus(-real_logits).mean()
        )
        if self.step_index % 16 == 0:
            reals = reals.clone().requires_grad_()
            logits = self.judge(3, Purpose.AUGMENT_REALS, reals)
            self.signs.append(logits.detach().sign())
            (gradient,) = torch.autograd.grad(logits.sum(), reals, create_graph=True)
            penalty = gradient.square().sum([1, 2, 3]).mean()
            self.update(self.optimizer_D, self.D, 16 * self.config.r1_gamma / 2 * penalty)
        half_life = min(50, 0.5 * self.shown)
        beta = 0.5 ** (BATCH / max(half_life, 1e-8))
        with torch.no_grad():
            for average, now in zip(self.G_ema.parameters(), self.G.parameters(), strict=True):
                average.copy_(average * beta + now * (1 - beta))
            for average, now in zip(self.G_ema.buffers(), self.G.buffers(), strict=True):
                average.copy_(now)
        self.step_index += 1
        self.shown += BATCH
        if self.step_index % 4 == 0:
            r_t = torch.cat(self.signs).mean()
            self.signs = []
            self.pipe.p.add_(torch.sign(r_t - 0.6) * (BATCH * 4 / 100_000)).clamp_(0, 0.8)


def largest_difference(ours: torch.nn.Module, plain: torch.nn.Module) -> float:
    pairs = zip(ours.state_dict().values(), plain.state_dict().values(), strict=True)
    return max(float((a - b).abs().max() / b.abs().max().clamp(min=1e-2)) for a, b in pairs)


def test_five_steps_equal_the_procedure_written_out() -> None:
    state = new_state(small_config())
    plain = PlainTraining(state)
    for images in batches(5):  # steps 0 and 4 regularise the generator, step 0 the discriminator
        training_step(state, images, None)
        plain.step(images)

    # Adam divides by the root of squared gradients: where those are near 0, rounding is magnified.
    assert largest_difference(state.G, plain.G) < 1e-3
    assert largest_difference(state.D, plain.D) < 1e-3
    assert largest_difference(state.G_ema, plain.G_ema) < 1e-3
    assert state.path_length_mean.item() == pytest.approx(plain.path_mean.item(), rel=1e-3)
    assert state.p == pytest.approx(plain.pipe.p.item(), rel=1e-6)
    assert state.p != 0.5


def test_a_step_by_kernels_equals_a_step_of_plain_torch() -> None:
    config = small_config(
        resolution=8, channel_max=8, mapping_layers=1, batch=2, micro_batch=2, mbstd_group=2, augs="color"
    )
    images = torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    plain, fused = new_state(config), new_state(config)
    training_step(plain, images, None)  # all four phases
    with ops_mode("fused"):  # in Triton's interpreter
        training_step(fused, images, None)
    for ours, theirs in ((fused.G, plain.G), (fused.D, plain.D), (fused.G_ema, plain.G_ema)):
        assert largest_difference(ours, theirs) < 1e-4


def test_the_host_never_waits_for_the_device(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adatune.ops.warp._may_read_values", lambda _: False)  # as on a GPU
    state = new_state(
        small_config(augs="bgcfnc", r1_interval=2, path_length_interval=2, c_dim=3), torch.eye(3)
    )
    images, labels = batches(1)[0], torch.eye(3)[[0, 1, 2, 2]]
    training_step(state, images, labels)  # makes constants, once
    with OnlyOnTheDevice():
        for _ in range(4):  # every phase, and p moves
            training_step(state, images, labels)


def test_without_the_interval_factor_the_step_would_differ() -> None:
    state = new_state(small_config())
    plain = PlainTraining(state)
    plain.config = replace(plain.config, r1_gamma=plain.config.r1_gamma / 16)
    for images in batches(2):
        training_step(state, images, None)
        plain.step(images)
    assert largest_difference(state.D, plain.D) > 1e-2


@pytest.mark.parametrize("micro_batch", [1, 2])
def test_micro_batches_give_the_gradients_of_the_whole_batch(micro_batch: int) -> None:
    # Path lengths have a running mean that each micro-batch moves, and groups must fit: both set aside.
    whole = new_state(small_config(mbstd_group=1, path_length_weight=0.0))
    parts = new_state(small_config(mbstd_group=1, path_length_weight=0.0, micro_batch=micro_batch))
    for images in batches(2):
        training_step(whole, images, None)
        training_step(parts, images, None)
    assert largest_difference(parts.D, whole.D) < 1e-3
    assert largest_difference(parts.G.synthesis, whole.G.synthesis) < 1e-3


def test_micro_batches_keep_the_groups_of_the_minibatch_std() -> None:
    whole = new_state(small_config(mbstd_group=2, path_length_weight=0.0))
    parts = new_state(small_config(mbstd_group=2, path_length_weight=0.0, micro_batch=2))
    (images,) = batches(1)
    training_step(whole, images, None)
    training_step(parts, images, None)
    assert largest_difference(parts.D, whole.D) < 1e-3


@pytest.mark.parametrize("changes", [{"mbstd_group": 2}, {"mbstd_group": 4, "c_dim": 3}, {"micro_batch": 2}])
def test_one_pass_over_fakes_and_reals_gives_the_gradients_of_two(changes: dict[str, Any]) -> None:
    changes = {"mbstd_group": 2} | changes
    pool = torch.eye(3)[[0, 1, 2, 2]] if "c_dim" in changes else None
    gradients = []
    for one_pass in (False, True):
        state = new_state(small_config(one_pass=one_pass, **changes), pool)
        train_discriminator(state, batches(1)[0], pool)
        gradients.append(state.discriminator_optimizer.flat.gradients)
        assert state.statistics.means()["sign_real"] is not None
    torch.testing.assert_close(*gradients, rtol=1e-4, atol=1e-6)


def test_one_broken_image_poisons_neither_the_average_nor_p() -> None:
    state = new_state(small_config(augs="none", aug_p=None))
    images = batches(1)[0]
    images[1] = float("nan")
    for _ in range(4):
        training_step(state, images, None)
    assert all(value.isfinite().all() for value in state.G_ema.state_dict().values())
    assert all(value.isfinite().all() for value in state.D.state_dict().values())
    assert 0 <= state.p <= 0.8
    assert state.statistics.means()["not_finite"] > 0


def test_frozen_parameters_do_not_move_and_the_others_do() -> None:
    state = new_state(small_config(freeze_d=4, freeze_g=2, freeze_m=0))
    before = {name: value.clone() for name, value in (state.G.state_dict() | state.D.state_dict()).items()}
    for images in batches(2):
        training_step(state, images, None)
    after = state.G.state_dict() | state.D.state_dict()
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    frozen = ("mapping.", "synthesis.b4.", "synthesis.b8.")
    assert not [name for name in moved if name.startswith(frozen)]
    assert {
        "synthesis.b16.conv0.weight",
        "synthesis.b16.torgb.weight",
        "b8.conv0.weight",
        "b4.out.weight",
    } <= moved
    assert not {"b16.fromrgb.weight", "b16.conv0.weight", "b16.conv1.bias", "b16.skip.weight"} & moved


def test_labels_reach_both_networks() -> None:
    pool = torch.eye(3)[[0, 1, 2, 2]]
    state = new_state(small_config(c_dim=3), pool)
    before = {name: value.clone() for name, value in (state.G.state_dict() | state.D.state_dict()).items()}
    training_step(state, batches(1)[0], pool)
    after = state.G.state_dict() | state.D.state_dict()
    for name in ("mapping.embed.weight", "mapping.fc0.weight"):
        assert not torch.equal(before[name], after[name])


@pytest.mark.parametrize(("bias", "direction"), [(50.0, 1), (-50.0, -1)])
def test_p_follows_a_discriminator_made_to_overfit_or_to_underfit(bias: float, direction: int) -> None:
    state = new_state(small_config(ada_kimg=100, learning_rate=1e-6))
    state.D.b4.out.bias.data.fill_(bias)  # sure that reals are real, or that they are not
    for images in batches(8):
        training_step(state, images, None)
    # Two adjustments, each by batch * interval / (ada_kimg * 1000).
    assert state.p == pytest.approx(0.5 + direction * 2 * BATCH * 4 / 100_000, abs=1e-12)
    assert state.strength.r_t == direction
