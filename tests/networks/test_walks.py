"""Walks: lines, learned steps, and the spaces that they go through."""

import pytest
import torch

from adatune.networks import Generator, NetworkConfig
from adatune.networks.walks import LinearWalk, NonlinearWalk, shape_of, start, to_ws


def generator():
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=16, z_dim=12, w_dim=8, channel_base=64, channel_max=8, mapping_layers=2, c_dim=2
    )
    network = Generator(config).eval().requires_grad_(requires_grad=False)
    network.mapping.w_avg.normal_()
    return network


def source(seed=0):
    return torch.Generator().manual_seed(seed)


LABEL = torch.tensor([[0.0, 1.0]])


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_who_does_not_move_has_the_w_of_the_mapping(space):
    network, latents = generator(), torch.randn(3, 12)
    begun = start(network, space, latents, LABEL, 0.6)
    assert begun.positions.shape == (3, *shape_of(network, space))
    expected = network.mapping(latents, LABEL.expand(3, -1), 0.6)
    torch.testing.assert_close(to_ws(network, space, begun.positions, begun), expected)


def test_a_walk_in_w_moves_all_layers_alike_and_one_in_w_plus_each_by_itself():
    network, latents = generator(), torch.randn(2, 12)
    for space, is_alike in (("w", True), ("w+", False)):
        begun = start(network, space, latents, LABEL, 1.0)
        walk = LinearWalk(1, *shape_of(network, space), source())
        moved = to_ws(network, space, walk(begun.positions, torch.tensor([[0.5]])), begun)
        step = moved - network.mapping(latents, LABEL.expand(2, -1))
        assert torch.allclose(step, step[:, :1].expand_as(step), atol=1e-6) is is_alike


def test_a_linear_walk_adds_its_sliders():
    walk, positions = LinearWalk(2, 1, 5, source()), torch.randn(3, 1, 5)
    sliders = torch.tensor([[1.0, 0.0], [0.0, -2.0], [0.5, 0.5]])
    expected = positions.numpy() + (sliders.numpy() @ walk.vectors.detach()[:, 0].numpy())[:, None]
    torch.testing.assert_close(walk(positions, sliders).detach(), torch.from_numpy(expected))
    assert torch.equal(walk(positions, torch.zeros(1, 2)), positions)


def by_hand(walk, x, direction):
    (first, second), (bias, last) = walk.weights[direction].detach(), walk.biases[direction].detach()
    return x + torch.stack([((row @ a + b).clamp(min=0) @ c) + d for row, a, b, c, d in
                            zip(x, first, bias, second, last, strict=True)])  # fmt: skip


ORIGIN = torch.zeros(5)


def nonlinear(rows=2, dim=5, centre=ORIGIN, **settings):
    walk = NonlinearWalk(rows, dim, 0.2, centre, source(), **settings)
    torch.nn.init.normal_(walk.biases)
    return walk


@pytest.mark.parametrize(("slider", "direction", "steps"), [(0.6, 0, 3), (-0.4, 1, 2), (1.4, 0, 7)])
def test_a_nonlinear_walk_takes_its_step_again_and_again_each_way_with_its_own_layers(
    slider, direction, steps
):
    walk, positions = nonlinear(), torch.randn(1, 2, 5)
    expected = positions[0]
    for _ in range(steps):
        expected = by_hand(walk, expected, direction)
    moved = walk(positions, torch.tensor([[slider]])).detach()
    torch.testing.assert_close(moved[0], expected, rtol=1e-4, atol=1e-4)


def test_between_whole_steps_a_nonlinear_walk_goes_in_a_line_and_pictures_go_their_own_way():
    walk, positions = nonlinear(), torch.randn(3, 2, 5)
    moved = walk(positions, torch.tensor([[0.0], [0.3], [-0.1]])).detach()
    assert torch.equal(moved[0], positions[0])
    once = by_hand(walk, positions[1], 0)
    torch.testing.assert_close(moved[1], (once + by_hand(walk, once, 0)) / 2, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(moved[2], (positions[2] + by_hand(walk, positions[2], 1)) / 2)


def test_steps_in_z_keep_the_length():
    walk, positions = nonlinear(rows=1, centre=None), torch.randn(4, 1, 5)
    moved = walk(positions, torch.tensor([[1.0]]))
    torch.testing.assert_close(moved.norm(dim=2), positions.norm(dim=2))
    assert (moved - positions).abs().max() > 0.1


def test_steps_in_w_are_pulled_towards_the_mean_where_that_is_asked_for():
    centre, positions = torch.randn(5), torch.randn(2, 2, 5)
    free, pulled = (nonlinear(centre=centre, step_psi=psi) for psi in (1.0, 0.25))
    pulled.load_state_dict(free.state_dict())
    slider = torch.tensor([[0.2]])
    torch.testing.assert_close(
        pulled(positions, slider) - centre, 0.25 * (free(positions, slider) - centre), rtol=1e-4, atol=1e-5
    )


def test_the_first_steps_are_short():
    walk, positions = NonlinearWalk(1, 64, 0.2, torch.zeros(64), source()), torch.randn(50, 1, 64)
    moved = walk(positions, torch.tensor([[1.0]])) - positions
    assert 0.05 < moved.norm() / positions.norm() < 0.5
