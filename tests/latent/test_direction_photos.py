"""A direction from photos: drawn faces, of which it is known what they show."""

import dataclasses

import numpy as np
import pytest
import torch
from PIL import Image
from tiny_networks import tiny_networks

import adatune
from adatune.cli.progress import with_progress
from adatune.demo.drawn_faces import ASPECT, SMALLEST_CANVAS, paint_face
from adatune.demo.face_traits import draw_traits, linear
from adatune.errors import PhotosError, UsageError
from adatune.latent.direction_photos import (
    LATENTS,
    SHEET,
    Examples,
    cut_examples,
    direction_from_photos,
    distances,
    labelled_examples,
    named_examples,
    project_sides,
    save_found,
)
from adatune.latent.direction_search import direction_between
from adatune.latent.directions import draw_moves
from adatune.latent.projection import ProjectionConfig
from adatune.latent.projection_files import save_latents
from adatune.latent.sampling import SamplingConfig
from adatune.metrics.features import discriminator_features

DARK, PALE = linear(96, 60, 42), linear(240, 205, 182)
SEEDS = range(70_000, 70_010)  # none of the faces that demo32 was trained on


def portrait(seed, skin):
    """The face SEED with this skin, upright, as a photo would show it."""
    traits = dataclasses.replace(draw_traits(seed), skin=skin)
    light = paint_face(traits, SMALLEST_CANVAS, round(SMALLEST_CANVAS * ASPECT))
    return Image.fromarray((np.clip(light, 0, 1) ** (1 / 2.2) * 255).astype(np.uint8))


@pytest.fixture(scope="module")
def faces(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    for name, skin in (("dark", DARK), ("pale", PALE)):
        (folder / name).mkdir()
        for seed in SEEDS:
            portrait(seed, skin).save(folder / name / f"{seed}.png")
    return folder


@pytest.fixture(scope="module")
def demo():
    return adatune.load("demo32")


@pytest.fixture(scope="module")
def found(faces, demo):
    """The w of the drawn faces, dark ones first."""
    sides = cut_examples(named_examples([faces / "dark"], [faces / "pale"]), faces / "n", demo, True)
    assert [len(side.targets) for side in sides] == [len(SEEDS)] * 2
    config = ProjectionConfig("w", 40)
    return project_sides(demo, discriminator_features(demo.D), sides, config, 10, with_progress)


@pytest.mark.parametrize("method", ["means", "svm"])
def test_photos_with_a_trait_give_the_direction_that_moves_it_in_generated_pictures(found, demo, method):
    direction = direction_from_photos(demo, "demo32", "dark", found, method)
    assert direction.details["left_out_accuracy"] >= 0.9
    moves = [(seed, 0, strength) for seed in range(8) for strength in (-2.0, 2.0)]
    drawn = np.stack(
        [np.asarray(picture) for picture in draw_moves(demo, direction, moves, SamplingConfig())]
    )
    change = (drawn[1::2].astype(float) - drawn[::2]).mean(axis=0)
    pairs = [[np.asarray(portrait(seed, skin).resize((32, 40), 4), float) for skin in (DARK, PALE)]
             for seed in SEEDS]  # fmt: skip
    truth = np.mean([dark - pale for dark, pale in pairs], axis=0)
    assert np.corrcoef(change.ravel(), truth.ravel())[0, 1] > 0.7
    face = slice(14, 28), slice(11, 21)
    assert change[face].mean() < -30


def test_what_was_found_is_told_and_stands_for_the_photos_the_next_time(found, demo, tmp_path):
    direction = direction_from_photos(demo, "demo32", "dark", found, "means", "coarse")
    assert direction.details["examples"] == [len(SEEDS)] * 2
    assert direction.details["distance"] == round(float(np.median(distances(found))), 4)
    files = save_found(found, tmp_path / "new", "dark", demo.aspect)
    assert [file.name for file in files] == [SHEET, *LATENTS]
    Image.open(files[0]).verify()
    examples = named_examples(*[[file] for file in files[1:]])
    again = project_sides(demo, None, cut_examples(examples, tmp_path, demo, False),
                          ProjectionConfig("w"), 1, with_progress)  # fmt: skip
    assert distances(again) == []
    assert save_found(again, tmp_path / "none", "", 1.0) == []
    repeated = direction_from_photos(demo, "demo32", "dark", again, "means", "coarse")
    torch.testing.assert_close(repeated.vectors, direction.vectors)
    assert "distance" not in repeated.details


def test_of_latents_with_a_w_for_each_layer_those_count_that_will_be_moved(tmp_path):
    model = tiny_networks()
    torch.manual_seed(0)
    ws = torch.randn(2, 6, model.G_ema.num_ws, 16)
    for side, name in zip(ws, LATENTS, strict=True):
        save_latents(side, tmp_path / name)
    sides = cut_examples(named_examples(*[[tmp_path / name] for name in LATENTS]), tmp_path, model, False)
    config = ProjectionConfig("w")
    both = project_sides(model, None, sides, config, 1, with_progress)
    direction = direction_from_photos(model, "", "", both, "means", "2-3")
    means = ws[0, :, 2:4].mean(dim=1), ws[1, :, 2:4].mean(dim=1)
    expected = direction_between(model, "", "", means, "means", "2-3", None, {})
    assert torch.equal(direction.vectors, expected.vectors)


def test_a_table_or_sub_folders_say_which_photos_have_it(faces):
    lines = ["source,label", "dark/70000.png,1", "dark/70001.png,1", "pale/70000.png,0"]
    table = faces / "labels.csv"
    table.write_text("\n".join(lines))
    sides = labelled_examples([faces], str(table))
    assert [[photo.name for photo in side.photos] for side in sides] == [
        ["dark/70000.png", "dark/70001.png"],
        ["pale/70000.png"],
    ]
    sides = labelled_examples([faces], "folders", "pale")
    assert [len(side.photos) for side in sides] == [len(SEEDS), len(SEEDS)]
    assert {photo.name[:4] for photo in sides[0].photos} == {"pale"}


def test_labels_that_do_not_say_it_are_refused(faces, tmp_path):
    with pytest.raises(UsageError, match=r"--trait is missing. The labels are dark, pale"):
        labelled_examples([faces], "folders")
    with pytest.raises(UsageError, match=r"No photo is labelled 'old'. The labels are dark, pale"):
        labelled_examples([faces], "folders", "old")
    table = tmp_path / "vectors.csv"
    table.write_text("source,label_0\ndark/70000.png,1\npale/70000.png,0.5\n")
    with pytest.raises(UsageError, match="has a vector for each photo"):
        labelled_examples([faces], str(table))
    table.write_text("source,label\ndark/70000.png,0\npale/70000.png,2\nelsewhere.png,1\n")
    with pytest.raises(UsageError, match=r"--trait is missing. The labels are 0, 2:"):
        labelled_examples([faces], str(table))


def test_labels_of_one_kind_and_photos_in_no_sub_folder_are_refused_with_another_way(faces, tmp_path):
    table = tmp_path / "labels.csv"
    table.write_text("source,label\n70000.png,1\n")
    for labels, photos in ((str(table), faces / "pale"), ("folders", faces / "dark")):
        with pytest.raises(PhotosError, match=r"[Nn]ame --positive and --negative in place of --photos"):
            labelled_examples([photos], labels)


def test_a_photo_on_both_sides_is_refused(faces):
    with pytest.raises(UsageError, match=r"70000.png is among both --positive and --negative"):
        named_examples([faces / "dark"], [faces / "pale", faces / "pale" / ".." / "dark" / "70000.png"])


def test_photos_without_a_face_are_left_out_and_a_side_of_nothing_else_is_an_error(tmp_path, demo):
    for name in ("with", "without"):
        (tmp_path / name).mkdir()
        Image.new("RGB", (200, 250), (90, 120, 150)).save(tmp_path / name / "wall.png")
    portrait_of_someone = Image.fromarray(
        (np.clip(paint_face(draw_traits(12), 400, 500), 0, 1) ** (1 / 2.2) * 255).astype(np.uint8)
    )
    portrait_of_someone.save(tmp_path / "with" / "face.png")
    only = named_examples([tmp_path / "with"], [tmp_path / "without"])
    side, _ = cut_examples((only[0], Examples("--negative", [], [])), tmp_path / "n", demo, False)
    assert [target.name for target in side.targets] == ["face"]
    assert list(side.skipped) == ["wall.png"]
    with pytest.raises(PhotosError, match=r"^--negative: None of the 1 photos can be used \(wall.png: "):
        cut_examples((only[1], only[0]), tmp_path / "n", demo, False)
