"""Files of pictures and sheets."""

import pytest
from PIL import Image

from adatune.errors import UsageError
from adatune.latent.picture_files import (
    free_path,
    output_folder,
    parse_grid,
    save_pictures,
    save_sheet,
    seeds_for,
)


def colours(count):
    return [(seed, Image.new("RGB", (4, 5), (seed * 40, 0, 0))) for seed in range(count)]


def test_pictures_of_a_run_go_into_the_run_and_others_into_the_home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    run = tmp_path / "runs" / "00000-faces"
    run.mkdir(parents=True)
    (run / "config.toml").touch()
    assert output_folder(run / "network-000200.safetensors") == run / "generated" / "network-000200"
    assert output_folder(tmp_path / "pretrained" / "ffhq.pkl") == tmp_path / "generated" / "ffhq"


def test_each_picture_is_a_file_named_by_its_seed(tmp_path):
    files = save_pictures(colours(2), tmp_path / "new" / "folder", "png")
    assert [file.name for file in files] == ["seed0000.png", "seed0001.png"]
    assert Image.open(files[1]).getpixel((0, 0)) == (40, 0, 0)


def test_a_sheet_is_filled_row_by_row_and_ends_in_black(tmp_path):
    path = save_sheet(colours(5), range(5), (3, 2), tmp_path, "png")
    assert path.name == "grid3x2-seeds0000-0004.png"
    sheet = Image.open(path)
    assert sheet.size == (12, 10)
    assert [sheet.getpixel((x, y))[0] for y in (0, 5) for x in (0, 4, 8)] == [0, 40, 80, 120, 160, 0]


def test_a_sheet_larger_than_a_file_can_be_is_refused(tmp_path):
    with pytest.raises(UsageError, match="Use a smaller --grid"):
        save_sheet([(0, Image.new("RGB", (64, 64)))], [0], (2000, 1), tmp_path, "jpg")


def test_a_grid_is_columns_by_rows():
    assert parse_grid("8x4") == (8, 4)
    assert parse_grid("8X4") == (8, 4)


@pytest.mark.parametrize("text", ["8", "0x3", "axb", "8x", "-1x2", ""])
def test_a_grid_that_is_no_grid_is_refused(text):
    with pytest.raises(UsageError, match="COLUMNSxROWS"):
        parse_grid(text)


def test_without_seeds_there_are_64_or_as_many_as_the_sheet_holds():
    assert seeds_for(None, None) == list(range(64))
    assert seeds_for(None, (2, 3)) == list(range(6))


def test_more_pictures_than_places_are_refused_with_the_grid_that_fits():
    with pytest.raises(UsageError, match="Use --grid 2x5"):
        seeds_for("0-9", (2, 2))


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    names = []
    for _ in range(3):
        names.append(free_path(tmp_path, "film", "mp4"))
        names[-1].touch()
    assert [path.name for path in names] == ["film.mp4", "film-2.mp4", "film-3.mp4"]
