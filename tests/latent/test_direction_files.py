"""Direction files: what comes back, what is refused, what is where."""

import json

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from adatune.errors import UnreadableLatents, UsageError
from adatune.latent.direction_files import (
    Directions,
    describe,
    find_file,
    no_shares,
    path_for,
    read_all,
    read_directions,
    save_directions,
)


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path))
    return tmp_path


def smile(name="smile", rows=1, layers=(0, 1, 5), **changes):
    values = {
        "method": "sefa", "network": "faces", "network_hash": "ab" * 32, "num_ws": 6, "layers": list(layers),
        "vectors": torch.randn(3, rows, 4), "deviations": torch.rand(3), "shares": no_shares(3),
        "sketch": torch.randn(50), "details": {"positive": [1, 5]},
    }  # fmt: skip
    return Directions(name, **{**values, **changes})


def written(**changes):
    path = path_for("smile", may_replace=True)
    save_directions(smile(**changes), path)
    return path


@pytest.mark.parametrize("rows", [1, 3])
def test_what_is_written_comes_back(rows):
    directions = smile(rows=rows)
    path = path_for("smile", may_replace=False)
    save_directions(directions, path)
    back = read_directions(path)
    for name in ("vectors", "deviations"):
        assert torch.equal(getattr(back, name), getattr(directions, name))
    torch.testing.assert_close(back.sketch, directions.sketch, rtol=1e-3, atol=1e-4)
    assert back.shares.isnan().all()
    for name in ("name", "method", "network", "network_hash", "num_ws", "layers", "details", "w_dim"):
        assert getattr(back, name) == getattr(directions, name)


def test_the_same_directions_are_the_same_small_file(home):
    directions = smile()
    files = home / "a.safetensors", home / "b.safetensors"
    for file in files:
        save_directions(directions, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    assert len(files[0].read_bytes()) < 2000


def test_a_file_says_nothing_of_the_place_where_it_was_made(home):
    with safe_open(written(), "pt") as file:
        (text,) = file.metadata().values()
    assert str(home) not in text
    assert json.loads(text)["network"] == "faces"


def test_a_name_is_found_in_the_folder_and_a_path_anywhere(home):
    path = written()
    assert path == home / "directions" / "smile.safetensors"
    assert find_file("smile") == find_file(str(path)) == path
    with pytest.raises(UsageError, match=r"no directions 'frown'.* There are smile\."):
        find_file("frown")


def test_a_name_that_is_taken_is_refused_unless_it_is_to_be_replaced():
    path = written()
    with pytest.raises(UsageError, match=r"exists\. Choose another --name.*--replace"):
        path_for("smile", may_replace=False)
    assert path_for("smile", may_replace=True) == path
    with pytest.raises(UsageError, match="--name 'a/b' cannot be"):
        path_for("a/b", may_replace=True)


def test_the_list_leaves_out_what_is_damaged_and_says_so(home):
    written()
    (home / "directions" / "broken.safetensors").write_bytes(b"{}")
    found, errors = read_all()
    assert [directions.name for directions in found] == ["smile"]
    assert "broken.safetensors cannot be read as directions" in str(errors[0])
    assert json.loads(json.dumps(describe(found[0])))["layers"] == "0-1,5"


def test_what_a_file_says_of_itself_cannot_pass_for_what_we_know():
    directions = smile(details={"name": "frown", "count": 9, "positive": [1]})
    described = describe(directions)
    assert (described["name"], described["count"], described["positive"]) == ("smile", 3, [1])


def test_a_cut_off_file_is_refused():
    path = written()
    data = path.read_bytes()
    for length in range(0, len(data), 97):
        path.write_bytes(data[:length])
        with pytest.raises(UnreadableLatents, match="damaged or cut off"):
            read_directions(path)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"layers": []}, "description makes no sense"),
        ({"layers": [6]}, "description makes no sense"),
        ({"layers": ["a"]}, "description makes no sense"),
        ({"layers": [True]}, "description makes no sense"),
        ({"num_ws": 2}, "description makes no sense"),
        ({"num_ws": "6"}, "description makes no sense"),
        ({"method": 3}, "description makes no sense"),
        ({"details": []}, "description makes no sense"),
        ({"vectors": torch.zeros(3, 4)}, "description makes no sense"),
        ({"vectors": torch.zeros(2, 1, 4)}, "do not belong together"),
        ({"vectors": torch.zeros(3, 2, 4)}, "do not belong together"),
        ({"shares": torch.zeros(2)}, "do not belong together"),
        ({"vectors": torch.zeros(3, 1, 0)}, "holds no direction"),
        ({"vectors": torch.full((3, 1, 4), float("inf"))}, "not finite"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(changes, words):
    with pytest.raises(UnreadableLatents, match=words):
        read_directions(written(**changes))


def test_other_safetensors_and_newer_formats_are_refused(tmp_path):
    path = tmp_path / "x.safetensors"
    save_file({"a": torch.zeros(2)}, path)
    with pytest.raises(UnreadableLatents, match="it holds something else"):
        read_directions(path)
    save_file({"a": torch.zeros(2)}, path, {"adatune_directions": '{"format": 2}'})
    with pytest.raises(UnreadableLatents, match="newer adatune"):
        read_directions(path)
