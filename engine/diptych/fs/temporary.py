"""Private temporary directories."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache

from diptych.errors import StorageError
from diptych.fs.errors import storage_error

# Linux keeps this in memory: making names there waits for no disk, however busy.
_IN_MEMORY = "/dev/shm"
_LINKS = "diptych-links-"
# Such a directory lives for milliseconds: one this old is of a process that was killed.
_ABANDONED_S = 3600.0


@contextmanager
def private_directory(*, in_memory: bool = False) -> Iterator[str]:
    """A new directory that this user alone can read, removed at the end. Raises StorageError.

    `in_memory`: for names alone, in memory where the system has a place for that and TMPDIR names no other.
    There may be little room.
    """
    try:
        path = _make(in_memory)
    except (FileNotFoundError, NotADirectoryError) as error:
        # Without its errno, which would tell of a leaf that is gone.
        raise StorageError(
            f"there is no place for temporary files, which reading needs here: {error.strerror}",
            advice="set TMPDIR to a directory that can be written to",
        ) from error
    except OSError as error:
        raise storage_error(error, "make a directory in", tempfile.gettempdir()) from error
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def _make(in_memory: bool) -> str:
    if in_memory and "TMPDIR" not in os.environ and os.path.isdir(_IN_MEMORY):
        # Full, read-only or not ours: then the usual place may do.
        with suppress(OSError):
            _remove_abandoned(_IN_MEMORY)
            return tempfile.mkdtemp(prefix=_LINKS, dir=_IN_MEMORY)
    return tempfile.mkdtemp(prefix="diptych-")


@cache
def _remove_abandoned(place: str) -> None:
    """Once a process: nothing else clears memory before the system starts again."""
    before_s = time.time() - _ABANDONED_S
    with os.scandir(place) as entries:
        for entry in entries:
            if entry.name.startswith(_LINKS) and _is_older(entry, before_s):
                shutil.rmtree(entry.path, ignore_errors=True)


def _is_older(entry: os.DirEntry[str], before_s: float) -> bool:
    try:
        status = entry.stat(follow_symlinks=False)
    except OSError:
        return False
    return stat.S_ISDIR(status.st_mode) and status.st_mtime < before_s
