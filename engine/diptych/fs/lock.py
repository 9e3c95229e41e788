"""The writer's lock: an operating-system lock on a file that is never deleted, with the holder's process id.

The lock itself is filelock's (flock on POSIX, msvcrt on Windows). It vanishes with the process that holds
it, so a killed writer leaves nothing to clean up. The process id in the file is for the message only.
"""

from __future__ import annotations

import os

from diptych.errors import StoreLockedError
from diptych.fs.errors import storage_error, translated
from diptych.fs.regular import open_regular, require_regular


class WriterLock:
    """Hold the lock on `path` until `release`.

    Waits up to `timeout_s` seconds. Raises StoreLockedError with the holder's process id after that, and
    StorageError where the lock file cannot be opened.
    """

    def __init__(self, path: str, *, timeout_s: float = 0.0) -> None:
        # Imported here: it costs more than the rest of Diptych together, and a reader never needs it.
        import filelock

        with translated("lock", path):
            # A lock on a pipe, or through a link, would be none, or somebody else's file.
            if os.path.lexists(path):
                require_regular(path)
        self._path = path
        self._lock = filelock.FileLock(path, thread_local=False, is_singleton=False)
        try:
            self._lock.acquire(timeout=timeout_s)
        except OSError as error:
            # filelock's Timeout is an OSError too.
            if not isinstance(error, filelock.Timeout):
                raise storage_error(error, "lock", path) from error
            pid = holder(path)
            by = f"process {pid}" if pid else "another process"
            if pid == os.getpid():
                by = "this process, through another handle,"
            raise StoreLockedError(
                f"{os.path.dirname(path)} is being written by {by}",
                pid=pid,
                advice="wait until it is done, or give a longer timeout",
            ) from None
        try:
            with translated("write", path), open(path, "r+b", opener=open_regular) as file:
                file.write(f"{os.getpid():>19}\n".encode())
        except BaseException:
            # An interrupt too: a lock that no one has a handle to would be held as long as the process lives.
            self.release()
            raise

    def release(self) -> None:
        """Let the next writer in. Never raises."""
        self._lock.release(force=True)


def holder(path: str) -> int:
    """The process id that the lock file names, or 0."""
    try:
        with open(path, "rb", opener=open_regular) as file:
            return int(file.read(20).strip() or b"0")
    except (OSError, ValueError):
        return 0
