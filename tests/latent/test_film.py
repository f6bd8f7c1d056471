"""Frames: functions of their time, at the speed that was asked for, few at a time."""

import gc
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch

import adatune
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UnreadableLatents, UnreadableNetwork, UsageError
from adatune.latent import film as film_module
from adatune.latent import sampling
from adatune.latent.film import draw_frames, draw_samples, plan_film, sample_count, with_even_speed
from adatune.latent.film_config import FilmConfig
from adatune.latent.paths import positions_at
from adatune.latent.sampling import SamplingConfig, map_latents
from adatune.latent.seeds import latents_of_seeds
from adatune.networks import Generator, NetworkConfig

SHORT = {"seconds": 0.5, "frames_per_second": 12}  # six frames


@pytest.fixture(autouse=True)
def native_size(monkeypatch):
    monkeypatch.setattr(film_module, "_SMALLEST", 1)


def networks(aspect=1.0, resolution=16, **settings):
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=resolution,
        z_dim=16,
        w_dim=16,
        channel_base=512,
        channel_max=32,
        mapping_layers=2,
        **settings,
    )
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    generator.mapping.w_avg.normal_()
    for layer in generator.synthesis.layers:
        layer.noise_strength.fill_(0.3)
    return LoadedNetworks(config, None, None, generator, None, aspect, {})


def plan(model, keys, look=None, **settings):
    return plan_film(model, keys, FilmConfig(**{**SHORT, **settings}), look or SamplingConfig())


def frames(*arguments, **settings):
    return list(draw_frames(plan(*arguments, **settings)))


def styles(film):
    """w of each frame, [frames, num_ws, w_dim]."""
    return film.styles(
        film.curve.at(positions_at(film.times, film.lengths, film.curve.segments, film.easing))
    )


def pictures(model, seeds, **settings):
    return [np.asarray(picture) for picture in adatune.generate(model, seeds, **settings)]


@pytest.mark.parametrize("settings", [{}, {"space": "w"}, {"is_cubic": True}, {"easing": "smooth"}])
def test_an_open_film_begins_and_ends_with_the_pictures_of_its_seeds(settings):
    model = networks()
    drawn = frames(model, [1, 5], is_loop=False, **settings)
    first, last = pictures(model, [1, 5])
    assert len(drawn) == 6
    assert np.array_equal(drawn[0], first)
    assert np.abs(drawn[-1].astype(int) - last).max() <= 1


@pytest.mark.parametrize("settings", [{}, {"is_cubic": True}, {"motion": "walk"}, {"motion": "sweep"}])
def test_the_step_from_the_end_of_a_loop_to_its_start_is_a_step_like_the_others(settings):
    keys = [3] if "motion" in settings else [1, 5, 9]
    drawn = np.stack(frames(networks(), keys, seconds=4, **settings)).astype(int)
    steps = np.abs(drawn - np.roll(drawn, -1, axis=0)).mean(axis=(1, 2, 3))
    assert 0.2 < (steps[-1] + 0.01) / (steps[0] + 0.01) < 5
    assert steps[-1] <= 1.5 * steps.max()
    assert steps[-1] < np.abs(drawn[0] - drawn[len(drawn) // 2]).mean() / 2


@pytest.mark.parametrize("settings", [{}, {"motion": "walk", "has_noise_loop": True}])
def test_a_frame_depends_on_its_time_alone(monkeypatch, settings):
    model, keys = networks(), [2] if settings else [2, 4]
    monkeypatch.setattr(sampling, "CPU_BATCH", 4)
    film = plan(model, keys, **settings)
    together = list(draw_frames(film))
    again = list(draw_frames(plan(model, keys, **settings)))
    assert all(np.array_equal(a, b) for a, b in zip(together, again, strict=True))
    some = list(draw_frames(replace(film, times=film.times[[5, 2, 4]])))
    assert all(np.array_equal(a, together[index]) for a, index in zip(some, [5, 2, 4], strict=True))


def test_slerp_in_z_keeps_its_speed_in_z_and_lerp_in_w_its_speed_in_w():
    model = networks()
    film = plan(model, [1, 5, 9], seconds=30)
    points = film.curve.at(positions_at(film.times, film.lengths, 3))
    directions = points / np.linalg.norm(points, axis=1, keepdims=True)
    steps = np.linalg.norm(np.diff(directions, axis=0), axis=1)
    assert np.median(np.abs(steps / np.median(steps) - 1)) < 1e-6
    moved = styles(plan(model, [1, 5, 9], space="w", seconds=30)).diff(dim=0).norm(dim=(1, 2))
    assert (moved / moved.median() - 1).abs().median() < 1e-4


def test_even_speed_makes_pictures_change_evenly():
    model = networks(resolution=32)
    film = plan(model, [1, 5, 9], seconds=4)
    even = with_even_speed(film, draw_samples(film))
    assert sample_count(film) == len(list(draw_samples(film))) == 49

    def unevenness(film):
        drawn = np.stack(list(draw_frames(film))).astype(float)
        steps = np.sqrt(((drawn - np.roll(drawn, -1, axis=0)) ** 2).mean(axis=(1, 2, 3)))
        return steps.std() / steps.mean()

    assert unevenness(even) < 0.5 * unevenness(film)
    assert np.array_equal(next(draw_frames(even)), next(draw_frames(film)))


def test_a_walk_begins_at_its_seed_and_another_seed_walks_elsewhere():
    model = networks()
    walks = [frames(model, [seed], motion="walk") for seed in (3, 4)]
    for walk, seed in zip(walks, (3, 4), strict=True):
        assert np.array_equal(walk[0], pictures(model, [seed])[0])
    assert not np.array_equal(walks[0][3], walks[1][3])


def test_a_sweep_goes_through_the_mean_from_one_end_of_the_truncation_to_the_other():
    model = networks()
    film = plan(
        model, [3], SamplingConfig(psi=1.0), motion="sweep", is_loop=False, easing="linear", seconds=9 / 12
    )
    expected = [
        map_latents(model.G_ema, latents_of_seeds([3], 16), None, psi) for psi in np.linspace(-1, 1, 9)
    ]
    assert torch.allclose(styles(film), torch.cat(expected), atol=1e-5)


def test_only_the_layers_that_are_named_move():
    model = networks()
    first = map_latents(model.G_ema, latents_of_seeds([1], 16), None, 0.7)[0]
    for settings in ({}, {"space": "w"}):
        moved = styles(plan(model, [1, 5], layers="2-3", **settings))
        assert torch.equal(moved[:, [0, 1, 4, 5]], first[[0, 1, 4, 5]].expand(6, -1, -1))
        assert not torch.equal(moved[3, 2:4], first[2:4])
    with pytest.raises(UsageError, match="--mix-layers 9: this network has 6 layers"):
        plan(model, [1, 5], layers="9")


def test_noise_goes_round_a_circle_that_begins_at_the_stored_noise():
    model = networks()
    seeds = [1, 5]
    still, moving = (frames(model, seeds, has_noise_loop=loop) for loop in (False, True))
    assert np.array_equal(still[0], moving[0])
    assert not np.array_equal(still[3], moving[3])
    other = frames(model, seeds, SamplingConfig(noise_seed=1), has_noise_loop=True)
    assert not np.array_equal(other[2], moving[2])


def test_noise_keeps_its_strength_on_its_circle_and_steps_evenly():
    model = networks(resolution=64)
    film = plan(model, [1, 5], has_noise_loop=True)
    planes = [film_module._noise(film, film.times[[index]])[-1] for index in range(6)]
    for plane in planes:
        assert plane.std().item() == pytest.approx(1, rel=0.05)
    steps = [(a - b).std().item() for a, b in zip(planes, [*planes[1:], planes[0]], strict=True)]
    assert max(steps) / min(steps) < 1.1


def test_a_projected_latent_is_a_key_and_is_not_truncated(tmp_path):
    model = networks()
    w = torch.randn(1, 6, 16)
    np.savez(tmp_path / "me.npz", w=w.numpy())
    moved = styles(plan(model, [tmp_path / "me.npz", 5], is_loop=False))
    assert torch.equal(moved[0], w[0])
    seed = map_latents(model.G_ema, latents_of_seeds([5], 16), None, 0.7)[0]
    assert torch.allclose(moved[-1], seed, atol=1e-6)
    np.save(tmp_path / "other.npy", np.zeros((18, 512)))
    with pytest.raises(UnreadableLatents, match="this network takes"):
        plan(model, [5, tmp_path / "other.npy"])


def test_a_file_of_several_latents_is_as_many_keys(tmp_path):
    np.save(tmp_path / "way.npy", np.random.RandomState(0).randn(3, 6, 16))
    assert plan(networks(), [tmp_path / "way.npy"]).curve.segments == 3


@pytest.mark.parametrize("square", [False, True])
def test_portraits_are_shown_upright_unless_they_are_to_stay_square(square):
    film = plan(networks(aspect=1.25), [1, 5], SamplingConfig(is_square=square))
    assert film.size == ((16, 16) if square else (16, 20))
    assert next(draw_frames(film)).shape[:2] == film.size[::-1]


def test_small_pictures_are_enlarged_by_a_whole_number(monkeypatch):
    monkeypatch.setattr(film_module, "_SMALLEST", 256)
    film = plan(networks(aspect=1.25), [1, 5])
    assert film.size == (256, 320)
    assert next(draw_frames(film)).shape == (320, 256, 3)
    assert plan(networks(resolution=256), [1, 5]).size == (256, 256)


def test_a_class_is_needed_exactly_where_there_are_classes():
    labelled = networks(c_dim=2)
    a, b = (frames(labelled, [1, 5], SamplingConfig(label=label)) for label in (0, 1))
    assert not np.array_equal(a[2], b[2])
    with pytest.raises(UsageError, match="2 classes"):
        plan(labelled, [1, 5])


def test_a_film_that_cannot_be_is_refused_before_it_is_drawn():
    model = networks()
    with pytest.raises(UsageError, match="two keys or more"):
        plan(model, [1])
    with pytest.raises(UsageError, match="would flicker"):
        plan(model, [1, 5], SamplingConfig(noise="random"))
    with pytest.raises(UsageError, match="contradict each other"):
        plan(model, [1, 5], SamplingConfig(noise="none"), has_noise_loop=True)
    with pytest.raises(UnreadableNetwork, match="no averaged generator"):
        plan(replace(model, G_ema=None), [1, 5])


def test_memory_does_not_grow_with_the_length():
    most = []
    for seconds in (1, 20):
        film, alive, peak = plan(networks(resolution=4), [1, 5], seconds=seconds), [], 0
        for frame in draw_frames(film):
            alive = [reference for reference in alive if reference() is not None]
            alive.append(weakref.ref(frame))
            peak = max(peak, len(alive))
            del frame
        gc.collect()
        most.append(peak)
    assert most[0] == most[1] <= 2
