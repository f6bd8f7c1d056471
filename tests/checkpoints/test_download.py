import socket
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from adatune.checkpoints.download import WebPage, download
from adatune.errors import DownloadFailed

BODY = bytes(range(256)) * 4000  # 1,024,000 bytes
NOW = (0, 0)  # two more attempts, without a pause


@contextmanager
def serving(respond):
    """A server on this machine; RESPOND(handler, number of the request) writes each answer."""
    requests = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.headers.get("Range"))
            respond(self, len(requests))

        def log_message(self, format, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/network.pkl", requests
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(handler, body, status=200, length=None, **headers):
    handler.send_response(status)
    handler.send_header("Content-Length", str(len(body) if length is None else length))
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()
    handler.wfile.write(body)


def in_thirds(handler, number, etag='"one"', body=BODY):
    """Send at most a third of what is asked for, then hang up."""
    asked = handler.headers.get("Range")
    start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
    if asked and handler.headers.get("If-Range") not in (None, etag):
        start = 0
    piece = body[start : start + len(body) // 3 + 1]
    answer(handler, piece, 206 if start else 200, len(body) - start, ETag=etag)


def test_a_connection_that_breaks_off_is_continued_where_it_stopped(tmp_path):
    with serving(in_thirds) as (address, requests):
        download(address, tmp_path / "n.pkl", pauses=NOW)
    assert (tmp_path / "n.pkl").read_bytes() == BODY
    assert requests[0] is None
    starts = [int(request[6:-1]) for request in requests[1:]]
    assert starts[0] > len(BODY) // 3 - 2**16  # what came before the break was kept, but for one piece
    assert starts == sorted(set(starts))


def test_a_later_attempt_continues_the_earlier_one(tmp_path):
    def once(handler, number):
        in_thirds(handler, number) if number == 1 else answer(handler, b"", 503)

    path = tmp_path / "n.pkl"
    failing = [True]
    with serving(lambda h, n: once(h, n) if failing[0] else in_thirds(h, n)) as (address, requests):
        with pytest.raises(DownloadFailed, match="503"):
            download(address, path, pauses=NOW)
        assert not path.exists()
        first, kept = len(requests), (tmp_path / "n.pkl.part").stat().st_size
        failing[0] = False
        download(address, path, pauses=NOW)
    assert path.read_bytes() == BODY
    assert kept > 0
    assert requests[first] == f"bytes={kept}-"


def test_a_file_that_changed_on_the_server_is_fetched_from_the_start(tmp_path):
    other = BODY[::-1]

    def changing(handler, number):
        in_thirds(handler, number) if number == 1 else in_thirds(handler, number, '"two"', other)

    with serving(changing) as (address, _):
        download(address, tmp_path / "n.pkl", pauses=NOW)
    assert (tmp_path / "n.pkl").read_bytes() == other


def test_a_server_that_cannot_continue_sends_the_whole_again(tmp_path):
    def whole(handler, number):
        answer(handler, BODY[:1000] if number == 1 else BODY, length=len(BODY))

    with serving(whole) as (address, _):
        download(address, tmp_path / "n.pkl", pauses=NOW)
    assert (tmp_path / "n.pkl").read_bytes() == BODY


def test_a_server_that_promises_more_than_it_has_is_an_error_and_leaves_no_network(tmp_path):
    def lying(handler, number):
        answer(handler, b"" if handler.headers.get("Range") else BODY, length=len(BODY) * 2, ETag='"a"')

    with serving(lying) as (address, _), pytest.raises(DownloadFailed, match="cannot be fetched"):
        download(address, tmp_path / "n.pkl", pauses=NOW)
    assert not (tmp_path / "n.pkl").exists()


@pytest.mark.parametrize("kind", ["text/html", "application/octet-stream"])
def test_a_web_page_is_refused_and_leaves_nothing(kind, tmp_path):
    page = b"<!DOCTYPE html><html>log in</html>"
    with (
        serving(lambda h, n: answer(h, page, Content_Type=kind)) as (address, _),
        pytest.raises(WebPage) as error,
    ):
        download(address, tmp_path / "n.pkl", pauses=NOW)
    assert error.value.page == page.decode()
    assert [p.name for p in tmp_path.iterdir()] == [".n.pkl.lock"]


def test_a_git_lfs_pointer_is_refused(tmp_path):
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n"
    with (
        serving(lambda h, n: answer(h, pointer)) as (address, _),
        pytest.raises(DownloadFailed, match="Git-LFS"),
    ):
        download(address, tmp_path / "n.pkl", pauses=NOW)


def test_a_missing_file_is_not_asked_for_twice(tmp_path):
    with serving(lambda h, n: answer(h, b"", 404)) as (address, requests):
        with pytest.raises(DownloadFailed, match="404"):
            download(address, tmp_path / "n.pkl", pauses=NOW)
        assert len(requests) == 1


def test_an_unreachable_server_is_a_clear_error(tmp_path):
    with serving(in_thirds) as (address, _):
        pass
    with pytest.raises(DownloadFailed, match="cannot be reached"):
        download(address, tmp_path / "n.pkl", pauses=NOW)


def test_a_server_that_never_answers_is_tried_three_times(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}/n.pkl"
        tries = []

        def hang_up():
            for _ in range(3):
                connection, _ = server.accept()
                tries.append(connection.recv(9))
                connection.close()
            server.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(DownloadFailed, match="cannot be reached"):
            download(address, tmp_path / "n.pkl", pauses=(0,) * 9)
        thread.join()
    assert tries == [b"GET /n.pk"] * 3


def test_progress_ends_at_the_whole_length(tmp_path):
    seen = []
    with serving(in_thirds) as (address, _):
        download(address, tmp_path / "n.pkl", lambda *now: seen.append(now), pauses=NOW)
    assert seen == sorted(seen)
    assert seen[-1] == (len(BODY), len(BODY))


def test_two_downloads_at_once_fetch_the_file_once(tmp_path):
    with serving(lambda h, n: answer(h, BODY)) as (address, requests):
        threads = [threading.Thread(target=download, args=(address, tmp_path / "n.pkl")) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert (tmp_path / "n.pkl").read_bytes() == BODY
    assert len(requests) == 1
