"""The plain projection of benchmarks/ finds the w that ours finds."""

import importlib.util
import sys
from functools import partial
from pathlib import Path

import torch

from adatune.latent.projection import ProjectionConfig, project_w, spread_of_w
from adatune.metrics.features import discriminator_features


def load_script(name, monkeypatch):
    folder = Path(__file__).parents[2] / "benchmarks"
    monkeypatch.syspath_prepend(str(folder))  # the scripts import one another
    spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, name, module)
    spec.loader.exec_module(module)
    return module


def test_the_plain_loop_takes_the_steps_that_ours_takes(monkeypatch):
    naive = load_script("naive", monkeypatch)
    monkeypatch.setattr(naive, "filters_are_depthwise", True)
    plain = load_script("projection", monkeypatch)
    G, D = plain.networks(16, 256)
    torch.manual_seed(1)
    with torch.no_grad():
        target = G(torch.randn(1, G.z_dim), psi=0.7, noise="const")
    spread, features = spread_of_w(G), discriminator_features(D)
    functions = partial(naive.synthesis, G), partial(naive.activations, D)
    expected = list(plain.plain_projection(*functions, target, G, spread, 6))[-1]
    found = None
    search = project_w(G, features, target, spread, ProjectionConfig(steps=6))
    while found is None:
        try:
            next(search)
        except StopIteration as end:
            found = end.value
    moved = (expected - spread.mean).norm()
    assert moved > 0.1 * spread.deviation
    assert (found - expected).norm() < 0.02 * moved
