"""The cloud of w: which latents it is made of, and its width."""

import numpy as np
import torch

from adatune.latent.w_statistics import deviations_along, draw_ws
from adatune.networks import Generator, NetworkConfig


def small(**settings):
    torch.manual_seed(1)
    config = NetworkConfig(
        resolution=8, z_dim=6, w_dim=5, channel_base=64, channel_max=8, mapping_layers=2, **settings
    )
    generator = Generator(config).eval()
    generator.mapping.w_avg.fill_(3)
    return generator


def test_they_are_the_untruncated_w_of_numpys_draws():
    generator = small()
    ws = draw_ws(generator, 1500, None)
    z = torch.from_numpy(np.random.RandomState(123).randn(1500, 6)).float()
    with torch.no_grad():
        torch.testing.assert_close(ws, generator.mapping(z)[:, 0])
    assert not ws.requires_grad


def test_the_first_do_not_depend_on_how_many_are_asked_for():
    generator = small()
    assert torch.equal(draw_ws(generator, 7, None), draw_ws(generator, 1200, None)[:7])


def test_the_class_is_that_of_all():
    generator = small(c_dim=2)
    first, second = (draw_ws(generator, 3, torch.eye(2)[label : label + 1]) for label in (0, 1))
    assert not torch.equal(first, second)


def test_the_width_is_numpys_standard_deviation_of_the_projections():
    ws = torch.randn(300, 5) * torch.arange(1.0, 6) + 100
    vectors = torch.nn.functional.normalize(torch.randn(3, 5), dim=1)
    expected = (ws.numpy().astype(np.float64) @ vectors.numpy().T.astype(np.float64)).std(axis=0, ddof=1)
    np.testing.assert_allclose(deviations_along(ws, vectors), expected, rtol=1e-9)
