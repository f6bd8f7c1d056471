"""Fetch one file over http, whole: go on where a lost connection stopped, and refuse what is no network.

A half-fetched file is kept as NAME.part, with what the server said about it in NAME.part.json, so that the
next attempt, even in another process, continues it.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import requests

from adatune.checkpoints.sniff import looks_like_git_lfs, looks_like_html
from adatune.errors import DownloadFailed

ProgressCallback = Callable[[int, int | None], None]  # bytes so far; bytes in all, where the server says so

_CHUNK = 1 << 16  # bytes; what is lost when a connection breaks off
_TIMEOUT = (20, 60)  # seconds to connect, and between two pieces of data
_PAUSES = (0.5, 1, 2, 4, 8)  # seconds before another attempt; a piece of progress starts the list anew
_KNOCKS = 3  # attempts at a server that has never answered: most often this machine is offline


def download(
    address: str,
    path: Path,
    progress: ProgressCallback | None = None,
    parameters: dict[str, str] | None = None,
    pauses: tuple[float, ...] = _PAUSES,
) -> None:
    """Fetch ADDRESS into PATH; a file that is already there is left alone.

    Args:
        address: http or https.
        path: where the file goes; its folder is made.
        progress: called after each piece.
        parameters: query parameters.
        pauses: seconds before each further attempt without progress.

    Raises:
        DownloadFailed: the server cannot be reached or refuses, breaks its promise of a length, or sends a
            web page or a Git-LFS pointer.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    with _only_process(path.with_name(f".{path.name}.lock")):
        if path.exists():  # another process fetched it while we waited
            return
        try:
            with part.open("ab+") as file:
                _Transfer(address, parameters or {}, file, part, progress).run(pauses)
            part.replace(path)
            _note(part).unlink(missing_ok=True)
        finally:
            if part.exists() and part.stat().st_size == 0:  # nothing to continue
                part.unlink()
                _note(part).unlink(missing_ok=True)


def _note(part: Path) -> Path:
    return part.with_name(part.name + ".json")


class _Transfer:
    """One file on its way: what the server promised, and how much of it is here."""

    def __init__(
        self,
        address: str,
        parameters: dict[str, str],
        file: IO[bytes],
        part: Path,
        progress: ProgressCallback | None,
    ) -> None:
        self.address, self.parameters, self.file, self.part, self.progress = (
            address,
            parameters,
            file,
            part,
            progress,
        )
        self.length: int | None = None
        self.version = ""  # the server's mark of this version of the file
        self.has_answered = False

    @property
    def received(self) -> int:
        return self.file.seek(0, os.SEEK_END)

    def run(self, pauses: tuple[float, ...]) -> None:
        """Attempt after attempt until the file is whole; each attempt that brings data resets the pauses."""
        self._recall()
        failures, most = 0, self.received
        while True:
            problem = self._attempt()
            if problem is None:
                return
            # Only what was never reached before counts: starting over and over must come to an end.
            failures = 0 if self.received > most else failures + 1
            most = max(most, self.received)
            if failures > len(pauses) or (failures >= _KNOCKS and not self.has_answered):
                raise DownloadFailed(f"{self.address} cannot be fetched: {problem}")
            time.sleep(pauses[max(failures - 1, 0)] if pauses else 0)

    def _attempt(self) -> str | None:
        """Fetch what is missing. Returns None when the file is whole, else what went wrong for now."""
        start = self.received
        headers = {"Accept-Encoding": "identity", "User-Agent": "adatune"}
        if start:
            headers |= {"Range": f"bytes={start}-"} | ({"If-Range": self.version} if self.version else {})
        try:
            with requests.get(
                self.address, params=self.parameters, headers=headers, stream=True, timeout=_TIMEOUT
            ) as response:
                self.has_answered = True
                if not self._accept(response, start):
                    return None if self.received == self.length else "the server cannot continue it"
                self._receive(response)
        except requests.exceptions.RequestException as error:
            return _reason(error)
        return self._what_is_missing()

    def _accept(self, response: requests.Response, start: int) -> bool:
        """Look at the answer's head. False: there is nothing to receive (the range is past the end)."""
        status = response.status_code
        if status == 416:
            if self.received != self.length:
                self._start_over()
            return False
        if status >= 500 or status == 429:
            raise requests.exceptions.ConnectionError(f"the server answers {status} {response.reason}")
        if status >= 400:
            raise DownloadFailed(
                f"{self.address} cannot be fetched: the server answers {status} {response.reason}. "
                "Check the address; the file may have moved or need a login."
            )
        if status != 206 and start:
            self._start_over()  # the server sends the whole file again
        self._promise(response, 0 if status != 206 else start)
        if "text/html" in response.headers.get("Content-Type", ""):
            page = next(response.iter_content(_CHUNK), b"")
            raise WebPage(self.address, page.decode("utf-8", "replace"))
        return True

    def _promise(self, response: requests.Response, start: int) -> None:
        declared = response.headers.get("Content-Length", "")
        self.length = start + int(declared) if declared.isdigit() else None
        etag = response.headers.get("ETag", "")
        # A weak ETag may not be used with If-Range.
        self.version = (
            etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified", "")
        )
        note = {"address": self.address, "length": self.length, "version": self.version}
        _note(self.part).write_text(json.dumps(note), encoding="utf-8")

    def _receive(self, response: requests.Response) -> None:
        for chunk in response.iter_content(_CHUNK):
            if self.received == 0:
                self._check_head(chunk)
            self.file.write(chunk)
            if self.progress:
                self.progress(self.received, self.length)

    def _check_head(self, head: bytes) -> None:
        if looks_like_html(head):
            raise WebPage(self.address, head.decode("utf-8", "replace"))
        if looks_like_git_lfs(head):
            raise DownloadFailed(
                f"{self.address} is a Git-LFS pointer, not the network itself. Use the address of the file's "
                "content "
                "(on most hosts the 'download' or 'raw' link)."
            )

    def _what_is_missing(self) -> str | None:
        received = self.received
        if self.length is not None and received < self.length:
            return f"the server promised {self.length:,} bytes and sent {received:,}."
        if self.length is not None and received > self.length:
            self._start_over()
            return f"the server promised {self.length:,} bytes and sent {received:,}."
        return "the server sent nothing." if received == 0 else None

    def _recall(self) -> None:
        """Continue an earlier part only when it is known to be of this address and this version."""
        try:
            note: Any = json.loads(_note(self.part).read_text(encoding="utf-8"))
            is_same = note["address"] == self.address and bool(note["version"])
            self.length, self.version = note["length"], note["version"]
        except (OSError, ValueError, KeyError, TypeError):
            is_same = False
        if not is_same:
            self._start_over()

    def _start_over(self) -> None:
        self.file.truncate(0)
        self.length, self.version = None, ""


class WebPage(DownloadFailed):
    """A page came in place of the file: what a login, a quota or a preview looks like."""

    def __init__(self, address: str, page: str) -> None:
        super().__init__(
            f"{address} is a web page, not a network. Use the direct download link; on hosts that show a "
            "preview it is "
            "behind 'Download' or 'raw'."
        )
        self.page = page


def _reason(error: requests.exceptions.RequestException) -> str:
    if isinstance(error, requests.exceptions.SSLError):
        return "no secure connection could be made (a proxy or a wrong clock may be the reason)."
    if isinstance(error, requests.exceptions.Timeout):
        return "the server does not answer in time."
    if isinstance(
        error, (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError)
    ):
        return "the connection breaks off again and again."
    if isinstance(error, requests.exceptions.ConnectionError):
        text = str(error)
        return (
            f"{text}."
            if text.startswith("the server")
            else "the server cannot be reached (is this machine online?)."
        )
    return f"{type(error).__name__}: {error}"


@contextmanager
def _only_process(lock: Path) -> Generator[None]:
    """Hold the file LOCK: another process may want the same file. Disks without locks go without."""
    if sys.platform == "win32":
        yield  # Windows refuses to replace a file that another process has open, which is protection enough
        return
    import fcntl

    with lock.open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
        except OSError:  # some mounted drives have no locks
            yield
            return
        yield  # closing the file lets go of the lock; the empty file stays, since removing it would race
