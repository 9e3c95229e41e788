"""Presence: a shared lock by which a process shows that it is there, and which ends with it.

Nothing has to be cleaned up after a process that was killed, and no process id is trusted.
"""

from __future__ import annotations

import errno
import os
import sys
import time
from contextlib import suppress

from diptych.errors import StorageError
from diptych.fs.errors import storage_error
from diptych.fs.regular import open_regular

if sys.platform != "win32":
    import fcntl

_HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})
# Somebody asks `is_shared` just now: that takes microseconds.
_ATTEMPTS = 100
_PAUSE_S = 0.01


class SharedLock:
    """Hold a shared lock on the file at `path`, which is made if need be, until `release`.

    Raises StorageError where it cannot be made or locked.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._fd = -1
        try:
            self._fd = open_regular(path, os.O_RDWR | os.O_CREAT)
            self._lock()
        except OSError as error:
            self.release()
            if isinstance(error, StorageError):
                raise
            raise storage_error(error, "lock", path) from error

    @property
    def is_in_place(self) -> bool:
        """Whether the locked file is still the one at the path: not where it was deleted or replaced."""
        try:
            there, held = os.lstat(self._path), os.fstat(self._fd)
        except OSError:
            return False
        return (there.st_ino, there.st_dev) == (held.st_ino, held.st_dev)

    def release(self) -> None:
        """End the lock. Never raises."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            with suppress(OSError):
                os.close(fd)

    def _lock(self) -> None:
        if sys.platform == "win32":
            return
        for attempt in range(_ATTEMPTS):
            try:
                fcntl.flock(self._fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError as error:
                if error.errno not in _HELD or attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(_PAUSE_S)
            else:
                return


def is_shared(path: str) -> bool:
    """Whether any process holds a `SharedLock` on the file. Also True where that cannot be determined."""
    try:
        fd = open_regular(path, os.O_RDWR)
    except FileNotFoundError:
        return False
    except OSError:
        return True
    try:
        if sys.platform == "win32":
            return True
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)
