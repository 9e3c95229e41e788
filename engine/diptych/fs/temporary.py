"""Private temporary directories."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from diptych.errors import StorageError
from diptych.fs.errors import storage_error

# Linux keeps this in memory: making names there waits for no disk, however busy.
_IN_MEMORY = "/dev/shm"


@contextmanager
def private_directory() -> Iterator[str]:
    """A new directory that this user alone can read, removed at the end; in memory where the system has that.

    For names and small files only. Raises StorageError.
    """
    try:
        path = _make()
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


def _make() -> str:
    if "TMPDIR" not in os.environ and os.path.isdir(_IN_MEMORY):
        # Full, read-only or not ours: then the usual place may do.
        with suppress(OSError):
            return tempfile.mkdtemp(prefix="diptych-", dir=_IN_MEMORY)
    return tempfile.mkdtemp(prefix="diptych-")
