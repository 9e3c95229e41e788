"""A place of one's own for files that no one needs later."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from diptych.errors import StorageError
from diptych.fs.errors import storage_error


@contextmanager
def private_directory() -> Iterator[str]:
    """A new directory that this user alone can read, removed at the end. Raises StorageError."""
    try:
        path = tempfile.mkdtemp(prefix="diptych-")
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
