"""A reader's hold on a version: a shared operating-system lock on the version's manifest.

No other version shares the manifest of a version. It is opened read-only, so a reader needs no write
permission and the base may be on a read-only file system. The lock ends with the process, so a killed reader
leaves nothing to clean up. Without `flock` (Windows), the open file itself prevents the rename with which a
removal begins.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from diptych.fs import open_regular, read_bounded_fd, translated
from diptych.versions.errors import CorruptVersionError, VersionInUseError
from diptych.versions.manifest import MAX_SIZE_BYTES, raise_if_misplaced

if sys.platform != "win32":
    import fcntl

# A removal holds a version for one rename. Only a stopped process makes a reader wait this long.
_WAIT_S = 5.0


class Lease:
    """A shared hold on the version whose manifest is `path`, until `close`.

    Raises FileNotFoundError if the version is gone, VersionInUseError while it is being removed,
    CorruptVersionError if the manifest is not a regular file, and StorageError.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        with _missing_passes("open", path):
            self._fd: int | None = _opened(path, os.O_RDONLY)
        try:
            if not _lock(self._fd, path, shared=True):
                raise VersionInUseError(  # noqa: TRY301 - the handle is closed for all of them below
                    f"{os.path.dirname(path)} is being removed", advice="open another one"
                )
            with _missing_passes("open", path):
                if not os.path.samestat(os.fstat(self._fd), os.lstat(path)):
                    # It was removed and recreated between open and lock, so the lock is on the old file.
                    raise FileNotFoundError(path)  # noqa: TRY301
        except BaseException:
            self.close()
            raise

    def read(self) -> bytes:
        """The manifest's bytes. Raises CorruptVersionError if it is too long, and StorageError."""
        assert self._fd is not None
        with translated("read", self._path):
            try:
                return read_bounded_fd(self._fd, self._path, MAX_SIZE_BYTES)
            except OSError as error:
                raise_if_misplaced(error, self._path)
                raise

    def close(self) -> None:
        """Release the version. A second call does nothing."""
        # Close without unlocking: an unlock would also end the lock of a forked child.
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)


def hold(path: str) -> Lease:
    """A lease on the version whose manifest is `path`. Waits for a removal in progress.

    Raises the errors of Lease; VersionInUseError only after a timeout.
    """
    deadline = time.monotonic() + _WAIT_S
    while True:
        try:
            return Lease(path)
        except VersionInUseError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.001)


@contextmanager
def exclusive(path: str) -> Iterator[bool]:
    """Yield whether no reader holds the version whose manifest is `path`, and admit none in the body.

    Raises StorageError. A version without a regular file as its manifest has no readers.
    """
    try:
        with _missing_passes("open", path):
            # Some network file systems grant an exclusive lock only on a file opened for writing.
            fd = _opened(path, os.O_RDWR)
    except (FileNotFoundError, CorruptVersionError):
        yield True
        return
    try:
        yield _lock(fd, path, shared=False)
    finally:
        os.close(fd)


def _opened(path: str, flags: int) -> int:
    try:
        return open_regular(path, flags)
    except OSError as error:
        raise_if_misplaced(error, path)
        raise


@contextmanager
def _missing_passes(doing: str, path: str) -> Iterator[None]:
    with translated(doing, path):
        try:
            yield
        except FileNotFoundError as error:
            missing = error
        else:
            return
    raise missing


def _lock(fd: int, path: str, *, shared: bool) -> bool:
    if sys.platform == "win32":
        return True
    with translated("lock", path):
        try:
            fcntl.flock(fd, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
    return True
