import pickle

import pytest

from adatune.checkpoints.sniff import kind_of, looks_like_git_lfs, looks_like_html
from adatune.errors import UnreadableNetwork


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_a_pickle_is_known_in_every_protocol(protocol, tmp_path):
    (tmp_path / "file").write_bytes(pickle.dumps({}, protocol))
    assert kind_of(tmp_path / "file") == "pickle"


@pytest.mark.parametrize(
    "head", [b"<html>", b" \n<!DOCTYPE HTML>", b"\xef\xbb\xbf<html>", b"<!-- a --><head>"]
)
def test_web_pages_are_known_whatever_they_start_with(head):
    assert looks_like_html(head)


def test_weights_are_neither_pages_nor_pointers():
    head = b"\x80\x03}q\x00<html>"
    assert not looks_like_html(head)
    assert not looks_like_git_lfs(head)


def test_a_safetensors_header_longer_than_the_file_is_not_safetensors(tmp_path):
    (tmp_path / "file").write_bytes((10**9).to_bytes(8, "little") + b'{"a":1}')
    with pytest.raises(UnreadableNetwork):
        kind_of(tmp_path / "file")
