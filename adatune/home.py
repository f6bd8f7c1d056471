"""Where datasets, runs and downloaded networks live, and how a file gets there whole or not at all.

`ADATUNE_HOME` moves the three folders together (to a mounted Drive, say); the default is the current folder.
"""

import os
import re
import stat
import time
from collections.abc import Callable
from pathlib import Path

from adatune.errors import RunError, UsageError

_RUN_NAME = re.compile(r"(\d{5})-.+")
TEMPORARY = re.compile(r"\..+\.(\d+)\.tmp(\..+)?", re.DOTALL)  # as `write_atomically` calls them
_QUIET_SECONDS = 3600.0  # no living process leaves a file it writes alone for longer


def home() -> Path:
    """The folder that holds `datasets/`, `runs/` and `pretrained/`."""
    return Path(os.environ.get("ADATUNE_HOME") or ".").expanduser()


def datasets_folder() -> Path:
    """Prepared datasets, one folder each."""
    return home() / "datasets"


def runs_folder() -> Path:
    """Training runs, numbered in the order they were started."""
    return home() / "runs"


def pretrained_folder() -> Path:
    """Downloaded networks, with their sha256 beside them."""
    return home() / "pretrained"


def list_runs() -> list[Path]:
    """All run folders, oldest first."""
    folder = runs_folder()
    if not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and _RUN_NAME.fullmatch(path.name))


def run_numbered(text: str) -> Path | None:
    """The run whose number TEXT is, "3" or "00003"; None where there is none."""
    if not text.isdecimal():
        return None
    return next((folder for folder in list_runs() if int(folder.name[:5]) == int(text)), None)


def newest_run() -> Path:
    """The run started last.

    Raises:
        RunError: there is no run yet.
    """
    runs = list_runs()
    if not runs:
        raise RunError(
            f"There is no run in {runs_folder()}. Start one with 'adatune train', or name a network: "
            "a run folder, a .safetensors or .pkl file, or a name such as ffhq512."
        )
    return runs[-1]


def new_run_folder(name: str) -> Path:
    """Create and return `runs/NNNNN-NAME` with the next free number."""
    runs = list_runs()
    number = int(runs[-1].name[:5]) + 1 if runs else 0
    while True:
        folder = runs_folder() / f"{number:05d}-{name}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:  # another process took this number between our look and our mkdir
            number += 1
        else:
            return folder


def check_name(name: str, option: str) -> str:
    """Return NAME if it can be a folder's name on every file system, else raise UsageError naming OPTION."""
    if not name or name[0] in "-." or re.search(r'[/\\:*?"<>|\x00-\x1f]', name):
        raise UsageError(
            f"{option} {name!r} cannot be a folder name: it is empty, starts with '-' or '.', "
            'or holds one of / \\ : * ? " < > |. '
            "Choose a plain word, such as 'faces'."
        )
    return name


def write_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """Let WRITE fill a temporary file beside PATH, sync it, then rename it: PATH is old or new, never half.

    Whoever may read a plain new file there may read PATH, whatever WRITE made of the temporary one.

    Args:
        path: the file to make or replace; its folder must exist.
        write: called with the temporary path (same suffix, so that image encoders recognise it).
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.tmp{path.suffix}")
    try:
        temporary.touch()
        plain_mode = temporary.stat().st_mode
        write(temporary)
        if temporary.stat().st_mode != plain_mode:  # safetensors puts a private file in its place
            temporary.chmod(stat.S_IMODE(plain_mode))
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    _sync_folder(path.parent)


def is_leftover(path: Path) -> bool:
    """Is PATH a temporary file of `write_atomically` whose process was killed?

    It is when no process of its number runs here and nothing was written to it for an hour: the process may
    run on another machine that shares the folder (a mounted Drive, say), where we cannot look.
    """
    match = TEMPORARY.fullmatch(path.name)
    try:
        is_quiet = time.time() - path.stat().st_mtime > _QUIET_SECONDS
    except FileNotFoundError:  # finished meanwhile, or another process deleted it
        return False
    return match is not None and is_quiet and not _is_running(int(match[1]))


def write_text(path: Path, text: str) -> None:
    """Write TEXT (UTF-8, newlines as given) to PATH atomically."""
    write_atomically(path, lambda temporary: temporary.write_bytes(text.encode("utf-8", "surrogateescape")))


def _is_running(process: int) -> bool:
    if os.name == "nt":  # there is no harmless signal there
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # another user's
        return True
    return True


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # Windows cannot open a folder to sync it
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
