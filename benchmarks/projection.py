"""Compares projection into W with a plain loop over the photos, on one thread, in turns, in one run.

python benchmarks/projection.py                    # two sizes, about 2 minutes
python benchmarks/projection.py --rounds 2 --sizes 16:256 --json none

The plain loop is the published one written straight down: a photo at a time, each noise plane a tensor of its
own, halved and rolled by itself, the loss read after each step, and the networks of naive.py, with depthwise
filters, which are the faster ones on a CPU. Both have the same draws and find the same w
(tests/bench/test_projection.py). A third arm runs the plain loop with our networks. Times are of the
processor, so that other work on the machine does not count.
"""

import argparse
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import sqrt
from pathlib import Path
from statistics import median
from typing import Any

import naive
import torch
import torch.nn.functional as F
from recording import RESULTS, circumstances, write
from torch import Tensor

from adatune import random
from adatune.latent.projection import (
    ProjectionConfig,
    Spread,
    learning_rate_factor,
    perturbation_factor,
    project_w,
    spread_of_w,
)
from adatune.latent.projection_noise import draw_noise, planes_of, split_noise
from adatune.metrics.features import discriminator_features
from adatune.networks import Discriminator, Generator, NetworkConfig
from adatune.random import Purpose

SIZES = "32:1024,64:2048"
PHOTOS = 4
STEPS = 1000  # that the learning rate is spread over; the benchmark makes the first ones

Synthesis = Callable[[Tensor, Sequence[Tensor]], Tensor]
Activations = Callable[[Tensor], list[Tensor]]


def plain_projection(
    synthesis: Synthesis, activations: Activations, target: Tensor, G: Generator, spread: Spread, steps: int
) -> Iterator[Tensor]:
    """Look for the w of one photo, as published; yields w after each step."""
    w = spread.mean.reshape(1, 1, -1).clone().requires_grad_()
    drawn = planes_of(split_noise(draw_noise(G.config, 0, target.device), G.config))
    noise = [plane.clone().requires_grad_() for plane in drawn]
    optimizer = torch.optim.Adam([w, *noise], lr=0.1)
    with torch.no_grad():
        wanted = plain_features(activations(target))
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.1 * learning_rate_factor(step / steps)
        sample = torch.tensor([step], device=target.device)
        draw = random.normal(0, 0, Purpose.LATENT_PERTURBATION, sample, G.config.w_dim)
        perturbation = draw * spread.deviation * perturbation_factor(step / steps)
        image = synthesis((w + perturbation).repeat(1, G.num_ws, 1), noise)
        distance = (wanted - plain_features(activations(image))).square().sum()
        loss = distance + (image - target).square().mean() + 1e5 * plain_regularization(noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        loss.item()  # for the line that says how far it is
        with torch.no_grad():
            for plane in noise:
                plane -= plane.mean()
                plane *= plane.square().mean().rsqrt()
        yield w.detach()


def plain_features(maps: Sequence[Tensor]) -> Tensor:
    """One vector of all maps, whose squared distances are perceptual."""
    parts: list[Tensor] = []
    for x in maps:
        unit = x / (x.square().sum(dim=1, keepdim=True).sqrt() + 1e-10)
        parts.append(unit.flatten() / sqrt(len(maps) * x.shape[2] * x.shape[3]))
    return torch.cat(parts)


def plain_regularization(planes: Sequence[Tensor]) -> Tensor:
    """Plane by plane and halving by halving."""
    total = torch.zeros([], device=planes[0].device)
    for plane in planes:
        while True:
            total = total + (plane * torch.roll(plane, 1, 3)).mean() ** 2
            total = total + (plane * torch.roll(plane, 1, 2)).mean() ** 2
            if plane.shape[-1] <= 8:
                break
            plane = F.avg_pool2d(plane, 2)
    return total


def networks(resolution: int, channel_base: int) -> tuple[Generator, Discriminator]:
    """Fresh ones, without gradients."""
    torch.manual_seed(0)
    config = NetworkConfig(resolution=resolution, channel_base=channel_base, mapping_layers=2)
    G, D = (network.eval().requires_grad_(False) for network in (Generator(config), Discriminator(config)))
    for layer in G.synthesis.layers:
        layer.noise_strength.fill_(0.1)
    return G, D


def searches(G: Generator, D: Discriminator, targets: Tensor) -> dict[str, list[Iterator[Tensor]]]:
    """What is compared: each a list of searches, which together step all of TARGETS once."""
    spread, features = spread_of_w(G), discriminator_features(D)
    config = ProjectionConfig(steps=STEPS)
    one_by_one = targets.split(1)
    plain = [
        plain_projection(partial(naive.synthesis, G), partial(naive.activations, D), x, G, spread, STEPS)
        for x in one_by_one
    ]
    loop = [plain_projection(G.synthesis, features.activations, x, G, spread, STEPS) for x in one_by_one]
    return {
        "ours": [project_w(G, features, targets, spread, config)],
        "ours_one_at_a_time": [project_w(G, features, x, spread, config) for x in one_by_one],
        "plain_loop_our_networks": loop,
        "plain": plain,
    }


def compare(resolution: int, channel_base: int, photos: int, rounds: int, steps: int) -> dict[str, Any]:
    """CPU milliseconds for a step of one photo, by arm, in turns, and the ratios of the medians."""
    G, D = networks(resolution, channel_base)
    with torch.no_grad():
        targets = G(torch.randn(photos, G.z_dim), psi=0.7, noise="const")
    arms = searches(G, D, targets)
    times: dict[str, list[float]] = {name: [] for name in arms}
    for round_number in range(rounds + 1):  # the first one warms up
        for name, arm in arms.items():
            started = time.process_time()
            for search in arm:
                for _ in range(steps):
                    next(search)
            if round_number:
                times[name].append((time.process_time() - started) * 1e3 / steps / photos)
    middle = {name: median(values) for name, values in times.items()}
    return {
        "resolution": resolution,
        "channel_base": channel_base,
        "photos": photos,
        "rounds": rounds,
        "steps_a_round": steps,
        "ms_a_step_and_photo": middle,
        "all_ms": times,
        "times_as_fast": {name: middle[name] / middle["ours"] for name in middle if name != "ours"},
    }


def main() -> None:
    """Measure every size and write the result."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", default=SIZES, help="resolution:channel base, ...")
    parser.add_argument("--photos", type=int, default=PHOTOS)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=4, help="of each arm in a round")
    parser.add_argument("--json", type=Path, default=RESULTS / "projection.json", help="file, or none")
    options = parser.parse_args()
    naive.filters_are_depthwise = True
    torch.set_num_threads(1)
    result, rows = circumstances(torch.device("cpu")), []
    for size in options.sizes.split(","):
        resolution, base = map(int, size.split(":"))
        rows.append(compare(resolution, base, options.photos, options.rounds, options.steps))
        ours = rows[-1]["ms_a_step_and_photo"]["ours"]
        ratios = ", ".join(f"{name} {ratio:.2f}" for name, ratio in rows[-1]["times_as_fast"].items())
        print(
            f"{resolution}x{resolution}, base {base}: {ours:.1f} ms a step and photo; "
            f"times as fast as {ratios}",
            flush=True,
        )
    if str(options.json) != "none":
        write(options.json, {**result, "sizes": rows})


if __name__ == "__main__":
    main()
