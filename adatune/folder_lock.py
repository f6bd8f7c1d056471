"""One process per run or dataset folder: two that wrote in the same one would spoil it."""

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from adatune.errors import FolderInUse

FILE = ".lock"
_PLACE = 1 << 30  # Windows forbids reading a locked byte: lock one beyond the text


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Hold FOLDER for this process; the system frees it when the process ends, however it ends.

    The file stays: deleting it would let two processes lock two different files of the same name.

    Raises:
        FolderInUse: another living process holds it.
    """
    with os.fdopen(os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644), "rb+") as file:
        try:
            _lock(file)
        except OSError as error:
            holder = file.read(20).decode(errors="replace").strip()
            raise FolderInUse(
                f"{folder} is in use by another adatune{f' (process {holder})' if holder else ''}. "
                "Wait until it ends, or stop it; it saves before it leaves."
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        yield


if sys.platform == "win32":
    import msvcrt

    def _lock(file: BinaryIO) -> None:
        file.seek(_PLACE)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        file.seek(0)
else:
    import errno
    import fcntl

    def _lock(file: BinaryIO) -> None:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            # Some mounted drives know no locks. Such a run is unguarded rather than impossible.
            if error.errno not in (errno.ENOSYS, errno.ENOTSUP, errno.ENOLCK, errno.EINVAL):
                raise
