"""Private temporary directories."""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

from diptych.errors import StorageError
from diptych.fs.errors import storage_error

# In memory on Linux: making names there never waits for a busy disk.
_IN_MEMORY = "/dev/shm"
_LINKS = "diptych-links-"
# Such a directory lives for milliseconds. An older one belongs to a killed process.
_ABANDONED_S = 3600.0


@contextmanager
def private_directory(*, in_memory: bool = False) -> Iterator[str]:
    """A new directory that only this user can read, removed at the end. Raises StorageError.

    `in_memory`: for links only; in memory if the system supports that and TMPDIR is not set. There may be
    little space.
    """
    try:
        path = _make(in_memory)
    except (FileNotFoundError, NotADirectoryError) as error:
        # Without its errno, which would mean that the search index is missing.
        raise StorageError(
            f"there is no directory for temporary files: {error.strerror}",
            advice="set TMPDIR to a writable directory",
        ) from error
    except OSError as error:
        import tempfile

        raise storage_error(error, "make a directory in", tempfile.gettempdir()) from error
    try:
        yield path
    finally:
        _remove(path)


def _make(in_memory: bool) -> str:
    if in_memory and "TMPDIR" not in os.environ and os.path.isdir(_IN_MEMORY):
        # If it is full, read-only or not ours, use the usual directory.
        with suppress(OSError):
            _remove_abandoned(_IN_MEMORY)
            path = os.path.join(_IN_MEMORY, _LINKS + os.urandom(8).hex())
            os.mkdir(path, 0o700)
            return path
    # Its imports take longer than what a search does with the directory.
    import tempfile

    return tempfile.mkdtemp(prefix="diptych-")


@cache
def _remove_abandoned(place: str) -> None:
    """Once per process: nothing else clears this directory until a reboot."""
    before_s = time.time() - _ABANDONED_S
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(_LINKS) and _is_older(entry, before_s):
                _remove(entry.path)


def _remove(path: str) -> None:
    """Remove a directory of files and links; what cannot be removed stays."""
    try:
        for name in os.listdir(path):
            os.unlink(os.path.join(path, name))
        os.rmdir(path)
    except OSError:
        # There are directories in it, or another process removes it too.
        import shutil

        shutil.rmtree(path, ignore_errors=True)


def _is_older(entry: os.DirEntry[str], before_s: float) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_mtime < before_s
