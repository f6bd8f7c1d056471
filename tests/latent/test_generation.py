"""What is asked for becomes one thing, and what contradicts itself is refused before anything is drawn."""

import json
from pathlib import Path

import pytest
from PIL import Image
from tiny_networks import tiny_networks

from adatune.errors import UsageError
from adatune.latent.generation import GenerateConfig, make
from adatune.prep.opencv import cv2

PATH = Path("runs/00000-x/net.safetensors")


def counted(totals):
    def progress(items, count, verb="Drawing", noun="pictures"):
        done = 0
        for item in items:
            done += 1
            yield item
        totals.append((done, count))

    return progress


def made(tmp_path, networks=None, **wanted):
    totals = []
    config = GenerateConfig(**{"out": tmp_path, **wanted})
    result = make(config, PATH, networks or tiny_networks(16), counted(totals))
    assert all(done == count for done, count in totals), "progress counts what is drawn"
    assert all(file.is_file() for file in result.files)
    json.dumps(result.details)
    return result


@pytest.mark.parametrize(
    ("wanted", "name"),
    [
        ({"seeds": "3-4"}, "seed0003.png"),
        ({"seeds": "3-4", "grid": "2x1"}, "grid2x1-seeds0003-0004.png"),
        ({"seeds": "3-4", "sweep": True}, "truncation-seeds0003-0004.png"),
        ({"seeds": "3-4", "sweep": True, "cutoff": 2, "suffix": "jpg"}, "truncation-seeds0003-0004.jpg"),
        ({"seeds": "3-4", "noise_seed": "0-2"}, "noise-seeds-seeds0003-0004.png"),
        ({"seeds": "3-4", "noise_layers": "sheet"}, "noise-layers-seeds0003-0004.png"),
        ({"seeds": "3-4", "noise_layers": "8-16"}, "seed0003.png"),
        ({"seeds": "3-9", "rank": True}, "rank-seeds0003-0009.png"),
        ({"seeds": "3-9", "pick": 3, "features": "discriminator"}, "pick-seeds0003-0009.png"),
        ({"seeds": "3-4", "browse": 5}, "browse-2-from3.html"),
        ({"browse": 5, "draw": 1}, "browse-5-from1791095845.html"),
    ],
)
def test_each_kind_has_its_file(tmp_path, wanted, name):
    assert made(tmp_path, **wanted).files[0] == tmp_path / name


def test_classes_make_a_row_each_and_a_single_one_pictures(tmp_path):
    networks = tiny_networks(8, c_dim=3)
    sheet = made(tmp_path, networks, classes="all", seeds="0-1")
    assert sheet.files == [tmp_path / "classes-seeds0000-0001.png"]
    assert sheet.details["settings"] == ["class 0", "class 1", "class 2"]
    assert made(tmp_path, networks, classes="0-1", seeds="5").details["settings"] == ["class 0", "class 1"]
    assert made(tmp_path, networks, classes="2", seeds="5").files == [tmp_path / "seed0005.png"]
    with pytest.raises(UsageError, match="3 classes and --class has none"):
        made(tmp_path, networks, seeds="5")


def test_a_ranking_lists_every_seed_with_its_value_and_what_to_type_next(tmp_path):
    result = made(tmp_path, seeds="3-17", rank=True, grid="2x2")
    order = result.details["order"]
    assert sorted(entry["seed"] for entry in order) == list(range(3, 18))
    assert [entry["score"] for entry in order] == sorted((entry["score"] for entry in order), reverse=True)
    first = ",".join(str(entry["seed"]) for entry in order[:10])
    assert f"--seeds {first}" in result.remarks


def test_likeness_to_a_photo_names_its_features_and_its_distances(tmp_path):
    Image.new("RGB", (20, 20), (200, 10, 10)).save(tmp_path / "red.png")
    result = made(tmp_path, seeds="3-8", like=(tmp_path / "red.png",), features="discriminator")
    assert "by discriminator and pixels" in result.details["method"]
    assert result.details["order"][0]["photos"] == {"red": result.details["order"][0]["distance"]}
    assert any("red.png: no usable face" in remark for remark in result.remarks)


def test_a_film_of_the_seeds_can_be_played(tmp_path):
    result = made(tmp_path, tiny_networks(8), seeds="1,5", video=True)
    film, sheet = result.files
    assert film.suffix == ".mp4"
    assert sheet.suffix == ".png"
    frames = int(cv2.VideoCapture(str(film)).get(cv2.CAP_PROP_FRAME_COUNT))
    assert frames == result.details["frames"] == 120


def test_a_page_says_how_its_pictures_are_drawn_again(tmp_path):
    options = {"psi": 0.4, "cutoff": 2, "noise": "random", "noise_seed": "3", "square": True}
    text = made(tmp_path, browse=1, **options).files[0].read_text()
    assert f"adatune generate {PATH} --psi 0.4 --cutoff 2 --noise random --noise-seed 3 --square" in text


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"rank": True, "pick": 3}, "--rank and --pick make two different things"),
        ({"browse": 3, "sweep": True}, "--browse and --truncation-sweep make two"),
        ({"noise_seed": "0-3", "noise_layers": "sheet"}, "several --noise-seed and several --noise-layers"),
        ({"noise_seed": "3-0"}, "--noise-seed 3-0: the range .* runs backwards"),
        ({"noise_seed": "x"}, "--noise-seed 'x'"),
        ({"browse": 3, "grid": "2x2"}, "Leave --grid out"),
        ({"noise": "none", "noise_layers": "64-"}, "--noise none leaves all noise out"),
        ({"noise": "none", "noise_seed": "0-3"}, "--noise none leaves out"),
        ({"sweep": True, "layer_psi": "0:1"}, "--truncation-sweep varies what --layer-psi fixes"),
        ({"video": True, "cutoff": 2}, "Leave --cutoff out"),
        ({"video": True, "noise": "random"}, "Leave --noise random out"),
    ],
)
def test_what_contradicts_itself_is_refused(wanted, words):
    with pytest.raises(UsageError, match=words):
        GenerateConfig(**wanted)
