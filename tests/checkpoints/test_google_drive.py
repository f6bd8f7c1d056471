import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from adatune.checkpoints.google_drive import confirmation, download_from_drive, drive_file_id
from adatune.errors import DownloadFailed

ID = "1a2B3c4D5e6F7g8H9i0J_k-L"
ASKING = """<!DOCTYPE html><html><form id="download-form" action="https://x/download" method="get">
<input type="submit" value="Download anyway"/><input type="hidden" name="id" value="{id}">
<input type="hidden" name="confirm" value="t&amp;1">
<input type="hidden" name="uuid" value="12-ab"></form></html>"""


@pytest.mark.parametrize(
    "address",
    [
        f"https://drive.google.com/file/d/{ID}/view?usp=sharing",
        f"https://drive.google.com/open?id={ID}",
        f"https://drive.google.com/uc?export=download&id={ID}",
        f"https://docs.google.com/uc?id={ID}",
    ],
)
def test_every_form_of_link_gives_the_file_id(address):
    assert drive_file_id(address) == ID


def test_other_addresses_are_no_drive_links():
    assert drive_file_id(f"https://example.org/file/d/{ID}/view") is None


def test_a_link_to_a_folder_is_a_clear_error():
    with pytest.raises(DownloadFailed, match="is a Google Drive folder"):
        drive_file_id(f"https://drive.google.com/drive/folders/{ID}")


def test_the_hidden_fields_of_the_page_that_asks_are_the_answer():
    assert confirmation(ASKING.format(id=ID)) == {"id": ID, "confirm": "t&1", "uuid": "12-ab"}


@pytest.fixture
def drive():
    """A server that asks before it sends; `pages` replaces what it answers when nothing was confirmed."""
    pages = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = parse_qs(urlsplit(self.path).query)
            page = pages[0] if pages else ASKING.format(id=ID)
            body = b"weights" if query.get("uuid") == ["12-ab"] else page.encode()
            self.send_response(200)
            self.send_header(
                "Content-Type", "application/octet-stream" if body == b"weights" else "text/html"
            )
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format, *arguments):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/download", pages
    server.shutdown()
    server.server_close()


def test_a_file_behind_the_page_that_asks_is_fetched(drive, tmp_path):
    download_from_drive(ID, tmp_path / "n.pkl", address=drive[0])
    assert (tmp_path / "n.pkl").read_bytes() == b"weights"


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("<html>Too many users have viewed or downloaded this file recently</html>", "too many people"),
        ("<html>Sign in</html>", "Share it with 'Anyone with the link'"),
    ],
)
def test_a_refusal_says_why(page, words, drive, tmp_path):
    drive[1].append(page)
    with pytest.raises(DownloadFailed, match=words):
        download_from_drive(ID, tmp_path / "n.pkl", address=drive[0])
