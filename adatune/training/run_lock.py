"""One process per run folder: two that trained in the same one would spoil its state."""

import os
import sys
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from adatune.errors import RunError

_FILE = ".lock"
_PLACE = 1 << 30  # Windows forbids reading a locked byte: lock one beyond the text


class RunLock:
    """Held while a process trains in a folder; the system frees it when the process ends, however it ends."""

    def __init__(self, folder: Path) -> None:
        """Does not lock yet; use `with RunLock(folder):`."""
        self.folder = folder
        self._file: BinaryIO | None = None

    def __enter__(self) -> Self:
        """Take the lock.

        Raises:
            RunError: another living process holds it.
        """
        file = os.fdopen(os.open(self.folder / _FILE, os.O_RDWR | os.O_CREAT, 0o644), "rb+")
        try:
            _lock(file)
        except OSError as error:
            holder = file.read(20).decode(errors="replace").strip()
            file.close()
            raise RunError(
                f"{self.folder} is in use by another adatune{f' (process {holder})' if holder else ''}. "
                "Wait until it ends, or stop it; it saves before it leaves."
            ) from error
        file.truncate(0)
        file.write(f"{os.getpid()}\n".encode())
        file.flush()
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Free the lock. The file stays: deleting it would let two processes lock two different files."""
        if self._file is not None:
            self._file.close()
            self._file = None


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
