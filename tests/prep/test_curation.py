from pathlib import Path

import pytest

from adatune.errors import PhotosError
from adatune.prep.curation import Curation, read_curation
from adatune.prep.review import Box

REVIEW = "source,face,decision\na.jpg,0,drop\nb.jpg,1,keep\n"
CROPS = "source,x,y,width,height\nb.jpg,1,2,40,50\n"
SOURCES = ["a.jpg", "b.jpg"]


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    (tmp_path / "given.csv").write_text(REVIEW)
    (tmp_path / "boxes.csv").write_text(CROPS)
    return tmp_path / "given.csv", tmp_path / "boxes.csv"


def test_what_is_given_once_holds_for_later_runs_until_it_is_forgotten(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    first = read_curation(tmp_path / "d", SOURCES, *files)
    (tmp_path / "d").mkdir()
    first.save(tmp_path / "d")
    for file in files:
        file.unlink()
    again = read_curation(tmp_path / "d", SOURCES, None, None)
    assert again == first
    assert again.decisions == {("a.jpg", 0): False, ("b.jpg", 1): True}
    assert again.boxes == {"b.jpg": {0: Box(1, 2, 40, 50)}}
    forgotten = read_curation(tmp_path / "d", SOURCES, None, None, forget=True)
    assert forgotten == Curation()
    forgotten.save(tmp_path / "d")
    assert list((tmp_path / "d").iterdir()) == []


def test_saving_the_same_again_touches_no_file(tmp_path: Path, files: tuple[Path, Path]) -> None:
    curation = read_curation(tmp_path, SOURCES, *files)
    curation.save(tmp_path)
    before = (tmp_path / "review.csv").stat().st_mtime_ns
    curation.save(tmp_path)
    assert (tmp_path / "review.csv").stat().st_mtime_ns == before


def test_a_review_of_other_photos_is_refused_by_name_and_a_kept_one_outlives_its_photos(
    tmp_path: Path, files: tuple[Path, Path]
) -> None:
    with pytest.raises(PhotosError, match=r"given\.csv names photos that are not there: 'a\.jpg'"):
        read_curation(tmp_path, ["b.jpg"], files[0], None)
    with pytest.raises(PhotosError, match=r"boxes\.csv names photos that are not there: 'b\.jpg'"):
        read_curation(tmp_path, ["a.jpg"], None, files[1])
    read_curation(tmp_path, SOURCES, *files).save(tmp_path)
    assert ("a.jpg", 0) in read_curation(tmp_path, ["b.jpg"], None, None).decisions
