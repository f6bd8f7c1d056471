import hashlib
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest

from adatune.checkpoints import pretrained
from adatune.errors import DownloadFailed


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("ADATUNE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "pretrained"


@pytest.fixture
def site(tmp_path):
    """A folder, and the address it is served at."""
    folder = tmp_path / "site"
    folder.mkdir()

    class Handler(SimpleHTTPRequestHandler):
        def __init__(self, *arguments):
            super().__init__(*arguments, directory=str(folder))

        def log_message(self, format, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_download_is_kept_with_its_sha256_in_the_format_of_sha256sum(home, site):
    folder, address = site
    (folder / "network.pkl").write_bytes(b"weights")
    path = pretrained.fetch_address(f"{address}/network.pkl")
    pin = path.with_name(path.name + ".sha256")
    assert path.parent == home
    assert pin.read_text() == f"{hashlib.sha256(b'weights').hexdigest()}  {path.name}\n"


def test_a_kept_file_is_not_fetched_again(home, site):
    folder, address = site
    (folder / "network.pkl").write_bytes(b"weights")
    first = pretrained.fetch_address(f"{address}/network.pkl")
    (folder / "network.pkl").unlink()
    assert pretrained.fetch_address(f"{address}/network.pkl") == first


def test_a_kept_file_that_has_changed_is_an_error(home, site):
    folder, address = site
    (folder / "network.pkl").write_bytes(b"weights")
    pretrained.fetch_address(f"{address}/network.pkl").write_bytes(b"damaged")
    with pytest.raises(DownloadFailed, match="is not the file that was downloaded first"):
        pretrained.fetch_address(f"{address}/network.pkl")


def test_files_of_one_name_from_two_addresses_are_kept_apart(home, site):
    folder, address = site
    for run in ("a", "b"):
        (folder / run).mkdir()
        (folder / run / "network-000200.pkl").write_bytes(run.encode())
    paths = [pretrained.fetch_address(f"{address}/{run}/network-000200.pkl") for run in ("a", "b")]
    assert [path.read_bytes() for path in paths] == [b"a", b"b"]


def test_a_file_put_there_by_hand_is_taken_and_pinned(home):
    home.mkdir(parents=True)
    by_hand = home / "ffhq-res512-mirror-stylegan2-noaug.pkl"
    by_hand.write_bytes(b"weights")
    assert pretrained.fetch_name("ffhq512") == by_hand
    assert by_hand.with_name(by_hand.name + ".sha256").exists()


def test_without_a_connection_the_error_says_which_file_to_put_where(home, site, monkeypatch):
    address = f"{site[1]}/missing.pkl"
    monkeypatch.setitem(pretrained.ADDRESSES, "ffhq512", address)
    with pytest.raises(DownloadFailed) as error:
        pretrained.fetch_name("ffhq512")
    assert f"fetch {address} elsewhere and put it at {home.absolute() / 'missing.pkl'}" in str(error.value)
    assert "is called ngc-ffhq512" in str(error.value)


def test_every_name_has_a_file_of_its_own():
    files = [address.rsplit("/", 1)[1] for address in pretrained.ADDRESSES.values()]
    assert len(set(files)) == len(files)
    assert {"ffhq256", "ffhq512", "ffhq1024", "celebahq256", "lsundog256", "demo32"} <= set(pretrained.NAMES)
