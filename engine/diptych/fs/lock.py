"""The writer lock: an operating-system lock on a file that is never deleted, with the holder's process id.

The lock is filelock's (flock on POSIX, msvcrt on Windows). It ends with the process that holds it, so a
killed writer leaves nothing to clean up. The process id in the file is only for error messages.

A user may still delete the file, and the next writer would create and lock another one. So the directory is
locked too, if the system supports that, and the holder can verify that both are still in place.
"""

from __future__ import annotations

import errno
import os
import sys
import time
import weakref
from contextlib import suppress

from diptych.errors import InvalidArgumentError, StorageError, StoreLockedError, StoreReplacedError
from diptych.fs.errors import importing, storage_error, translated
from diptych.fs.regular import open_regular, require_regular
from diptych.layout import LOCK

if sys.platform != "win32":
    import fcntl

_POLL_S = 0.05
_HELD = frozenset({errno.EAGAIN, errno.EWOULDBLOCK, errno.EACCES})
# Errors of `stat` if nothing is at a path, or it leads nowhere.
_GONE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.ESTALE})


class WriterLock:
    """Hold the lock on `path`, and on its directory, until `release`.

    Waits up to `timeout_s` seconds, then raises StoreLockedError with the holder's process id. Raises
    StorageError if the lock file cannot be opened, InvalidArgumentError for an invalid timeout.
    """

    def __init__(self, path: str, *, timeout_s: float = 0.0) -> None:
        # A NaN would wait for ever.
        if not timeout_s >= 0:
            raise InvalidArgumentError(f"a timeout must be 0 or more seconds, not {timeout_s!r}")
        # Imported here: it is slower to import than the rest of Diptych, and readers never need it.
        with importing("filelock"):
            import filelock

        self._directory_fd = -1
        with translated("lock", path):
            # Locking a pipe has no effect, and a link may lead to an unrelated file.
            if os.path.lexists(path):
                require_regular(path)
        self._path = path
        self._directory = os.path.dirname(path) or "."
        self._lock = filelock.FileLock(path, thread_local=False, is_singleton=False)
        deadline_s = time.monotonic() + timeout_s
        try:
            self._lock.acquire(timeout=timeout_s)
        except OSError as error:
            # filelock's Timeout is an OSError too.
            if not isinstance(error, filelock.Timeout):
                raise storage_error(error, "lock", path) from error
            raise _locked(path) from None
        try:
            self._lock_directory(deadline_s)
            with translated("write", path), open(path, "r+b", opener=open_regular) as file:
                file.write(f"{os.getpid():>19}\n".encode())
                status = os.fstat(file.fileno())
                self._inode, self._device = status.st_ino, status.st_dev
            with translated("examine", self._directory):
                status = os.stat(self._directory)
                self._directory_at = status.st_ino, status.st_dev
        except BaseException:
            # On an interrupt too: without a handle, nothing could release the lock before the process ends.
            self.release()
            raise

    def refuse_replaced(self) -> None:
        """Raise StoreReplacedError unless the lock file and its directory are the ones locked.

        Raises StorageError if that cannot be determined now.
        """
        self.refuse_moved()
        try:
            directory = os.stat(self._directory)
        except OSError as error:
            raise self._not_found(error) from error
        # All its files, with the lock, may have been moved or linked into another directory.
        if (directory.st_ino, directory.st_dev) != self._directory_at:
            raise _replaced(self._directory)

    def refuse_moved(self) -> None:
        """As `refuse_replaced`, but test only the lock file, by its path."""
        try:
            file = os.stat(self._path)
        except OSError as error:
            raise self._not_found(error) from error
        if file.st_ino != self._inode or file.st_dev != self._device:
            raise _replaced(self._directory)

    def _not_found(self, error: OSError) -> StorageError:
        if error.errno in _GONE:
            return _replaced(self._directory)
        return storage_error(error, "examine", self._path)

    def release(self) -> None:
        """Let the next writer in. Never raises."""
        # The directory first: the next holder of the file lock expects the directory lock to be free.
        fd, self._directory_fd = self._directory_fd, -1
        _unlock(fd)
        self._lock.release(force=True)

    def __del__(self) -> None:
        # filelock releases a lock without a handle; release the directory with it.
        self._forget_directory()

    def _lock_directory(self, deadline_s: float) -> None:
        """Lock the directory itself, if the file system can: this lock survives deletion of the lock file."""
        if sys.platform == "win32":
            return
        with translated("open the directory", self._directory):
            self._directory_fd = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        _HOLDERS.add(self)
        while True:
            try:
                fcntl.flock(self._directory_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                # Any other error: the system cannot lock directories (NFS). The file lock must suffice.
                if error.errno in _HELD and time.monotonic() < deadline_s:
                    time.sleep(_POLL_S)
                    continue
                if error.errno in _HELD:
                    raise _locked(self._path) from None
            return

    def _forget_directory(self) -> None:
        """Close the directory. After a fork, the lock stays with the parent and ends with it."""
        fd, self._directory_fd = self._directory_fd, -1
        _close(fd)


class DirectoryLock:
    """Hold a lock on the directory at `path` itself until `release`; nothing is made for it.

    `is_held` is False where the system cannot lock a directory: there a WriterLock has to do. Raises
    StoreLockedError at once where another holds it or replaced the directory meanwhile, StorageError.
    """

    def __init__(self, path: str) -> None:
        self._directory_fd = -1
        if sys.platform == "win32":
            return
        with translated("open the directory", path):
            self._directory_fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        _HOLDERS.add(self)
        try:
            fcntl.flock(self._directory_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self.release()
            if error.errno in _HELD:
                raise _locked(os.path.join(path, LOCK)) from None
            # Any other error: the system cannot lock directories (NFS).
            return
        if not self._is_at(path):
            self.release()
            raise _locked(os.path.join(path, LOCK))

    def _is_at(self, path: str) -> bool:
        try:
            return os.path.samestat(os.fstat(self._directory_fd), os.stat(path))
        except OSError:
            return False

    @property
    def is_held(self) -> bool:
        """Whether there is a lock."""
        return self._directory_fd >= 0

    def release(self) -> None:
        """Let the next one in. Never raises."""
        fd, self._directory_fd = self._directory_fd, -1
        _unlock(fd)

    def __del__(self) -> None:
        self._forget_directory()

    def _forget_directory(self) -> None:
        """Close the directory. After a fork, the lock stays with the parent and ends with it."""
        fd, self._directory_fd = self._directory_fd, -1
        _close(fd)


_HOLDERS: weakref.WeakSet[WriterLock | DirectoryLock] = weakref.WeakSet()


def _unlock(fd: int) -> None:
    """Unlock and close a directory; -1 for none."""
    if fd >= 0:
        with suppress(OSError):
            # A forked child with the same descriptor must not keep holding the lock.
            fcntl.flock(fd, fcntl.LOCK_UN)
        _close(fd)


def _close(fd: int) -> None:
    if fd >= 0:
        with suppress(OSError):
            os.close(fd)


def _forget_all() -> None:
    for lock in list(_HOLDERS):
        lock._forget_directory()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)


def _replaced(directory: str) -> StoreReplacedError:
    """The error for a store in `directory` that is not the one opened there."""
    return StoreReplacedError(
        f"the store at {directory} was deleted, moved or replaced while it was open",
        advice="close this handle and open the store again; if it was moved, open it where it is now",
    )


def holder(path: str) -> int:
    """The process id in the lock file, or 0."""
    try:
        with open(path, "rb", opener=open_regular) as file:
            return int(file.read(20).strip() or b"0")
    except (OSError, ValueError):
        return 0


def _locked(path: str) -> StoreLockedError:
    pid = holder(path)
    by = f"process {pid}" if pid else "another process"
    if pid == os.getpid():
        by = "this process, through another handle,"
    return StoreLockedError(
        f"{os.path.dirname(path)} is being written by {by}",
        pid=pid,
        advice="wait until it is done, or give a longer timeout",
    )
