"""A real, headless Chromium for tests, driven through DevTools on a pair of pipes: no port, no other package.

with open_browser(tmp_path) as browser:
    browser.open(page.as_uri())
    browser.click("button")
    assert browser.evaluate("document.title") == "..."
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_MACOS = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
_PATIENCE = 60.0  # seconds; a loaded machine of two cores is slow to start a browser
_KEYS = {  # key: (code, Windows key code, text)
    "Enter": ("Enter", 13, "\r"),
    " ": ("Space", 32, " "),
    "Escape": ("Escape", 27, ""),
    "Tab": ("Tab", 9, ""),
    "Home": ("Home", 36, ""),
    "End": ("End", 35, ""),
    "ArrowLeft": ("ArrowLeft", 37, ""),
    "ArrowUp": ("ArrowUp", 38, ""),
    "ArrowRight": ("ArrowRight", 39, ""),
    "ArrowDown": ("ArrowDown", 40, ""),
}
_SHIFT = 8
_DRAWN = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


def find_chromium() -> str:
    """The browser's path; a test that needs it fails with words what to install when there is none."""
    for name in _NAMES:
        if found := shutil.which(name):
            return found
    if _MACOS.exists():
        return str(_MACOS)
    pytest.fail(
        f"This test opens a page in a real browser and found none of: {', '.join(_NAMES)}. "
        "Install Chromium ('apt-get install -y chromium' on Debian) or Chrome."
    )


@contextmanager
def open_browser(
    folder: Path, *, width: int = 1300, height: int = 900, dark: bool = False
) -> "Iterator[Browser]":
    """A browser with an empty profile in FOLDER, closed at the end; downloads land in FOLDER/downloads."""
    browser = Browser(folder, width, height, dark=dark)
    try:
        yield browser
    finally:
        browser.close()


class Browser:
    """One headless Chromium with one page."""

    def __init__(self, folder: Path, width: int, height: int, *, dark: bool) -> None:
        """Start it; WIDTH and HEIGHT are those of the page in CSS pixels."""
        self.downloads = folder / "downloads"
        self.downloads.mkdir(parents=True, exist_ok=True)
        self.problems: list[str] = []  # what the page wrote to its console as errors, and uncaught exceptions
        self._log = folder / "chromium.log"
        self._process, self._to, self._from = _start(folder)
        self._buffer = b""
        self._number = 0
        self._events: list[dict[str, Any]] = []
        self._session = ""
        try:
            self._make_page()
            self.resize(width, height)
            self.prefer("dark" if dark else "light")
        except BaseException:
            self.close()
            raise

    def _make_page(self) -> None:
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self._ask(f"{domain}.enable")
        downloads = {"behavior": "allow", "downloadPath": str(self.downloads), "eventsEnabled": True}
        self._ask("Browser.setDownloadBehavior", **downloads)

    def resize(self, width: int, height: int) -> None:
        """Give the page another size, CSS pixels."""
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def prefer(self, scheme: str) -> None:
        """Prefer 'light' or 'dark' colours."""
        self._ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, address: str) -> None:
        """Go to ADDRESS and wait until it has loaded and been drawn."""
        self._events.clear()
        if error := self._ask("Page.navigate", url=address).get("errorText"):
            raise RuntimeError(f"{address}: {error}")
        self._wait_for_event("Page.loadEventFired")
        self.evaluate(_DRAWN)

    def reload(self) -> None:
        """Load the page again."""
        self._events.clear()
        self._ask("Page.reload")
        self._wait_for_event("Page.loadEventFired")
        self.evaluate(_DRAWN)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, awaited if a promise; its exception is raised here."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(_words(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def wait_for(self, expression: str) -> Any:
        """Wait until a JavaScript expression is true, and return its value."""
        end = time.monotonic() + _PATIENCE
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, f"did not become true: {expression}"
            time.sleep(0.02)
        return value

    def click(self, selector: str, *, count: int = 1) -> None:
        """Scroll to the first element that matches a CSS selector and press the mouse in its middle."""
        # Twice: what scrolling brings into view may be laid out only then, and move it.
        x, y = self.evaluate(
            f"""(async () => {{ const found = document.querySelector({json.dumps(selector)});
            if (!found) throw new Error('nothing matches ' + {json.dumps(selector)});
            for (const turn of [1, 2]) {{
              found.scrollIntoView({{block: 'center', behavior: 'instant'}});
              await {_DRAWN};
            }}
            const box = found.getBoundingClientRect();
            return [box.x + box.width / 2, box.y + box.height / 2]; }})()"""
        )
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = {} if kind == "mouseMoved" else {"button": "left", "clickCount": count}
            self._ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, **button)

    def press(self, *keys: str) -> None:
        """Press keys one after another: 'ArrowRight', 'Enter', ' ', 'k', '?'; 'Shift+Tab' with Shift held."""
        for key in keys:
            name = key.removeprefix("Shift+")
            letter_code = f"Key{name.upper()}" if name.isalpha() else ""
            code, number, text = _KEYS.get(name, (letter_code, ord(name[0].upper()), name))
            held = {"modifiers": _SHIFT} if key != name or (len(name) == 1 and name.isupper()) else {}
            event = {"key": name, "code": code, "windowsVirtualKeyCode": number, **held}
            self._ask("Input.dispatchKeyEvent", type="keyDown", text=text, **event)
            self._ask("Input.dispatchKeyEvent", type="keyUp", **event)

    def type(self, text: str) -> None:
        """Put TEXT where the cursor is."""
        self._ask("Input.insertText", text=text)

    def wait_for_download(self) -> Path:
        """Wait until the next download has finished; returns the file."""
        begun = self._wait_for_event("Browser.downloadWillBegin")
        while True:
            progress = self._wait_for_event("Browser.downloadProgress")
            if progress["guid"] == begun["guid"] and progress["state"] != "inProgress":
                assert progress["state"] == "completed", progress
                return self.downloads / begun["suggestedFilename"]

    def screenshot(self, path: Path, *, whole: bool = False) -> None:
        """Write what is seen (or the WHOLE page) as a PNG."""
        picture = self._ask("Page.captureScreenshot", captureBeyondViewport=whole)["data"]
        path.write_bytes(base64.b64decode(picture))

    def accessible_names(self, *roles: str) -> list[str]:
        """What a screen reader is told of the elements of these ROLES, such as 'button' or 'switch'."""
        nodes = self._ask("Accessibility.getFullAXTree")["nodes"]
        return [
            node.get("name", {}).get("value", "")
            for node in nodes
            if not node["ignored"] and node["role"]["value"] in roles
        ]

    def close(self) -> None:
        """End the browser and wait until it has."""
        try:
            self._session = ""
            self._ask("Browser.close")
        finally:
            _end(self._process)
            os.close(self._to)
            os.close(self._from)

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        _write_all(self._to, json.dumps(message).encode() + b"\0")
        while (answer := self._read()).get("id") != self._number:
            self._keep(answer)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _wait_for_event(self, method: str) -> dict[str, Any]:
        while True:
            for index, event in enumerate(self._events):
                if event["method"] == method:
                    return self._events.pop(index)["params"]
            self._keep(self._read())

    def _keep(self, event: dict[str, Any]) -> None:
        if event.get("method") == "Runtime.exceptionThrown":
            self.problems.append(_words(event["params"]["exceptionDetails"]))
        elif event.get("method") == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
            self.problems.append(event["params"]["entry"]["text"])
        elif "method" in event:
            self._events.append(event)

    def _read(self) -> dict[str, Any]:
        """The next message from the browser."""
        end = time.monotonic() + _PATIENCE
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._from], [], [], max(0.0, end - time.monotonic()))
            chunk = os.read(self._from, 1 << 20) if ready else b""
            if not chunk:
                why = "ended" if ready else f"said nothing for {_PATIENCE:.0f} s"
                raise RuntimeError(f"Chromium {why}: {self._log.read_text(errors='replace')[-2000:]}")
            self._buffer += chunk
        message, _, self._buffer = self._buffer.partition(b"\0")
        return json.loads(message)


def _start(folder: Path) -> tuple[int, int, int]:
    """Chromium reads messages from its file 3 and answers on 4; returns its process and our ends."""
    reads, to = _pipe()
    from_, writes = _pipe()
    command = [
        find_chromium(),
        "--headless=new",
        "--remote-debugging-pipe",
        f"--user-data-dir={folder / 'profile'}",
        "--no-first-run",
        "--no-default-browser-check",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--disable-background-networking",
        "--disable-component-update",
        "--hide-scrollbars",
    ]
    if hasattr(os, "geteuid") and os.geteuid() == 0:  # in a container; its sandbox refuses root
        command.append("--no-sandbox")
    log = (os.POSIX_SPAWN_OPEN, 2, str(folder / "chromium.log"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    quiet = (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)
    ends = [(os.POSIX_SPAWN_DUP2, reads, 3), (os.POSIX_SPAWN_DUP2, writes, 4)]
    process = os.posix_spawn(command[0], command, os.environ, file_actions=[quiet, log, *ends])
    os.close(reads)
    os.close(writes)
    return process, to, from_


def _pipe() -> tuple[int, int]:
    """A pipe whose numbers are out of the way of 3 and 4, closed in every child."""
    low = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in low]
    for end in low:
        os.close(end)
    return high[0], high[1]


def _write_all(file: int, data: bytes) -> None:
    while data:
        data = data[os.write(file, data) :]


def _end(process: int) -> None:
    end = time.monotonic() + 10
    while os.waitpid(process, os.WNOHANG)[0] == 0:
        if time.monotonic() > end:
            os.kill(process, signal.SIGKILL)
            os.waitpid(process, 0)
            return
        time.sleep(0.02)


def _words(details: dict[str, Any]) -> str:
    exception = details.get("exception", {})
    return str(exception.get("description") or exception.get("value") or details["text"])
