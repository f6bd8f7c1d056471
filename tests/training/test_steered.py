"""Joint training: who is edited, what the edit's loss is, and that generator and walk learn from it."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from host_waits import OnlyOnTheDevice
from torch import Tensor

from adatune import random
from adatune.random import Purpose
from adatune.training.config import TrainConfig
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState
from adatune.training.steered import EDIT, edit_loss, edited, walked
from adatune.training.step import DISCRIMINATOR, R1, train_generator, training_step

BATCH = 8
CONFIG = TrainConfig(
    data="none", resolution=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8,
    batch=BATCH, micro_batch=BATCH, r1_gamma=2.0, augs="color", initial_p=0.3, steer="shiftx", seed=4,
)  # fmt: skip
SAMPLES = torch.arange(BATCH)


def new_state(**changes: Any) -> TrainingState:
    config = replace(CONFIG, **changes)
    pool = torch.eye(config.c_dim) if config.c_dim else None
    return TrainingState(config, fresh_networks(config), pool, torch.device("cpu"))


def photos(seed: int = 0) -> Tensor:
    return torch.rand(BATCH, 3, 16, 16, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_without_an_edit_nothing_is_touched() -> None:
    state, images, ws = new_state(steer=""), photos(), torch.zeros(BATCH, 6, 8)
    assert edited(state, R1, SAMPLES, images) is images
    assert walked(state, R1, SAMPLES, ws) is ws


def test_some_photos_are_shifted_by_their_own_whole_pixels_and_the_others_stay() -> None:
    state, images = new_state(), photos()
    shown = edited(state, DISCRIMINATOR, SAMPLES, images)
    draws = random.uniform(4, 0, DISCRIMINATOR << 5 | Purpose.EDIT_PHOTOS, SAMPLES, 2)
    pixels = torch.where(draws[:, 0] < 0.5, ((draws[:, 1] * 2 - 1) * 50 / 256 * 16).round(), 0.0)
    assert 0 < int((pixels == 0).sum()) < BATCH
    for image, before, x in zip(shown, images, pixels.int().tolist(), strict=True):
        turned = before.flip(-1) if x < 0 else before  # to the left is to the right, mirrored
        expected = torch.cat([turned[..., : abs(x)].flip(-1), turned], dim=-1)[..., :16]
        torch.testing.assert_close(image.flip(-1) if x < 0 else image, expected, atol=1e-5, rtol=0)


def test_a_sample_is_edited_alike_whichever_others_are_in_its_micro_batch() -> None:
    state, images = new_state(), photos()
    whole = edited(state, R1, SAMPLES, images)
    torch.testing.assert_close(edited(state, R1, SAMPLES[1::2], images[1::2]), whole[1::2])
    other = edited(state, DISCRIMINATOR, SAMPLES, images)
    assert not torch.equal(other, whole)  # phases draw for themselves


def test_the_loss_is_the_mean_square_from_the_edit_and_moves_walk_and_synthesis() -> None:
    state = new_state(steer="brightness")
    state.G.synthesis.requires_grad_(True)
    trained = state.trained_walk
    assert trained is not None
    loss = edit_loss(state, trained, SAMPLES)
    z = random.normal(4, 0, EDIT << 5 | Purpose.LATENTS, SAMPLES, 8)
    noise, start = [], 0
    drawn = random.normal(4, 0, EDIT << 5 | Purpose.LAYER_NOISE, SAMPLES, 16 + 2 * 64 + 2 * 256)
    for side in (4, 8, 8, 16, 16):
        noise.append(drawn[:, start : start + side**2].reshape(BATCH, 1, side, side))
        start += side**2
    alphas = (random.uniform(4, 0, EDIT << 5 | Purpose.WALK, SAMPLES, 2)[:, 1] * 2 - 1) * 0.5
    with torch.no_grad():
        ws = state.G.mapping(z)
        target = state.G.synthesis(ws, noise) + alphas[:, None, None, None]
    images = state.G.synthesis(ws + alphas[:, None, None] * trained.walk.vectors, noise)
    expected = (images - target).square().mean()
    torch.testing.assert_close(loss, expected)
    wanted = [trained.walk.vectors, state.G.synthesis.b16.conv1.weight]
    for ours, theirs in zip(
        torch.autograd.grad(loss, wanted), torch.autograd.grad(expected, wanted), strict=True
    ):
        torch.testing.assert_close(ours, theirs)
        assert ours.abs().max() > 0


def test_fakes_along_the_walk_come_to_look_like_edited_ones() -> None:
    state = new_state(steer="brightness", steer_learning_rate=0.02, steer_weight=100.0)
    assert state.trained_walk is not None
    before = edit_loss(state, state.trained_walk, SAMPLES).item()
    for step in range(40):
        training_step(state, photos(step % 4), None)
    state.step_now.zero_()  # the draws of before
    assert edit_loss(state, state.trained_walk, SAMPLES).item() < 0.5 * before


def test_micro_batches_give_the_gradients_of_the_whole_batch() -> None:
    gradients: list[Tensor] = []
    for micro_batch in (BATCH, 2):
        state = new_state(mbstd_group=1, style_mixing=0.0, micro_batch=micro_batch)
        train_generator(state)
        assert state.trained_walk is not None
        gradients.append(state.trained_walk.optimizer.flat.gradients)
    torch.testing.assert_close(*gradients, rtol=1e-3, atol=1e-6)
    assert gradients[0].abs().max() > 1e-3


def test_the_mean_w_moves_as_it_would_without_a_walk() -> None:
    plain, steered = new_state(steer="", learning_rate=1e-12), new_state(learning_rate=1e-12)
    for state in (plain, steered):
        training_step(state, photos(), None)
    torch.testing.assert_close(steered.G.mapping.w_avg, plain.G.mapping.w_avg)
    assert plain.G.mapping.w_avg.abs().max() > 0


@pytest.mark.parametrize("edit", ["zoom", "shifty", "rotate2d", "rotate3d", "color", "colorlab"])
def test_the_host_never_waits_for_the_device(edit: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("adatune.ops.warp._may_read_values", lambda _: False)  # as on a GPU
    state, labels = new_state(steer=edit, c_dim=3, path_length_interval=2), torch.eye(3)[SAMPLES % 3]
    training_step(state, photos(), labels)  # makes constants, once
    with OnlyOnTheDevice():
        for _ in range(2):
            training_step(state, photos(), labels)
