"""What a step draws depends on the sample and the step, and on nothing else."""

from dataclasses import replace

import pytest
import torch

from adatune import random
from adatune.random import Purpose
from adatune.training.config import TrainConfig
from adatune.training.draws import draw, judge, latents, layer_noise, random_labels
from adatune.training.sources import fresh_networks
from adatune.training.state import TrainingState

CONFIG = TrainConfig(
    data="none", resolution=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8, batch=4,
    micro_batch=4, augs="bgcfnc", initial_p=0.8, seed=3, mbstd_group=1,
)  # fmt: skip
EVERYTHING, ODD = torch.arange(4), torch.tensor([1, 3])


def new_state(label_pool: torch.Tensor | None = None, **changes: object) -> TrainingState:
    config = replace(CONFIG, **changes)
    return TrainingState(config, fresh_networks(config), label_pool, torch.device("cpu"))


def test_a_part_of_the_batch_draws_what_it_draws_in_the_whole() -> None:
    state = new_state()
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    torch.testing.assert_close(
        latents(state, 0, ODD, None), latents(state, 0, EVERYTHING, None)[ODD], rtol=1e-5, atol=1e-6
    )
    for part, whole in zip(layer_noise(state, 0, ODD), layer_noise(state, 0, EVERYTHING), strict=True):
        assert torch.equal(part, whole[ODD])
    logits = judge(state, 0, Purpose.AUGMENT_FAKES, EVERYTHING, images, None)
    part = judge(state, 0, Purpose.AUGMENT_FAKES, ODD, images[ODD], None)
    torch.testing.assert_close(part, logits[ODD], rtol=1e-4, atol=1e-5)


def test_the_next_step_and_another_phase_draw_something_else() -> None:
    state = new_state()

    def numbers(phase: int) -> torch.Tensor:
        return draw(random.normal, state, phase, Purpose.LATENTS, EVERYTHING, 5)

    first = numbers(0)
    assert not (first == numbers(1)).any()
    state.step_now.fill_(1)
    assert not (first == numbers(0)).any()


@pytest.mark.parametrize("probability", [0.0, 0.3, 1.0])
def test_the_second_latent_takes_over_as_often_as_asked(probability: float) -> None:
    state = new_state(style_mixing=probability, z_dim=4)
    mixed = 0
    for step in range(200):
        state.step_now.fill_(step)
        ws = latents(state, 0, EVERYTHING[:1], None)[0]
        is_first = (ws == ws[0]).all(dim=1)
        assert is_first.sum() == is_first.long().cumprod(0).sum()  # one change at most
        mixed += int(not is_first.all())
    spread = 3 * (200 * probability * (1 - probability)) ** 0.5
    assert abs(mixed - 200 * probability) <= spread


def test_w_is_added_up_for_its_average() -> None:
    state = new_state(style_mixing=0.0)
    ws = latents(state, 0, ODD, None) + latents(state, 0, EVERYTHING[:2] * 2, None)
    torch.testing.assert_close(state.phase_sums[:8], ws[:, 0].sum(dim=0))


def test_noise_planes_have_the_sizes_of_their_layers() -> None:
    sizes = [plane.shape for plane in layer_noise(new_state(), 0, ODD)]
    assert sizes == [(2, 1, side, side) for side in (4, 8, 8, 16, 16)]


def test_labels_of_fakes_are_those_of_the_dataset_and_none_without() -> None:
    pool = torch.eye(3)[[0, 0, 2]]
    state = new_state(pool, c_dim=3)
    drawn = random_labels(state, 0, torch.arange(300))
    assert drawn is not None
    assert drawn.sum(dim=0)[1] == 0
    assert 170 < drawn.sum(dim=0)[0] < 230  # 200 expected, 3.7 standard deviations
    assert random_labels(new_state(), 0, ODD) is None
