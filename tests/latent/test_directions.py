"""Moving along directions: which layers, how far, which bits, and from a network to its child."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image

import adatune
from adatune.checkpoints import LoadedNetworks
from adatune.errors import UsageError
from adatune.latent.direction_files import Directions, no_shares
from adatune.latent.direction_search import Search, find_directions
from adatune.latent.directions import (
    check_fits,
    direction_number,
    draw_moves,
    move,
    parse_strengths,
    row_labels,
    save_strength_sheet,
    warn_of_stranger,
)
from adatune.latent.kinship import content_hash, weight_sketch
from adatune.latent.sampling import SamplingConfig
from adatune.networks import Generator, NetworkConfig


def networks(resolution=16, w_dim=8):
    torch.manual_seed(3)
    config = NetworkConfig(
        resolution=resolution, z_dim=8, w_dim=w_dim, channel_base=256, channel_max=16, mapping_layers=2
    )
    generator = Generator(config).eval().requires_grad_(requires_grad=False)
    return LoadedNetworks(config, None, None, generator, None, 1.25, {})


def some(model, layers=(1, 2), rows=1):
    vectors = torch.nn.functional.normalize(torch.randn(2, rows, 8), dim=2)
    sketch, own = weight_sketch(model.G_ema), content_hash(model.G_ema)
    return Directions(
        "smile", "sefa", "faces", own, 6, list(layers), vectors, torch.tensor([2.0, 3.0]), no_shares(2),
        sketch, {},
    )  # fmt: skip


def pixels(pictures):
    return [np.asarray(picture) for picture in pictures]


def test_a_move_is_so_many_deviations_in_the_layers_alone():
    ws = torch.randn(5, 6, 8)
    directions = some(networks())
    change = move(ws, directions, 1, -1.5) - ws
    expected = torch.zeros(5, 6, 8)
    expected[:, 1:3] = -1.5 * 3 * directions.vectors[1]
    torch.testing.assert_close(change, expected)


def test_a_direction_of_several_rows_moves_each_layer_its_own_way():
    ws = torch.zeros(6, 8)
    directions = some(networks(), rows=2)
    torch.testing.assert_close(move(ws, directions, 0, 1.0)[[1, 2]], 2 * directions.vectors[0])


def test_no_strength_is_the_picture_of_generate_bit_for_bit():
    model = networks()
    moves = [(seed, 0, strength) for seed in (4, 9) for strength in (-1.0, 0.0, 1.0)]
    drawn = pixels(draw_moves(model, some(model), moves, SamplingConfig(psi=0.6)))
    for index, expected in enumerate(pixels(adatune.generate(model, [4, 9], psi=0.6))):
        assert np.array_equal(drawn[3 * index + 1], expected)
        assert not np.array_equal(drawn[3 * index], expected)
    assert drawn[0].shape == (20, 16, 3)


def test_a_move_is_the_same_bytes_whatever_else_is_on_the_sheet():
    model = networks()
    directions = some(model)
    moves = [(1, 0, 2.0), (7, 1, -2.0), (1, 1, 0.5)]
    together = pixels(draw_moves(model, directions, moves, SamplingConfig()))
    for one, expected in zip(moves, together, strict=True):
        (alone,) = pixels(draw_moves(model, directions, [one], SamplingConfig()))
        assert np.array_equal(alone, expected)


@pytest.mark.parametrize("model", [networks(resolution=32), networks(w_dim=16)])
def test_a_network_of_another_shape_is_refused(model):
    with pytest.raises(UsageError, match=r"smile is for networks with (6 layers|8 numbers).* found in faces"):
        check_fits(some(networks()), model.config)
    with pytest.raises(UsageError, match="smile is for networks"):
        draw_moves(model, some(networks()), [(0, 0, 1.0)], SamplingConfig())


def test_a_stranger_is_warned_of_and_the_network_itself_is_not():
    model = networks()
    directions = some(model)
    assert warn_of_stranger(directions, model) is None
    torch.manual_seed(99)
    other = LoadedNetworks(model.config, None, None, Generator(model.config), None, 1.0, {})
    assert "nothing in common" in (warn_of_stranger(directions, other) or "")


@pytest.fixture(scope="module")
def parent_and_child(tmp_path_factory):
    """demo32, and what 0.2 kimg of training on 32 drawn faces in sepia made of it."""
    from adatune.demo.drawn_faces import draw_dataset
    from adatune.demo.run import fine_tuning
    from adatune.training.loop import train

    folder = tmp_path_factory.mktemp("child")
    draw_dataset(folder / "faces", 32, 32)
    for file in (folder / "faces" / "images").iterdir():
        grey = np.asarray(Image.open(file).convert("L"))[:, :, None]
        Image.fromarray((grey * [1.15, 0.95, 0.7]).clip(0, 255).astype(np.uint8)).save(file)
    (folder / "run").mkdir()
    run = train(fine_tuning(folder / "faces", 0.2), folder / "run")
    return adatune.load("demo32"), adatune.load(run)


def changes(model, directions):
    """Six seeds, and what +2 along each of four DIRECTIONS changes in their pictures, [24, ...] each."""
    moves = [(seed, number, strength) for seed in range(6) for number in range(4) for strength in (0.0, 2.0)]
    drawn = np.stack(pixels(draw_moves(model, directions, moves, SamplingConfig()))).astype(float)
    return drawn[::2], drawn[1::2] - drawn[::2]


def correlations(first, second):
    pairs = zip(first, second, strict=True)
    return np.array([np.corrcoef(one.ravel(), other.ravel())[0, 1] for one, other in pairs])


def warmth(drawn):
    return (drawn[..., 0] - drawn[..., 2]).mean()


def test_a_direction_does_the_same_in_a_child_that_draws_other_pictures_and_a_random_one_does_not(
    parent_and_child,
):
    parent, child = parent_and_child
    directions = find_directions(parent, "demo32", "main", Search("sefa", None, 4))
    assert warn_of_stranger(directions, child) is None
    random = torch.randn(directions.vectors.shape, generator=torch.Generator().manual_seed(0))
    others = dataclasses.replace(directions, vectors=torch.nn.functional.normalize(random, dim=2))
    before, wanted = changes(parent, directions)
    after, found = changes(child, directions)
    assert warmth(after) > warmth(before) + 2  # of 255; 3.5 measured: the child has begun to learn sepia
    own, of_others = correlations(wanted, found), correlations(wanted, changes(child, others)[1])
    assert own.min() > 0.9  # 0.98 measured; random directions have a median of 0.14, and 0.63 at most
    assert np.median(of_others) < 0.5
    assert own.min() > of_others.max() + 0.2


def test_strengths_are_even_and_their_middle_is_nothing():
    assert parse_strengths("-3:3", 7) == [-3, -2, -1, 0, 1, 2, 3]
    assert parse_strengths("-.7 : 0.7", 3) == [-0.7, 0, 0.7]
    assert parse_strengths("2:-2", 2) == [2, -2]
    assert 0.0 in parse_strengths("-0.3:0.3", 7)


@pytest.mark.parametrize("text", ["3", "a:b", "1:2:3", ":", "nan:1", "0:inf", ""])
def test_strengths_that_are_none_are_refused(text):
    with pytest.raises(UsageError, match="is no range"):
        parse_strengths(text, 5)


def test_steps_and_numbers_out_of_range_are_refused():
    with pytest.raises(UsageError, match="--steps 1 is out of range"):
        parse_strengths("-1:1", 1)
    with pytest.raises(UsageError, match="--number 2: smile has 2 directions, 0 to 1"):
        direction_number(some(networks()), 2)


def test_a_sheet_has_a_row_for_each_label_and_a_column_for_each_strength(tmp_path):
    colours = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (200, 200, 0), (0, 200, 200), (200, 0, 200)]
    pictures = [Image.new("RGB", (128, 128), colour) for colour in colours]
    file = tmp_path / "new" / "sheet.png"
    save_strength_sheet(pictures, ["0", "1"], [-1.0, 0.0, 1.0], "moved", file)
    sheet = np.asarray(Image.open(file))
    places = [np.argwhere((sheet == colour).all(axis=-1)).min(axis=0) for colour in colours]
    rows, columns = np.array(places).T
    assert rows[0] == rows[1] == rows[2] < rows[3] == rows[5]
    assert columns[0] == columns[3] < columns[1] == columns[4] < columns[2]


def test_a_sheet_too_large_for_a_file_is_refused_after_one_picture(tmp_path):
    drawn = iter([Image.new("RGB", (1024, 1280))])
    with pytest.raises(UsageError, match="Ask for fewer --steps or rows"):
        save_strength_sheet(drawn, [""] * 60, [0.0] * 7, "", tmp_path / "sheet.png")


def test_rows_say_what_share_a_direction_explains_where_there_is_one():
    directions = some(networks())
    assert row_labels(directions, range(2)) == ["0", "1"]
    shared = dataclasses.replace(directions, shares=torch.tensor([0.25, 0.001]))
    assert row_labels(shared, [0]) == ["0 (25.0%)"]
