"""The files of one run: their names, what is appended, what is kept, and who may write.

A run is killed at any instant and continued; nothing here trusts that the process before had time to tidy up.
"""

import errno
import json
import math
import os
import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from adatune.errors import RunError
from adatune.folder_lock import locked
from adatune.home import (
    TEMPORARY,
    list_runs,
    new_run_folder,
    newest_run,
    run_numbered,
    runs_folder,
    write_text,
)

CONFIG, STATS, LOG, STATE = "config.toml", "stats.jsonl", "log.txt", "state.pt"
_SNAPSHOT = re.compile(r"network-(\d{6,}(?:\.\d{3})?)\.safetensors")
_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)


def kimg_name(images: int) -> str:
    """IMAGES as thousands for file names: 200000 is '000200', 16 is '000000.016'."""
    thousands, rest = divmod(images, 1000)
    return f"{thousands:06d}.{rest:03d}" if rest else f"{thousands:06d}"


def network_path(folder: Path, images: int) -> Path:
    """The snapshot of the networks of a run after IMAGES."""
    return folder / f"network-{kimg_name(images)}.safetensors"


def fakes_path(folder: Path, images: int) -> Path:
    """The grid of samples of the same moment."""
    return folder / f"fakes-{kimg_name(images)}.jpg"


def images_of(snapshot: Path) -> int | None:
    """Images shown when SNAPSHOT was written, by its name; None when it is not named like a snapshot."""
    match = _SNAPSHOT.fullmatch(snapshot.name)
    return None if match is None else round(float(match[1]) * 1000)


def create(name: str) -> Path:
    """Make `runs/NNNNN-NAME` with the next free number."""
    return new_run_folder(name)


@contextmanager
def lock(folder: Path) -> Generator[None]:
    """Hold FOLDER for this process while training, and remove what killed processes left half written.

    Raises:
        RunError: another living process holds it.
    """
    with locked(folder):
        for path in leftovers(folder):
            path.unlink(missing_ok=True)
        yield


def is_run(text: str) -> bool:
    """Does TEXT mean a run rather than a network: 'latest', a run's number or name, or a run folder?"""
    return text == "latest" or text.isdecimal() or _run_named(text) is not None


def find_run(text: str) -> Path:
    """The run that TEXT means: 'latest', a number such as 3, a name such as 00003-faces, or a folder.

    Raises:
        RunError: there is no such run.
    """
    if text == "latest":
        return newest_run()
    found = _run_named(text) or run_numbered(text)
    if found is not None:
        return found
    names = ", ".join(folder.name for folder in list_runs()[-5:])
    there = f"The newest there: {names}." if names else "It holds none."
    raise RunError(f"There is no run {text} in {runs_folder()}. {there}")


def _run_named(text: str) -> Path | None:
    for folder in (Path(text).expanduser(), runs_folder() / text):
        if text and (folder / CONFIG).is_file():
            return folder
    return None


def append_stats(folder: Path, row: Mapping[str, Any]) -> None:
    """Add one line to stats.jsonl, on disk when this returns. Numbers that are not finite become null."""
    finite = {key: None if isinstance(v, float) and not math.isfinite(v) else v for key, v in row.items()}
    _append(folder / STATS, json.dumps(finite) + "\n")


def append_log(folder: Path, text: str) -> None:
    """Add TEXT and a line end to log.txt."""
    _append(folder / LOG, text + "\n")


def _append(path: Path, text: str) -> None:
    with path.open("a", encoding="utf-8", newline="\n") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def read_stats(folder: Path) -> list[dict[str, Any]]:
    """The rows of stats.jsonl; lines that a killed process left half written are not among them."""
    return [row for _, row in _stats_lines(folder)]


def _stats_lines(folder: Path) -> Iterator[tuple[bytes, dict[str, Any]]]:
    path = folder / STATS
    if not path.is_file():
        return
    for line in path.read_bytes().splitlines(keepends=True):
        try:
            row = json.loads(line)
        except ValueError:
            continue
        if isinstance(row, dict) and line.endswith(b"\n"):
            yield line, row


def truncate_stats(folder: Path, step: int) -> None:
    """Drop what stats.jsonl says about steps after STEP, and half-written lines, before a run goes on."""
    kept = b"".join(line for line, row in _stats_lines(folder) if row.get("step", 0) <= step)
    path = folder / STATS
    if path.is_file() and path.read_bytes() != kept:
        write_text(path, kept.decode("utf-8", "surrogateescape"))


def list_snapshots(folder: Path) -> list[Path]:
    """The network-*.safetensors of a run, oldest first."""
    found = ((images_of(path), path) for path in folder.glob("network-*.safetensors"))
    return [path for _, path in sorted((images, path) for images, path in found if images is not None)]


def superfluous_snapshots(folder: Path, keep_last: int, keep_every_kimg: float) -> list[Path]:
    """Snapshots neither among the last KEEP_LAST nor the first at or past a multiple of KEEP_EVERY_KIMG."""
    snapshots = list_snapshots(folder)
    milestones: dict[int, Path] = {}
    for path in snapshots:  # the first at or past each multiple: with an odd batch none falls exactly on it
        multiple = (images_of(path) or 0) // max(round(keep_every_kimg * 1000), 1)
        if multiple:
            milestones.setdefault(multiple, path)
    kept = {*milestones.values(), *snapshots[-max(keep_last, 1) :]}
    return [path for path in snapshots if path not in kept]


def prune(folder: Path, keep_last: int, keep_every_kimg: float) -> None:
    """Delete superfluous snapshots with the sample grids and walks of the same moment."""
    for snapshot in superfluous_snapshots(folder, keep_last, keep_every_kimg):
        for path in files_of_snapshot(snapshot):
            path.unlink()


def files_of_snapshot(snapshot: Path) -> list[Path]:
    """SNAPSHOT and, where they exist, its grid of samples and the walk that was trained with it.

    SNAPSHOT is the last: while it is there, what a killed deletion left of the others is found again.
    """
    fakes = snapshot.with_name(snapshot.name.replace("network-", "fakes-").replace(".safetensors", ".jpg"))
    walks = sorted(snapshot.parent.glob(snapshot.name.replace("network-", "walk-*-", 1)))
    return [path for path in (fakes, *walks, snapshot) if path.is_file()]


def leftovers(folder: Path) -> list[Path]:
    """Temporary files of killed processes. Only the holder of the run's lock may delete them."""
    return sorted(path for path in folder.iterdir() if path.is_file() and TEMPORARY.fullmatch(path.name))


@contextmanager
def explaining_full_disk(folder: Path) -> Generator[None]:
    """Turn what any library says when the disk is full into words that help.

    Raises:
        RunError: the disk is full; names what to free.
    """
    try:
        yield
    except Exception as error:
        if not _says_full(error):
            raise
        has_state = (folder / STATE).is_file()
        next_words = (
            f"go on with 'adatune train --resume {folder.name}'" if has_state else "start the run again"
        )
        raise RunError(
            f"The disk of {folder} is full; the files written before are whole. Free space, for example with "
            f"'adatune clean {folder.name}', then {next_words}."
        ) from error


def _says_full(error: Exception) -> bool:
    if isinstance(error, OSError) and error.errno in _FULL_DISK:
        return True
    return "No space left" in str(error) or "os error 28" in str(error)  # safetensors
